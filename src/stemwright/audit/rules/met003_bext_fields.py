import re
from collections.abc import Iterator
from datetime import datetime

from stemwright.audit import Finds, Found, rule
from stemwright.model import Metadata, StemSet

_SEPARATOR = re.compile("[-_:. /]")


@rule("MET003", severity="warning", repair="lossless")
def bext_fields(stems: StemSet) -> Finds:
    """A field of the bext chunk is malformed.

    What
        A date that is no yyyy-mm-dd, a time that is no hh:mm:ss, text that is not ASCII, or a version above 2.
    Why the mix engineer cares
        Archives and asset systems that read the chunk refuse the file or sort it wrongly.
    How it is measured
        The fields of `bext` up to their first zero byte, behind which Logic leaves what was in memory. Any of
        `- _ : . space /` may separate; empty fields say nothing and pass.
    Fix
        Write the chunk anew; the samples stay as they are.
    Source
        EBU Tech 3285, OriginationDate and OriginationTime.
    """
    for stem in stems.stems:
        for field, text in _wrong(stem.file.metadata):
            yield Found(f"has a malformed {field} in its bext chunk ({text!r})", stem.file.path, text)


def _wrong(metadata: Metadata) -> Iterator[tuple[str, str]]:
    if metadata.date and not _fits(metadata.date, "%Y-%m-%d", 10):
        yield "date", metadata.date
    if metadata.clock and not _fits(metadata.clock, "%H-%M-%S", 8):
        yield "time", metadata.clock
    for text in (metadata.description, metadata.originator):
        if not text.isascii():
            yield "text (not ASCII)", text
    if metadata.bext_version > 2:
        yield "version", str(metadata.bext_version)


def _fits(text: str, form: str, length: int) -> bool:
    try:
        return bool(datetime.strptime(_SEPARATOR.sub("-", text), form)) and len(text) == length
    except ValueError:
        return False
