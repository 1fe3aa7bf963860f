from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._sounding import sounding
from stemwright.model import StemSet


@rule("TIM003", severity="info", repair="lossless", daw="start", seconds=0.5)
def no_handles(stems: StemSet, *, seconds: float) -> Finds:
    """The set has no silence before its first or after its last sound.

    What
        Less than `seconds` of digital silence at the start or at the end of all stems together.
    Why the mix engineer cares
        Fades, pre-roll and plug-in latency need a little room; some mixers ask for a bar in front.
    How it is measured
        First and last sound of the whole set; one finding for all. Most sets start on bar 1 without harm, so profiles
        leave the rule out unless the receiver asks for handles.
    Fix
        Add the same silence to all stems, or bounce all tracks again with a longer selection.
    Source
        Mixers' checklists: half a second; Universal Music content guide: a bar.
    """
    edges = sounding(stems)
    for place, room in (("before the first", edges.head), ("after the last", edges.tail)) if edges else ():
        if room < seconds:
            message = f"the stems have {number(room, 3)} s of silence {place} sound"
            yield Found(message, None, round(room, 3), seconds, "s")
