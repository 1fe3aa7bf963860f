import math

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CHN001", severity="warning", floor_dbfs=-90.0)
def silent(stems: StemSet, *, floor_dbfs: float) -> Finds:
    """A stem holds nothing but silence.

    What
        All samples are zero (an error), or none is above `floor_dbfs` (a warning: dither or noise only).
    Why the mix engineer cares
        Either the part is missing, because the track was muted or its output went nowhere, or the stem is clutter.
    How it is measured
        Sample peak over all channels.
    Fix
        Unmute the track, check its output and solo state, and bounce again; leave the stem out if it is meant to be
        empty.
    Source
        Universal Music content guide (empty objects are flagged); mixers' checklists.
    """
    for stem, levels in measured(stems.stems):
        if levels.silent:
            yield Found("is silent: every sample is zero", stem.file.path, "-inf", floor_dbfs, "dBFS", error=True)
        elif -math.inf < levels.sample_peak_dbfs < floor_dbfs:
            peak = levels.sample_peak_dbfs
            message = f"is as good as silent: it peaks at {number(peak, 1)} dBFS"
            yield Found(message, stem.file.path, peak, floor_dbfs, "dBFS")
