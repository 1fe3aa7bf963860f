from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._session import named, sounding
from stemwright.model import DawSession


@rule("SES015", severity="warning", daw="sample-rate")
def other_rate(session: DawSession) -> Finds:
    """A clip has another sample rate than the session.

    What
        The file of a clip is at another rate than the session that plays it.
    Why the mix engineer cares
        The host converts it while it plays, or plays it at the wrong pitch; in the stem one hears whichever converter
        it was.
    How it is measured
        The rates of the files, where the host tells them or they can be read.
    Fix
        Convert the file with care, or record at one rate: in Pro Tools import with Convert, and Conversion Quality
        Tweak Head.
    Source
        Pro Tools export guide: one sample rate.
    """
    for track, clips in sounding(session):
        rates = {clip.sample_rate for clip in clips if clip.sample_rate} - {session.sample_rate}
        if rates and session.sample_rate:
            told = ", ".join(map(str, sorted(rates)))
            message = f"plays files at {told} Hz in a session at {session.sample_rate} Hz"
            yield Found(message, named(track), told, session.sample_rate, "Hz")
