from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet


@rule("SET015", severity="info", repair="lossy", confidence="measured", daw="headroom", limit_dbfs=0.0)
def sum_clips(stems: StemSet, *, limit_dbfs: float) -> Finds:
    """All stems together, faders at unity, are above full scale.

    What
        The sum of the stems peaks above `limit_dbfs`.
    Why the mix engineer cares
        Nothing is lost in a floating-point mixer, but the first thing to do is to pull all faders down; in a
        fixed-point chain it clips.
    How it is measured
        The peak of the running sum of all samples.
    Fix
        Nothing, or one common gain for all stems. Never turn down single stems.
    Source
        Mixers' checklists.
    """
    peak = stems.compared.sum_peak_dbfs
    if peak is not None and round(peak, 2) > limit_dbfs:
        yield Found(f"all stems together peak at {number(peak)} dBFS", None, round(peak, 2), limit_dbfs, "dBFS")
