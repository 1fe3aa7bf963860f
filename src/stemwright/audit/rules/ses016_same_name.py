from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import named
from stemwright.model import DawSession


@rule("SES016", severity="warning", daw="names")
def same_name(session: DawSession) -> Finds:
    """Two tracks have one name.

    What
        Names of tracks that hold clips and differ at most by upper and lower case.
    Why the mix engineer cares
        Stems are called after their tracks: one file overwrites the other, or gets a number that tells nothing.
    How it is measured
        The names without regard to case.
    Fix
        Give each track its own name, by what is on it: Gtr_L, Gtr_R.
    Source
        Pro Tools export guide: unique names.
    """
    seen: set[str] = set()
    for track in session.tracks:
        folded = track.name.casefold()
        if track.clips and folded in seen:
            yield Found("has the name of another track", named(track), track.name, "unique")
        seen |= {folded} if track.clips else set()
