from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_SHORTCUTS = (".lnk", ".url", ".webloc", ".desktop", ".symlink")


@rule("PKG008", severity="error")
def links(stems: StemSet) -> Finds:
    """A link lies where a file should be.

    What
        Symbolic links, Windows shortcuts and web links.
    Why the mix engineer cares
        They point to a disk that stays with the sender; what arrives is a few bytes that open nothing.
    How it is measured
        Symbolic links as the file system tells them, shortcuts by suffix. Finder aliases look like plain files and are
        not recognised.
    Fix
        Put a copy of the file itself into the folder.
    Source
        Judgement.
    """
    for path in stems.links:
        yield Found("is a symbolic link, not a file", path, "link", "file")
    for path in stems.other_files:
        if path.suffix.lower() in _SHORTCUTS and path not in stems.links:
            yield Found("is a shortcut, not a file", path, "shortcut", "file")
