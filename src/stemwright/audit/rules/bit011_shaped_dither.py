from stemwright.audit import Finds, Found, many, rule
from stemwright.audit.rules._dither import dithered
from stemwright.model import StemSet


@rule("BIT011", severity="warning", confidence="measured", daw="dither")
def shaped_dither(stems: StemSet) -> Finds:
    """A stem was dithered with noise shaping.

    What
        The pauses hold dither whose noise was moved to the top of the spectrum. In a file of fewer than 24 bits it is
        an error.
    Why the mix engineer cares
        Shaped noise is up to 30 dB louder than plain dither up there; compression and bright EQ on many stems bring it
        out as hiss.
    How it is measured
        As BIT010; the floor's top quarter stands 8 dB or more over its lower third.
    Fix
        Bounce again with dither and noise shaping set to none.
    Source
        Pro Tools export guide: dither None; Wannamaker, JAES 1992.
    """
    for stem, found in dithered(stems, padded=False):
        if "noise-shaped" in found.kind:
            message = f"holds {found.kind} dither at {found.bits} bits, in {many(found.windows, 'quiet window')}"
            yield Found(message, stem.file.path, found.kind, "none", error=found.bits < 24)
