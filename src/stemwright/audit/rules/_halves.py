"""Mono files that are the left and the right half of one stereo track, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stemwright.model import Stem

_HALF = re.compile(r"^(?P<base>.+?)(?P<mark>[. _-])(?P<side>l|r|left|right|a1|a2)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a track. `sure`: `.L` and `.R` are written by Pro Tools; `_L` may be a double-tracked guitar."""

    stem: Stem
    base: str
    left: bool
    sure: bool


def halves(stems: Iterable[Stem]) -> list[Half]:
    """The mono stems whose names end in a side."""
    found = []
    for stem in stems:
        match = _HALF.match(stem.file.path.stem)
        if match and stem.file.format.channels == 1:
            side = match["side"].lower()
            found.append(Half(stem, match["base"].lower(), side in ("l", "left", "a1"), match["mark"] == "."))
    return found
