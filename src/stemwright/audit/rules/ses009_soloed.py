from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import DawSession


@rule("SES009", severity="warning")
def soloed(session: DawSession) -> Finds:
    """A track is soloed.

    What
        Some tracks of the session are soloed.
    Why the mix engineer cares
        A bounce of the mix holds the soloed tracks only; in a bounce of stems all others may be silent.
    How it is measured
        The solo state that the host tells.
    Fix
        Clear all solos before the export: in Pro Tools Option- or Alt-click a lit solo button; in REAPER Ctrl-Alt-click
        one.
    Source
        Judgement.
    """
    solos = [track.name for track in session.tracks if track.soloed]
    if solos:
        yield Found(f"soloed: {listed(solos)}", None, len(solos), 0, "tracks")
