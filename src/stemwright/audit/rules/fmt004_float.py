"""FMT004: float files."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.audit import Found, rule
from stemwright.model import StemSet


@rule("FMT004", severity="warning")
def float_samples(stems: StemSet) -> Iterator[Found]:
    """A stem has floating-point samples where 24-bit integers are asked for.

    What
        32- or 64-bit float samples.
    Why the mix engineer cares
        Float files are a third larger, some hosts and hardware refuse them, and peaks above 0 dBFS clip as soon as
        somebody converts them.
    How it is measured
        The sample format that the header declares.
    Fix
        Bounce as 24-bit PCM without dither, with the loudest peak below −3 dBFS.
    Source
        Pro Tools export guide: 24 bit PCM. Many mixers accept float: the `generic` profile only mentions it.
    """
    for stem in stems.stems:
        found = stem.file.format
        if found.encoding == "float":
            yield Found(f"has {found.bits}-bit float samples; 24-bit PCM is asked for", stem.file.path, "float", "pcm")
