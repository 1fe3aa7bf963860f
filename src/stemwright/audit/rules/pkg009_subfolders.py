from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("PKG009", severity="warning", repair="lossless")
def subfolders(stems: StemSet) -> Finds:
    """Audio lies in folders inside the folder of stems.

    What
        A folder inside this one holds audio files, which are not part of the delivery.
    Why the mix engineer cares
        One folder, one set: whoever drags the files of this folder into a session misses those inside.
    How it is measured
        By file names, one level down. Audio Files and Media, in which sessions keep their media, do not count.
    Fix
        Move the stems up into one folder, or move what is not delivered out of it.
    Source
        Mixers' checklists: one flat folder for a song.
    """
    for folder in stems.subfolders:
        yield Found("holds audio files that are not part of the set", folder, folder.name)
