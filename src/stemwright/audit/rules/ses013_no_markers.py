from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES013", severity="info")
def no_markers(session: DawSession) -> Finds:
    """The session has no markers.

    What
        No marker or memory location stands on the timeline.
    Why the mix engineer cares
        Verse, chorus and bridge tell the engineer where he is, and notes can name places.
    How it is measured
        The markers that the host tells. A text that was exported without them is not judged.
    Fix
        Set a marker at the start of each section: in Pro Tools press Enter on the numeric keypad; in REAPER M.
    Source
        Judgement.
    """
    if session.markers == ():
        yield Found("the session has no markers", None, 0, 1, "markers")
