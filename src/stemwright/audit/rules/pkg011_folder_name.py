from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet
from stemwright.naming import bpm_and_key_in


@rule("PKG011", severity="info", repair="lossless")
def folder_name(stems: StemSet) -> Finds:
    """The folder is not called Song_BPM_Key.

    What
        A folder whose name does not tell tempo and key.
    Why the mix engineer cares
        They stand where everybody sees them, whatever happens to the notes. A convention of beat sellers and DJs; most
        profiles turn it off.
    How it is measured
        A name such as My_Song_120_Am or Song 93.5bpm F#m.
    Fix
        Rename the folder.
    Source
        Stems guides of beat stores.
    """
    name = stems.folder.resolve().name if stems.folder else ""
    missing = [what for what, value in zip(("BPM", "key"), bpm_and_key_in(name), strict=True) if value is None]
    if name and missing:
        yield Found(f"the folder's name does not tell {' and '.join(missing)} ({name})", None, name, "Song_BPM_Key")
