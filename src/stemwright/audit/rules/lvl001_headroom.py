from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("LVL001", severity="warning", repair="lossy", daw="headroom", limit_dbfs=-3.0)
def headroom(stems: StemSet, *, limit_dbfs: float) -> Finds:
    """A stem peaks above the headroom limit.

    What
        The highest sample of a stem is above −3 dBFS (or the profile's `limit_dbfs`). The reference mix may be
        louder.
    Why the mix engineer cares
        The mix needs room for equalisers and for the sum of all stems; a hot stem was often limited or clipped on
        the way.
    How it is measured
        Sample peak over all channels, compared at 0.01 dB so that a file normalised to the limit itself passes.
    Fix
        Turn all tracks or the master down by one common amount and bounce again. Never normalise stems one by one:
        that destroys the balance.
    Source
        Pro Tools export guide: −3 dBFS; many mixers ask for −6 dBFS.
    """
    for stem, levels in measured(stems.stems):
        peak = round(levels.sample_peak_dbfs, 2)
        if peak > limit_dbfs:
            message = f"peaks at {number(peak)} dBFS; the limit is {number(limit_dbfs)} dBFS"
            yield Found(message, stem.file.path, peak, limit_dbfs, "dBFS")
