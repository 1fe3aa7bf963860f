from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet

COARSEST = 14.0
"""Bits. Steps coarser than these are those of a wave that jumps between a few levels, as chip sounds do."""


@rule("BIT003", severity="warning", confidence="measured", daw="bit-depth", score=0.5, bits=20.5)
def hidden_16_bit(stems: StemSet, *, score: float, bits: float) -> Finds:
    """A coarser source stands behind a gain change.

    What
        All bits are used, but the samples stand on a grid as coarse as `bits` bits or coarser: a 16-bit source that a
        fader turned up or down on its way into 24 bits.
    Why the mix engineer cares
        It is a 16-bit stem that BIT001 cannot see.
    How it is measured
        The characteristic function of the samples below −42 dBFS in the loudest windows, at a frequency and its
        multiples: near 1 on a grid, near 0 without. Found in 106 of 108 versions of real music made with other gains
        than those it was set on, in 1 of 136 without a grid (a chip sound, since left out). EQ, fades and mixing hide
        a grid. A 24-bit source turned up by 21 dB has one, too, and rightly.
    Fix
        Find the 16-bit step (an imported clip, a sampler, a frozen or bounced track) and replace it by the original,
        or say in the notes that there is none.
    Source
        Widrow and Kollár, Quantization Noise, 2008; the test is this project's.
    """
    for stem, levels in measured(stems.stems):
        words = levels.words
        coarse = COARSEST <= words.grid_bits <= bits and words.low_byte_empty < 0.5  # else it is BIT002
        if not stem.file.format.lossy and words.grid is not None and words.grid > score and coarse:
            message = f"stands on a grid of {number(words.grid_bits, 1)} bits: a coarser source behind a gain change"
            yield Found(message, stem.file.path, words.grid, score, "of 1")
