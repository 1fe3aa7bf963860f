from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES024", severity="error", daw="normalise")
def render_normalise(session: DawSession) -> Finds:
    """The render dialog normalises, limits, fades, trims or pads.

    What
        Something of that is on in the host's render settings.
    Why the mix engineer cares
        Normalised or limited, each stem gets its own gain: the balance of the mix is gone. Trimmed, each begins
        elsewhere. Neither can be had back from the files.
    How it is measured
        What the host tells of its render settings.
    Fix
        Turn it off: in REAPER everything under Normalize/Limit/Fade/Trim in File > Render; in Cubase, Logic and Live
        the box Normalize. Pro Tools has none.
    Source
        Pro Tools export guide: never normalise stems.
    """
    if done := session.render.processing:
        said = " and ".join(done)
        yield Found(f"would be {said}", None, said, "as they are")
