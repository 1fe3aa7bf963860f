from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("BIT002", severity="warning", daw="bit-depth", limit=0.5)
def partly_padded(stems: StemSet, *, limit: float) -> Finds:
    """Most of a 24-bit stem is 16-bit.

    What
        More than the part `limit` of the samples end in eight zero bits, though not all: 16-bit clips with fades or
        crossfades between them.
    Why the mix engineer cares
        The stem promises 24 bits; what was recorded, or imported, has 16.
    How it is measured
        Share of the samples other than zero whose lowest 8 of 24 bits are zero. Chance gives 0.4 %. The limit is a
        proposal. Files whose samples all end so are BIT001.
    Fix
        Look for imported 16-bit clips on the track. If the recording itself has 16 bits, say so in the notes.
    Source
        This project.
    """
    for stem, levels in measured(stems.stems):
        share = levels.words.low_byte_empty
        if stem.file.format.bits >= 24 and levels.words.used_bits > 16 and share > limit:
            message = f"holds 16-bit samples in {number(100 * share, 0)} % of its sound"
            yield Found(message, stem.file.path, round(share, 4), limit, "of the samples")
