from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("LVL003", severity="warning", confidence="measured", repair="lossy", daw="headroom", limit_dbtp=-1.0)
def true_peak(stems: StemSet, *, limit_dbtp: float) -> Finds:
    """A stem's true peak is close to full scale or beyond.

    What
        The true peak is above `limit_dbtp`; above 0 dBTP it is an error.
    Why the mix engineer cares
        Between the samples the wave goes higher than they do: a converter, a resampler or an encoder clips there.
    How it is measured
        Four-fold oversampling by the filter of BS.1770-4, compared at 0.01 dB. The reference mix may be louder.
    Fix
        Turn all tracks or the master down by one common amount and bounce again. Never stems one by one: that
        destroys the balance.
    Source
        ITU-R BS.1770-4, annex 2; Universal Music content guide: −1 dBTP; Netflix: −2 dBTP.
    """
    for stem, levels in measured(stems.stems):
        peak = round(levels.true_peak_dbtp, 2)
        if peak > limit_dbtp:
            message = f"has a true peak of {number(peak)} dBTP; the limit is {number(limit_dbtp)} dBTP"
            yield Found(message, stem.file.path, peak, limit_dbtp, "dBTP", error=peak > 0)
