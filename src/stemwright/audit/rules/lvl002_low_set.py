import math

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("LVL002", severity="info", daw="normalise", low_dbfs=-6.0)
def low_set(stems: StemSet, *, low_dbfs: float) -> Finds:
    """Even the loudest stem stays below the level window.

    What
        The loudest of all stems peaks below `low_dbfs`. What is too hot is LVL001's business.
    Why the mix engineer cares
        It costs no quality at 24 bit; the window only spares the mixer a first step of gain.
    How it is measured
        The highest sample peak of the set, compared at 0.01 dB: one finding for all. Single stems may be as quiet
        as the balance wants them.
    Fix
        Leave it, or raise all tracks by one common amount. Never normalise stems one by one: that destroys the
        balance.
    Source
        Pro Tools export guide: hot tracks peak between −6 and −3 dBFS.
    """
    peaks = [round(levels.sample_peak_dbfs, 2) for _, levels in measured(stems.stems) if not levels.silent]
    if -math.inf < max(peaks, default=-math.inf) < low_dbfs:  # what holds nothing but NaN has no peak
        message = f"the loudest stem peaks at {number(max(peaks))} dBFS, below {number(low_dbfs)} dBFS; leave it so"
        yield Found(message, None, max(peaks), low_dbfs, "dBFS")
