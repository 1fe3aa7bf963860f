from stemwright.audit import Finds, Found, listed, rule
from stemwright.audit.rules._session import named, on
from stemwright.model import DawSession


@rule("SES006", severity="info", confidence="heuristic")
def track_plugins(session: DawSession) -> Finds:
    """A track has plug-ins that will be printed.

    What
        A track that sounds has plug-ins that are not bypassed.
    Why the mix engineer cares
        A bounce prints them, consolidating does not: the mix engineer should get what makes the sound, and not a
        corrective equaliser or a room that he would rather add himself.
    How it is measured
        The plug-ins that the host lists. Pro Tools' session text does not tell which are bypassed, so that all count.
    Fix
        Decide for each whether it belongs to the sound. What does, stays and is told in the notes; bypass the rest
        (Command- or Ctrl-click on the insert in Pro Tools).
    Source
        Pro Tools export guide: print what is part of the sound only.
    """
    for track in session.tracks:
        if (found := on(track.plugins)) and track.kind != "master" and not track.inactive:
            message = f"has plug-ins that a bounce prints: {listed(plugin.name for plugin in found)}"
            yield Found(message, named(track), len(found), 0, "plug-ins")
