from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import named
from stemwright.model import DawSession


@rule("SES010", severity="info")
def out_of_the_mix(session: DawSession) -> Finds:
    """A track with clips is muted, inactive or hidden.

    What
        A track holds clips, and is muted, inactive or hidden.
    Why the mix engineer cares
        It will be missing from the stems, or come out silent. Either it is not part of the song, and should not be
        sent, or somebody forgot it.
    How it is measured
        The states that the host tells.
    Fix
        Unmute or show what belongs to the song; delete the rest from the copy of the session that is exported. In Pro
        Tools: Track > Make Active, or the track list at the left.
    Source
        Judgement.
    """
    for track in session.tracks:
        states = [word for word in ("muted", "inactive", "hidden") if getattr(track, word)]
        if track.clips and states:
            yield Found(f"is {' and '.join(states)}", named(track), " and ".join(states), "heard")
