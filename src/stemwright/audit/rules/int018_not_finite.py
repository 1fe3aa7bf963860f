from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("INT018", severity="error")
def not_finite(stems: StemSet) -> Finds:
    """A float file holds samples that are no numbers.

    What
        Samples that are NaN or infinite; a plug-in that went wrong makes them.
    Why the mix engineer cares
        One such sample can silence the mix bus for good or reach the speakers as a full-scale bang.
    How it is measured
        Every sample of the file is looked at; those that are NaN or infinite are counted.
    Fix
        Find the plug-in (often a filter or reverb), reset or bypass it, and bounce the track again.
    Source
        IEEE 754: arithmetic with NaN gives NaN, so that it spreads through every plug-in that follows.
    """
    for stem, levels in measured(stems.everything):
        if levels.not_finite.count:
            count = levels.not_finite.count
            message = f"holds {many(count, 'sample')} with NaN or infinity"
            yield Found(message, stem.file.path, count, 0, "samples", levels.not_finite.spans)
