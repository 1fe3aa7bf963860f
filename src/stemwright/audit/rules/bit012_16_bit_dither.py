from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._dither import dithered
from stemwright.model import StemSet


@rule("BIT012", severity="error", confidence="measured", daw="dither")
def dither_of_16_bits(stems: StemSet) -> Finds:
    """A 24-bit stem holds 16-bit dither.

    What
        Only 16 bits or fewer are used (BIT001), and the pauses hold the dither with which they were made.
    Why the mix engineer cares
        The whole mix was brought to 16 bits, hiss and all, before it was stored as 24: a mastering chain or a CD
        setting was left on.
    How it is measured
        As BIT010, at the last bit in use.
    Fix
        Bounce again: bit depth 24, dither none, no mastering plug-in with its own dither on the master bus.
    Source
        Pro Tools export guide: 24 bit, dither None.
    """
    for stem, found in dithered(stems, padded=True):
        message = f"holds {found.kind} dither of {found.bits} bits in a {stem.file.format.bits}-bit file"
        yield Found(message, stem.file.path, found.bits, stem.file.format.bits, "bits")
