"""Stems in which dither was seen, for the rules about it."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.audit import measured
from stemwright.model import Dither, Stem, StemSet


def dithered(stems: StemSet, *, padded: bool) -> Iterator[tuple[Stem, Dither]]:
    """Stems with dither: that of 16 bits or fewer inside a longer word (`padded`), or that of the file's own bits."""
    for stem, levels in measured(stems.stems):
        dither = levels.dither
        if dither.state == "present" and padded == (dither.bits <= 16 < stem.file.format.bits):
            yield stem, dither
