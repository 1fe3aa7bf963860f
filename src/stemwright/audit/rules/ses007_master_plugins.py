from stemwright.audit import Finds, Found, listed, rule
from stemwright.audit.rules._session import named, on
from stemwright.model import DawSession


@rule("SES007", severity="warning", confidence="heuristic", daw="master-bus")
def master_plugins(session: DawSession) -> Finds:
    """The master fader has plug-ins that are not bypassed.

    What
        A master fader or master track has plug-ins that are on, or of which the host does not say that they are
        bypassed.
    Why the mix engineer cares
        A limiter, compressor or equaliser on the master is printed into every stem, each time another way: the stems no
        longer add up to the mix.
    How it is measured
        The plug-ins of tracks that the host calls a master, unless its render settings leave the master out. Pro
        Tools' session text does not tell: there a track without clips that is called Master, Mix Bus or the like is
        taken for one.
    Fix
        Bypass all inserts of the master before a bounce. In Pro Tools Command- or Ctrl-click them, or export by Edit >
        Consolidate Clip, which takes no inserts. In REAPER switch the master's FX off.
    Source
        Pro Tools export guide: bypass the plug-ins of the master bus.
    """
    for track in session.tracks:
        if (found := on(track.plugins)) and track.kind == "master" and session.render.via_master is not False:
            state = "" if all(plugin.bypassed is False for plugin in found) else ", if they are not bypassed"
            message = f"prints its plug-ins into every stem{state}: {listed(plugin.name for plugin in found)}"
            yield Found(message, named(track), len(found), 0, "plug-ins")
