from stemwright.audit import Finds, Found, many, rule
from stemwright.audit.rules._session import named, sounding
from stemwright.model import DawSession


@rule("SES011", severity="info")
def muted_clips(session: DawSession) -> Finds:
    """A track that sounds has muted clips.

    What
        Some clips of a track are muted, others are not.
    Why the mix engineer cares
        Consolidating and bouncing leave silence there: it may be an arrangement, or a passage that somebody switched
        off to try something.
    How it is measured
        The state of the clips that the host tells.
    Fix
        Listen to them once; delete what is not part of the song, unmute the rest. In Pro Tools Command-M or Ctrl-M
        mutes and unmutes clips.
    Source
        Judgement.
    """
    for track, _ in sounding(session):
        if muted := sum(clip.muted for clip in track.clips):
            yield Found(f"has {many(muted, 'muted clip')}", named(track), muted, 0, "clips")
