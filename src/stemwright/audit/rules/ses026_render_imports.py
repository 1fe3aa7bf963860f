from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES026", severity="info")
def render_imports(session: DawSession) -> Finds:
    """What is rendered comes back into the session.

    What
        The host is set to import the files after the bounce.
    Why the mix engineer cares
        The session fills with its own stems; exported once more, they are doubled.
    How it is measured
        What the host tells of its render settings.
    Fix
        Turn it off: in Pro Tools Import After Bounce in File > Bounce Mix; in REAPER Add rendered items to new tracks.
    Source
        Pro Tools export guide: import after bounce off.
    """
    if session.render.imports_after:
        yield Found("what is rendered would come back into the session", None, "on", "off")
