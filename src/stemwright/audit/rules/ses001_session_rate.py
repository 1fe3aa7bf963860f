from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules.fmt009_sample_rate import RATES
from stemwright.model import DawSession


@rule("SES001", severity="error", daw="sample-rate", rates=RATES)
def session_rate(session: DawSession, *, rates: tuple[int, ...]) -> Finds:
    """The session runs at a rate that no mix engineer takes.

    What
        The session's sample rate is none of the profile's `rates` (Hz).
    Why the mix engineer cares
        Stems are exported at the session's rate. Another rate than 44.1 or 48 kHz and their multiples must be
        resampled, or plays at the wrong pitch.
    How it is measured
        The rate that the host tells.
    Fix
        Work at 44.1 or 48 kHz or their multiples. In Pro Tools the rate of a session is fixed: File > Save Copy In,
        with another Sample Rate, makes a converted copy.
    Source
        Pro Tools export guide: the session's rate.
    """
    if session.sample_rate and session.sample_rate not in rates:
        message = f"the session runs at {session.sample_rate} Hz, which no mix engineer takes"
        yield Found(message, None, session.sample_rate, ", ".join(map(str, rates)), "Hz")
