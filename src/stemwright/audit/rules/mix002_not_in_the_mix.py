from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet
from stemwright.units import db


@rule("MIX002", severity="warning", confidence="measured")
def not_in_the_mix(stems: StemSet) -> Finds:
    """A stem is not in the reference mix.

    What
        The mix holds nothing of this stem, at no lag.
    Why the mix engineer cares
        Either the track was muted when the mix was made (and the artist does not want it), or the mix is an older
        version.
    How it is measured
        The gain of the stem in the least-squares fit, with three standard errors added, is 20 dB or more below that
        of the other stems, and correlation finds it nowhere else. It is left open where what is left of the mix is
        loud enough to hold the stem, changed or far away. Stems that cannot be told apart from others are not judged.
    Fix
        Ask the artist which one is right, and leave the stem out or bounce the mix again.
    Source
        Mixers' checklists; this project's proposal.
    """
    for part, made in _mixdown.parts(stems):
        if _mixdown.not_found(part, made):
            level = round(db(abs(_mixdown.share(part, made))), 1)
            shown = f"{number(level, 1)} dB" if level > -100 else "nothing"
            unsure = _mixdown.hidden(part, made)
            message = (
                "may be in the reference mix or not: it is not where it stands, and what is left could hold it"
                if unsure
                else f"is not in the reference mix ({shown} of it)"
            )
            yield Found(message, part.path, level, -20.0, "dB re the other stems", undetermined=unsure)
