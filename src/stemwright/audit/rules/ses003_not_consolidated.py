from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import named, sounding
from stemwright.model import DawSession


@rule("SES003", severity="warning", daw="equal-length")
def not_consolidated(session: DawSession) -> Finds:
    """A track consists of several clips.

    What
        A track that sounds holds more than one clip.
    Why the mix engineer cares
        Exported clip by clip, nobody knows where each piece belongs; and every fade and edit between them is still
        open.
    How it is measured
        Clips that are not muted, on tracks that are neither muted nor inactive. A bounce from start to end is not
        affected.
    Fix
        In Pro Tools select from the session start to the end of the last tail on all tracks, then Edit > Consolidate
        Clip (Option+Shift+3, Alt+Shift+3). In REAPER glue the items, or render the tracks from start to end.
    Source
        Pro Tools export guide: consolidated files.
    """
    for track, clips in sounding(session):
        if len(clips) > 1:
            yield Found(f"is not consolidated: {len(clips)} clips", named(track), len(clips), 1, "clips")
