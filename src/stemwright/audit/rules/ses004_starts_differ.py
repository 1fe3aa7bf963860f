from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._session import named, whole
from stemwright.model import DawSession


@rule("SES004", severity="warning", daw="start", within_s=0.05)
def starts_differ(session: DawSession, *, within_s: float) -> Finds:
    """A consolidated track does not start with the others.

    What
        The one clip of a track begins later or earlier than those of the other tracks, or before the session's start.
        That all begin alike, but after the session's start, is only mentioned.
    Why the mix engineer cares
        Stems that are dropped at the start of a session must line up there; one that begins elsewhere is out of sync by
        that much.
    How it is measured
        Where the clips of tracks with one clip begin; tracks of several clips are SES003's business. Texts in timecode
        are exact to a video frame, so `within_s` seconds are let through.
    Fix
        Begin the selection at the session start on every track, then consolidate: in Pro Tools press Return,
        Shift-click behind the last tail, Edit > Consolidate Clip.
    Source
        Pro Tools export guide: all files start at the session start.
    """
    starts = [(track, clip.at) for track, clip in whole(session)]
    rate = session.sample_rate or 48_000
    first = min((at for _, at in starts if at >= 0), default=0)
    odd = [(track, at) for track, at in starts if abs(at - first) > within_s * rate]
    for track, at in odd:
        later = at > first
        place = "after the other tracks" if later else "before the session's start"
        yield Found(
            f"begins {number((at - first if later else -at) / rate, 3)} s {place}", named(track), at, first, "frames"
        )
    if starts and not odd and first > within_s * rate:
        message = f"all tracks begin {number(first / rate, 3)} s after the session's start"
        yield Found(message, None, first, 0, "frames", minor=True)
