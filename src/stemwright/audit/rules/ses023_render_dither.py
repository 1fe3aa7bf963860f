from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES023", severity="warning", daw="dither")
def render_dither(session: DawSession) -> Finds:
    """The render dialog dithers.

    What
        Dither or noise shaping is on in the host's render settings.
    Why the mix engineer cares
        Stems with 24 bits need none, and the sum of many stems adds the noise up.
    How it is measured
        What the host tells of its render settings.
    Fix
        Turn dither and noise shaping off: in REAPER File > Render, both for master mix and for stems. Pro Tools dithers
        only where a plug-in does (SES014), and in Export Clips as Files to fewer bits.
    Source
        Pro Tools export guide: no dither.
    """
    found = (("dithered", session.render.dither), ("noise-shaped", session.render.noise_shaping))
    said = [word for word, is_on in found if is_on]
    if said:
        yield Found(f"would be {' and '.join(said)}", None, " and ".join(said), "neither")
