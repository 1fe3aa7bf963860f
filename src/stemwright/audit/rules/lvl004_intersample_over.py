from stemwright.audit import Finds, Found, many, measured, number, rule
from stemwright.model import StemSet


@rule("LVL004", severity="warning", confidence="measured", repair="lossy", daw="headroom")
def intersample_over(stems: StemSet) -> Finds:
    """A stem goes over full scale between its samples.

    What
        No sample is above 0 dBFS, yet the wave that they stand for is.
    Why the mix engineer cares
        The stem looks fine on a sample-peak meter and clips in the converter; often a limiter or clipper made it.
    How it is measured
        Sixteen-fold oversampling with 64 taps, whose figure does not depend on where the samples fall (the filter of
        BS.1770 can miss such overs). Places are blocks of 64 frames.
    Fix
        Turn all tracks or the master down by one common amount, take the limiter off the track, and bounce again.
    Source
        ITU-R BS.1770-4, annex 2, on the under-reading of peaks between samples.
    """
    for stem, levels in measured(stems.stems):
        peak = round(levels.high_res_peak_dbtp, 2)
        if peak > 0 and levels.sample_peak_dbfs <= 0:
            places = many(levels.intersample.count, "place")
            message = f"reaches +{number(peak)} dB over full scale between its samples, in {places}"
            yield Found(message, stem.file.path, peak, 0.0, "dBTP", levels.intersample.spans)
