"""INT022: files that nothing here can open."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.audit import Found, rule
from stemwright.model import StemSet


@rule("INT022", severity="error")
def no_reader(stems: StemSet) -> Iterator[Found]:
    """A file needs a reader that is not there.

    What
        A kind of audio that only an extra decoder reads: a copy-protected or rare format.
    Why the mix engineer cares
        What cannot be opened here was not checked at all, and may not open in the mix engineer's DAW either.
    How it is measured
        All readers that are installed were tried.
    Fix
        Export the track as WAV instead, or install the decoder that the message names.
    Source
        Pro Tools export guide: WAV (BWF), which needs no decoder.
    """
    for bad in stems.unreadable:
        if bad.kind == "no-reader":
            yield Found(f"could not be checked: {bad.reason}", bad.path)
