from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import named
from stemwright.model import DawSession
from stemwright.naming import DEFAULT_NAME


@rule("SES008", severity="warning", confidence="heuristic", daw="names")
def default_name(session: DawSession) -> Finds:
    """A track has the name that the DAW gave it.

    What
        Names such as Audio 1, Track 3 or Inst 2.
    Why the mix engineer cares
        Stems are called after their tracks; the engineer has to solo every file to find out what it is.
    How it is measured
        The whole name is a default word with numbers at most, as in NAM001. Tracks without clips are not asked.
    Fix
        Name the track after what is on it (Kick, LeadVox) and consolidate again: in Pro Tools double-click its name;
        new clips and files are called after their track.
    Source
        Pro Tools export guide: descriptive track names.
    """
    for track in session.tracks:
        if track.clips and DEFAULT_NAME.fullmatch(track.name):
            yield Found("has a name that the DAW gave it", named(track), track.name, "descriptive")
