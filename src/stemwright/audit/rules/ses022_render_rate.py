from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES022", severity="warning", daw="sample-rate")
def render_rate(session: DawSession) -> Finds:
    """The render dialog is set to another rate than the session's.

    What
        The host would convert the sample rate on export.
    Why the mix engineer cares
        Every conversion costs a little, and the engineer's session may be opened at the rate of the song.
    How it is measured
        The render's rate against the session's, as the host tells them.
    Fix
        Set the export to the session's rate: in Pro Tools File > Bounce Mix, Sample Rate; in REAPER File > Render,
        Sample rate.
    Source
        Pro Tools export guide: the session's rate.
    """
    rate = session.render.sample_rate
    if rate and session.sample_rate and rate != session.sample_rate:
        message = f"would be rendered at {rate} Hz; the session runs at {session.sample_rate} Hz"
        yield Found(message, None, rate, session.sample_rate, "Hz")
