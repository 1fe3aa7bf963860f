"""Damage that the reader found in files which can still be read."""

from __future__ import annotations

from stemwright.audit import Finds, Found
from stemwright.model import StemSet


def damaged(stems: StemSet, *kinds: str, minor: bool = False) -> Finds:
    """Damage of these kinds, in stems and reference mix alike, as the reader put it."""
    for stem in stems.everything:
        for damage in stem.file.damage:
            if damage.kind in kinds:
                yield Found(damage.detail, stem.file.path, minor=minor)
