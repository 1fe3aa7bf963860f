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
    solved = _mixdown.solved(stems)
    for part in solved[1].parts if solved else ():
        if solved and _mixdown.inverted(part, solved[1]):
            gain = _mixdown.share(part, solved[1])
            message = "is inverted against the reference mix"
            yield Found(message, part.path, number(gain), 0.0, "gain re the other stems")
