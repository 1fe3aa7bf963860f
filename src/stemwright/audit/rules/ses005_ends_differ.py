from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._session import named, whole
from stemwright.model import DawSession


@rule("SES005", severity="warning", daw="equal-length", within_s=0.05)
def ends_differ(session: DawSession, *, within_s: float) -> Finds:
    """A consolidated track ends before the others.

    What
        The one clip of a track ends earlier than that of the longest track.
    Why the mix engineer cares
        Stems of one length show that the same selection was exported on every track; a shorter one raises the question
        of what is missing.
    How it is measured
        Where the clips of tracks with one clip end, against the longest; `within_s` seconds are let through, as texts
        in timecode are exact to a video frame only.
    Fix
        Select all tracks from the session start to behind the last tail, then consolidate again: in Pro Tools Edit >
        Consolidate Clip.
    Source
        Pro Tools export guide: the same selection on all tracks.
    """
    ends = [(track, clip.at + clip.length) for track, clip in whole(session)]
    rate, last = session.sample_rate or 48_000, max((end for _, end in ends), default=0)
    for track, end in ends:
        if last - end > within_s * rate:
            message = f"ends {number((last - end) / rate, 3)} s before the longest track"
            yield Found(message, named(track), end, last, "frames")
