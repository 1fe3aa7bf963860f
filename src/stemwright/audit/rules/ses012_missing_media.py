from stemwright.audit import Finds, Found, listed, rule
from stemwright.audit.rules._session import named
from stemwright.model import DawSession


@rule("SES012", severity="error")
def missing_media(session: DawSession) -> Finds:
    """Audio of a track is missing.

    What
        The host does not find the file of a clip: it is offline.
    Why the mix engineer cares
        The clip comes out as silence, and nothing in the file tells it.
    How it is measured
        What the host calls offline, or where no file lies at the place that it names.
    Fix
        Find the files again before the export: in Pro Tools Window > Project, Relink Offline Files; in REAPER Project
        Bay, or the dialog on opening the project.
    Source
        Judgement.
    """
    for track in session.tracks:
        if track.inactive:
            continue
        lost = [clip for clip in track.clips if clip.missing]
        if lost:
            names = dict.fromkeys(clip.file.name if clip.file else clip.name for clip in lost)
            yield Found(f"plays audio that is missing: {listed(names)}", named(track), len(lost), 0, "clips")
