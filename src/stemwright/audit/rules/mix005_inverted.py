from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX005", severity="error", repair="lossless", confidence="measured")
def inverted(stems: StemSet) -> Finds:
    """A stem has the opposite polarity of its sound in the reference mix.

    What
        The mix holds the stem upside down, against most other stems.
    Why the mix engineer cares
        Parts that share a source (microphones of one drum kit, doubled bass) cancel each other instead of adding up.
    How it is measured
        The gain of the stem in the least-squares fit is negative by more than three standard errors. Of two stems
        that disagree the negative one is reported.
    Fix
        Turn the polarity of the stem (Ø); only a sample at −full scale cannot be turned exactly.
    Source
        Mixers' checklists; this project's measurements.
    """
    for part, made in _mixdown.parts(stems):
        if _mixdown.inverted(part, made):
            gain = number(_mixdown.share(part, made))
            yield Found("is inverted against the reference mix", part.path, gain, 0.0, "gain re the other stems")
