from stemwright.audit import Finds, Found, measured, rule
from stemwright.model import StemSet


@rule("BIT013", severity="info", confidence="measured", daw="dither")
def dither_unknown(stems: StemSet) -> Finds:
    """Whether a stem was dithered cannot be told.

    What
        The stem has no pause, and its own sound covers the last bit everywhere.
    Why the mix engineer cares
        He need not: where the sound covers the last bit, so it does the dither. It is said so that "no dither found"
        is not taken for "not dithered".
    How it is measured
        No window of 1024 samples within 24 last bits, and in the top quarter of the spectrum more noise than
        rounding leaves. Only of integer files.
    Fix
        Nothing. See that the bounce dialog has dither set to none.
    Source
        This project: a verdict has three values.
    """
    for stem, levels in measured(stems.stems):
        if stem.file.format.encoding == "pcm" and levels.dither.state == "undetermined" and not levels.silent:
            yield Found("may be dithered or not: its own sound covers the last bit", stem.file.path, undetermined=True)
