from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx"})


@rule("PKG005", severity="warning", repair="lossless")
def junk(stems: StemSet) -> Finds:
    """Files of an operating system lie between the stems.

    What
        .DS_Store, ._* (AppleDouble), Thumbs.db, desktop.ini, __MACOSX.
    Why the mix engineer cares
        They travel in archives, and ._Kick.wav looks like a stem that does not open.
    How it is measured
        By name, among everything that is no audio.
    Fix
        Delete them; pack the folder with a tool that leaves them out.
    Source
        Apple and Windows file-manager leftovers; mixers' checklists.
    """
    for path in stems.other_files:
        if path.name.lower() in _JUNK or path.name.startswith("._"):
            yield Found("is left over from an operating system and belongs to nobody", path, path.name)
