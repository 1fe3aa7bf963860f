from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES028", severity="warning", daw="start")
def render_part(session: DawSession) -> Finds:
    """Only a part of the session would be rendered.

    What
        The bounds of the render are not the whole session.
    Why the mix engineer cares
        A render of a selection or a loop starts anywhere: stems of different selections do not line up.
    How it is measured
        The bounds that the host tells.
    Fix
        Render the whole session: in REAPER Bounds Entire project in File > Render, without markers called =START and
        =END; in Pro Tools select from the session start to behind the last tail.
    Source
        Pro Tools export guide: the same selection for all files.
    """
    if session.render.whole is False:
        part = session.render.bounds or "a selection"
        yield Found(f"would be rendered in part only: {part}", None, part, "whole")
