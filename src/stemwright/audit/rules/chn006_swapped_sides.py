from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("CHN006", severity="warning", repair="lossless", confidence="measured")
def swapped_sides(stems: StemSet) -> Finds:
    """Left and right of a stem are exchanged against the reference mix.

    What
        The mix holds the stem with its sides the other way round.
    Why the mix engineer cares
        Drums from the wrong side, and a panorama that no longer fits the other stems.
    How it is measured
        In windows of the song the stem explains much more of the mix with its sides exchanged than as it is: more
        than a fifth of all that is left of the mix.
    Fix
        Exchange the sides; no sample changes.
    Source
        Mixers' checklists; this project's measurements.
    """
    for part, _ in _mixdown.parts(stems):
        if part.swapped:
            message = "has left and right exchanged against the reference mix"
            yield Found(message, part.path, "exchanged", "as in the mix")
