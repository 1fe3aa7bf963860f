from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_FIXED = 602
"""Bytes of a `bext` body without coding history."""


@rule("MET004", severity="warning", repair="lossless")
def short_bext(stems: StemSet) -> Finds:
    """The bext chunk is too short.

    What
        A `bext` chunk of fewer than 602 bytes.
    Why the mix engineer cares
        Programs that read the chunk as the fixed structure it is take what follows for its end, or drop it whole, and
        with it the time stamp.
    How it is measured
        The size in the chunk's header.
    Fix
        Fill the chunk up with zeros; the samples stay as they are.
    Source
        EBU Tech 3285: 602 bytes before the coding history.
    """
    for stem in stems.stems:
        size = stem.file.metadata.bext_bytes
        if 0 < size < _FIXED:
            message = f"has a bext chunk of {size} bytes; it must have {_FIXED}"
            yield Found(message, stem.file.path, size, _FIXED, "bytes")
