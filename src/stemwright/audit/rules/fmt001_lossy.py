from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT001", severity="error", daw="file-format")
def lossy(stems: StemSet) -> Finds:
    """A stem is MP3, AAC, Ogg or another lossy format.

    What
        The stem was encoded by a codec that throws sound away.
    Why the mix engineer cares
        Equalising and compressing a stem brings up what the codec had hidden, and codec delay shifts it against the
        others.
    How it is measured
        The encoding that the file declares. A reference mix may be lossy.
    Fix
        Bounce the track from the session as 24-bit WAV. Converting the lossy file to WAV brings nothing back.
    Source
        Pro Tools export guide; mixers' checklists; Netflix partner help.
    """
    for stem in stems.stems:
        if stem.file.format.lossy:
            container = stem.file.format.container
            yield Found(f"is lossy ({container.upper()})", stem.file.path, container, "PCM")
