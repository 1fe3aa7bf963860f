from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES029", severity="info")
def render_mix(session: DawSession) -> Finds:
    """The render makes one file of the whole mix.

    What
        The source of the render is the master, and no track.
    Why the mix engineer cares
        He wants both: the stems, and the rough mix to hear what they are to become. This render makes only the latter.
    How it is measured
        The source that the host tells.
    Fix
        Render the tracks, too: in REAPER Source Selected tracks (stems) in File > Render; in Pro Tools Bounce on the
        right-click menu of the tracks.
    Source
        Judgement.
    """
    if session.render.per_track is False:
        source = session.render.source or "the mix"
        yield Found(f"would be rendered as one file: {source}", None, source, "tracks")
