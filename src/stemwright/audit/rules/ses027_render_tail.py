from stemwright.audit import Finds, Found, number, rule
from stemwright.model import DawSession


@rule("SES027", severity="info", daw="tail", seconds=0.5)
def render_tail(session: DawSession, *, seconds: float) -> Finds:
    """The render ends with the last clip.

    What
        The host would add less than the profile's `seconds` behind the end.
    Why the mix engineer cares
        Reverbs and delays ring on after the last clip; cut off, they cannot be had back.
    How it is measured
        The tail that the host tells. Where effects do not ring on, nothing is lost.
    Fix
        Turn the tail on, or end the selection behind the last reverb: in REAPER Tail in File > Render; in Pro Tools
        drag the selection further.
    Source
        Judgement.
    """
    tail = session.render.tail_s
    if tail is not None and tail < seconds:
        yield Found(f"would end {number(tail)} s after the last clip", None, tail, seconds, "s")
