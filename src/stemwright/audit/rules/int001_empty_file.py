from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("INT001", severity="error")
def empty_file(stems: StemSet) -> Finds:
    """A file holds no bytes at all.

    What
        The file is there, and 0 bytes long.
    Why the mix engineer cares
        The part is missing from the song, and nobody notices until the rough mix sounds different.
    How it is measured
        The size that the file system reports.
    Fix
        Export the track again and look at the file's size before sending; a full disk or a broken copy leaves such
        files.
    Source
        Plain necessity: there is nothing to mix.
    """
    for bad in stems.unreadable:
        if bad.kind == "empty":
            yield Found("is empty (0 bytes)", bad.path, 0, 1, "bytes")
