from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES025", severity="warning", daw="split-mono")
def render_split(session: DawSession) -> Finds:
    """Stereo would be split, or folded to mono.

    What
        The render dialog, or the session itself, would write a file for each side of a stereo track, or one side only.
    Why the mix engineer cares
        Two mono files for one track must be found and paired by hand, and one of them gets lost. What was folded to
        mono cannot be had back.
    How it is measured
        What the host tells of its render settings and of the session; Pro Tools consolidates as the session is set.
    Fix
        Choose Interleaved: in Pro Tools in Setup > Session, and as Format in File > Bounce Mix and Export Clips as
        Files. In REAPER Channels: Stereo in File > Render.
    Source
        Pro Tools export guide: interleaved.
    """
    if session.render.channels == 1 and any((track.channels or 1) > 1 for track in session.tracks):
        yield Found("would be rendered in mono", None, 1, 2, "channels")
    if session.render.interleaved is False:
        yield Found("would be rendered as a file for each side", None, "split", "interleaved")
    elif session.interleaved is False:
        yield Found("the session writes a file for each side of a stereo track", None, "split", "interleaved")
