from stemwright.audit import Finds, Found, many, measured, number, rule
from stemwright.model import StemSet

FULL_SCALE_DBFS = -0.001


@rule("CLP005", severity="error", daw="headroom", share=1e-4, pile=1.25, fewest=10)
def netflix_clipping(stems: StemSet, *, share: float, pile: float, fewest: int) -> Finds:
    """A file is clipped by the criteria that Netflix publishes.

    What
        Any flat run at −0.45 dBFS or above; or more than the part `share` of the samples at full scale; or `fewest`
        or more samples at the loudest level, and `pile` times as many as in the whole dB below it.
    Why the mix engineer cares
        Netflix's inspector rejects such a file.
    How it is measured
        Runs of three or more equal samples; samples exactly at the file's highest magnitude against those within
        1 dB below. Of the five published criteria these are the ones that do not depend on the inspector's own
        windows. Off unless a profile asks for it.
    Fix
        Lower what clips and bounce again; limiters must stay below −0.45 dBFS.
    Source
        Netflix partner help, AudioClippingInspector.
    """
    for stem, levels in measured(stems.everything):
        clipping, path = levels.clipping, stem.file.path
        hot = clipping.at_peak / (stem.file.frames * stem.file.format.channels)
        runs = clipping.louder_than_0_45
        if runs.count:
            message = f"has {many(runs.count, 'flat run')} at −0.45 dBFS or above"
            yield Found(message, path, runs.count, 0, "runs", runs.spans)
        elif levels.sample_peak_dbfs >= FULL_SCALE_DBFS and hot > share:
            message = f"has {number(100 * hot, 3)} % of its samples at full scale"
            yield Found(message, path, hot, share, "of the samples")
        elif clipping.at_peak >= max(fewest, pile * clipping.below_peak):
            message = f"has {clipping.at_peak} samples at its loudest level and {clipping.below_peak} just below it"
            yield Found(message, path, clipping.at_peak, pile * clipping.below_peak, "samples")
