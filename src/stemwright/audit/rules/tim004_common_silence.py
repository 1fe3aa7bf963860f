from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._sounding import sounding
from stemwright.model import StemSet


@rule("TIM004", severity="info", repair="lossless", daw="start", seconds=10.0)
def common_silence(stems: StemSet, *, seconds: float) -> Finds:
    """All stems are silent for long at the start or the end.

    What
        More than `seconds` of digital silence in every stem, before the first or after the last sound.
    Why the mix engineer cares
        Somebody must find where the song begins; and a selection that was far too long is easily one that was wrong.
    How it is measured
        First and last sound of the whole set, exact zeros; one finding for all. The limit is a proposal.
    Fix
        Cut the same length off all stems, and write the new start time into them; or leave it.
    Source
        This project's proposal.
    """
    edges = sounding(stems)
    for place, room in (("before the first", edges.head), ("after the last", edges.tail)) if edges else ():
        if room > seconds:
            message = f"the stems have {number(room, 1)} s of silence {place} sound"
            yield Found(message, None, round(room, 3), seconds, "s")
