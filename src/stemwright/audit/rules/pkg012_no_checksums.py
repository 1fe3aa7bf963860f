from stemwright.audit import Finds, Found, many, rule
from stemwright.model import StemSet

_SUFFIXES = (".md5", ".sha1", ".sha256", ".sha512", ".xxh64", ".mhl", ".sfv")
_NAMES = frozenset({"manifest.json", "checksums.txt", "md5sums", "sha256sums", "md5sums.txt", "sha256sums.txt"})


@rule("PKG012", severity="info", repair="lossless")
def no_checksums(stems: StemSet) -> Finds:
    """No checksums lie with the files.

    What
        A delivery without a list of checksums.
    Why the mix engineer cares
        Whether a download is whole can only be told by a checksum: a file cut in the transfer may open and play.
    How it is measured
        By name: .md5, .sha256, .mhl, SHA256SUMS, manifest.json and their like; one finding for the set.
    Fix
        Write a list, for example with `sha256sum *.wav > SHA256SUMS`.
    Source
        IASA TC-03 and ASC MHL: fixity information for archived and moved files.
    """
    if stems.folder and not any(p.suffix.lower() in _SUFFIXES or p.name.lower() in _NAMES for p in stems.other_files):
        size = sum(stem.file.bytes for stem in stems.everything) / 1e6
        count = many(len(stems.everything), "file")
        yield Found(f"no checksums lie with the {count} ({size:.0f} MB)", None, 0, 1, "lists")
