"""What most stems have in common, and which ones differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from stemwright.audio.probe import majority_rate
from stemwright.model import Stem

T = TypeVar("T", bound=Any)


def odd_ones(stems: Sequence[Stem], key: Callable[[Stem], T]) -> Iterator[tuple[Stem, T, T]]:
    """Stems whose value is not the most frequent one (the largest of a tie), with theirs and the usual value."""
    counts = Counter(map(key, stems))
    usual = max(counts, key=lambda value: (counts[value], value), default=None)
    return ((stem, value, usual) for stem in stems if (value := key(stem)) != usual and usual is not None)


def comparable(stems: Iterable[Stem]) -> list[Stem]:
    """Lossless stems with samples, at the most frequent rate: those whose frames can be compared."""
    sounding = [stem for stem in stems if stem.file.frames and not stem.file.format.lossy]
    if not sounding:
        return []
    rate = majority_rate(tuple(stem.file for stem in sounding))
    return [stem for stem in sounding if stem.file.format.sample_rate == rate]
