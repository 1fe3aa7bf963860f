import re
from pathlib import Path

from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import on
from stemwright.model import DawSession

_DITHER = re.compile(r"(?i)dither|pow-?r\b|\bmbit")


@rule("SES014", severity="warning", confidence="heuristic", daw="dither")
def dither_plugin(session: DawSession) -> Finds:
    """A dither plug-in is in the session.

    What
        A plug-in whose name says dither, POW-r or MBIT is not bypassed.
    Why the mix engineer cares
        Stems are exported with 24 bits and need no dither; it adds noise to every stem, and the sum of all stems adds
        it up. Dither belongs behind the last step of mastering.
    How it is measured
        The names of the plug-ins; dither inside a limiter is not seen.
    Fix
        Take it off before the export: in Pro Tools set the insert of the master fader to no insert, or make it
        inactive.
    Source
        Pro Tools export guide: no dither.
    """
    found = [(track.name, plugin.name) for track in session.tracks for plugin in on(track.plugins)]
    known = {name for _, name in found}
    found += [("", plugin.name) for plugin in on(session.plugins) if not any(plugin.name in name for name in known)]
    for track, name in found:
        if _DITHER.search(name):
            yield Found(f"dithers: {name}", Path(track) if track else None, name, "no dither")
