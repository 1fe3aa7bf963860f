"""Mono files that are the left and the right half of one stereo track, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stemwright.model import Stem
from stemwright.naming import Half, half


def halves(stems: Iterable[Stem]) -> Iterator[tuple[Stem, Half]]:
    """The mono stems whose names end in a side."""
    for stem in stems:
        found = half(stem.file.path.stem)
        if found and stem.file.format.channels == 1:
            yield stem, found
