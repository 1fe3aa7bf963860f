from stemwright.audit import Finds, Found, many, rule
from stemwright.audit.rules._dither import dithered
from stemwright.model import StemSet


@rule("BIT010", severity="warning", confidence="measured", daw="dither")
def dither(stems: StemSet) -> Finds:
    """A stem was dithered.

    What
        The pauses hold the noise of a dither (TPDF, high-pass TPDF or RPDF) of the file's own word length.
    Why the mix engineer cares
        Dither belongs at the very end, once. In stems it adds up and cannot be taken out.
    How it is measured
        Quiet windows of 1024 samples: a steady floor with the spectrum and the size of a dither, and nothing below it.
        In 251 generated cases made after the detector (real music, mostly decoded from lossy files, with pauses and
        fades) all TPDF and shaped dither with a pause was found, no undithered file was blamed, and 2 of 18 with hiss
        were, both of 16 bits. RPDF is seldom seen: it stops in silence. Without a pause see BIT013.
    Fix
        Bounce again with dither set to none.
    Source
        Pro Tools export guide: dither None; Lipshitz, Wannamaker, Vanderkooy, JAES 1992.
    """
    for stem, found in dithered(stems, padded=False):
        if "noise-shaped" not in found.kind:
            message = f"holds {found.kind} dither at {found.bits} bits, in {many(found.windows, 'quiet window')}"
            yield Found(message, stem.file.path, found.kind, "none")
