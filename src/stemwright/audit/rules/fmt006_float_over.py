from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("FMT006", severity="warning", repair="lossy", daw="headroom")
def float_over(stems: StemSet) -> Finds:
    """A float stem peaks above 0 dBFS.

    What
        Samples beyond full scale. They are whole in this file, and clip as soon as it becomes a 24-bit one.
    Why the mix engineer cares
        A session with 24-bit files converts on import: the peaks are cut off without a word.
    How it is measured
        Sample peak of float files, compared at 0.01 dB. Where 24-bit is asked for, a profile makes it an error.
    Fix
        Turn all tracks or the master down by one common amount and bounce again. Never stems one by one: that
        destroys the balance.
    Source
        Pro Tools export guide: 24 bit, peaks below −3 dBFS.
    """
    for stem, levels in measured(stems.stems):
        peak = round(levels.sample_peak_dbfs, 2)
        if stem.file.format.encoding == "float" and peak > 0:
            yield Found(f"peaks at +{number(peak)} dBFS and will clip at 24 bit", stem.file.path, peak, 0.0, "dBFS")
