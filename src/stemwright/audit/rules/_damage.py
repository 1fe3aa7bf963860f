"""Damage that the reader found in files which can still be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stemwright.model import Damage, StemSet


def damages(stems: StemSet, *kinds: str) -> Iterator[tuple[Path, Damage]]:
    """The damage of these kinds, in stems and reference mix alike, with the file that has it."""
    for stem in stems.everything:
        yield from ((stem.file.path, damage) for damage in stem.file.damage if damage.kind in kinds)
