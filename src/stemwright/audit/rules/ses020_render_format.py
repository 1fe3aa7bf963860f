from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES020", severity="warning", daw="file-format", containers=("wav", "rf64", "bw64"))
def render_format(session: DawSession, *, containers: tuple[str, ...]) -> Finds:
    """The render dialog is not set to a lossless file that all DAWs take.

    What
        The host would write another file type than the profile's `containers`.
    Why the mix engineer cares
        Lossy files cannot be mended, others may not open in the engineer's DAW.
    How it is measured
        The file type that the host tells.
    Fix
        Choose WAV in the export dialog: in Pro Tools File > Bounce Mix, File Type WAV; in REAPER File > Render, Output
        format WAV.
    Source
        Pro Tools export guide: WAV.
    """
    form = session.render.format
    if form and form.lower() not in containers:
        yield Found(f"would be rendered to {form}", None, form, ", ".join(containers))
