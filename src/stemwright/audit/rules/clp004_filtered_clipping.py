from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CLP004", severity="warning", confidence="heuristic", daw="headroom", limit=6.0)
def filtered_clipping(stems: StemSet, *, limit: float) -> Finds:
    """A stem seems to have been clipped before it was resampled or equalised.

    What
        There are no flat tops, but far more samples at one loud level than just below it.
    Why the mix engineer cares
        The crackle of a clip stays when its flat tops are rounded off by what follows.
    How it is measured
        Histogram of the magnitudes in the loudest windows, 100 bins: the highest ridge in the upper half against the
        bins below it. A sine wave gives 3, the limit is 6. It finds heavy clipping only: of 46 real tracks with 1 % of
        the samples clipped and then resampled 14, with 0.2 % 3. The one clean track that it named holds a drum sample
        that was clipped.
    Fix
        Listen to the loudest places. If it crackles, look for the overload before the first EQ, sampler or rate
        conversion of the track and bounce again.
    Source
        Laguna and Lerch, AES convention 141, 2016; Netflix partner help (samples at the loudest level).
    """
    for stem, levels in measured(stems.stems):
        clipping = levels.clipping
        if clipping.histogram_spike > limit and not clipping.full_scale.count and not clipping.flat.count:
            spike = number(clipping.histogram_spike, 1)
            message = f"has {spike} times as many samples at one loud level as just below it: clipped earlier?"
            yield Found(message, stem.file.path, clipping.histogram_spike, limit, "times")
