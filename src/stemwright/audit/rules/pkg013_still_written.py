from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_PARTIAL = (".crdownload", ".part", ".partial", ".download", ".opdownload", ".filepart", ".!ut", ".dropbox.tmp")


@rule("PKG013", severity="error")
def still_written(stems: StemSet) -> Finds:
    """A file is still being written.

    What
        A file that changed while it was read, or what a browser or copy program calls an unfinished one.
    Why the mix engineer cares
        The export or the download is still running; what is there now is a part.
    How it is measured
        Size and time of the file before and after reading; names that end with .part, .crdownload and their like.
    Fix
        Wait until the export or the download is done, then check again.
    Source
        Judgement.
    """
    for file in stems.unreadable:
        if file.kind == "changing":
            yield Found(file.reason, file.path, "changing", "finished")
    for path in stems.other_files:
        if path.name.lower().endswith(_PARTIAL):
            yield Found("is an unfinished download or copy", path, "unfinished", "finished")
