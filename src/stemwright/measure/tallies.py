"""Tallies over the cells of a file: sums of groups, samples near the peak, the overview, the envelope of a sum."""

from __future__ import annotations

import math
from functools import reduce
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from stemwright.measure._numpy import CELL, Array, Floats
from stemwright.measure.runs import EDGE
from stemwright.units import linear

_COLUMNS = 600
_FINE = 18
_NEAR = linear(-1.0)
_AT = linear(-0.1)
_FEWEST = 50
"""Block peaks within 0.1 dB of the peak that it takes to speak of a pile-up."""


class Groups:
    """Sums over groups of `step` cells; a group ends at the cell nearest to a multiple of `step`."""

    def __init__(self, step: float) -> None:
        self._step, self._at, self._closed = max(step, 1.0), 0, 0
        self._open: Floats | float = 0.0

    def feed(self, values: Floats) -> Floats:
        """The sums `[rows, m]` of the groups that the next cells `[rows, k]` complete."""
        until = self._at + values.shape[1]
        last = int((until + 0.5) / self._step)
        ends = np.rint(np.arange(self._closed + 1, last + 2) * self._step).astype(int)
        ends = ends[ends <= until]
        sums = np.add.reduceat(values, [0, *(ends[ends < until] - self._at)], axis=1)
        sums[:, 0] += self._open
        whole = len(ends)
        self._open = sums[:, whole] if sums.shape[1] > whole else 0.0
        self._at, self._closed = until, self._closed + whole
        return np.asarray(sums[:, :whole])


class Sizes:
    """How many samples, and how many 10-ms block peaks, lie near the highest magnitude of a file.

    Magnitudes are counted in steps of 0.1 % (the first ten bits of a float32's fraction); those at the peak exactly.
    """

    def __init__(self, sample_rate: int) -> None:
        self.top = 0.0
        self.at_peak = 0
        self._samples, self._blocks = np.zeros(1 << 18, np.int64), np.zeros(1 << 18, np.int64)
        self._cells = max(1, round(sample_rate / 100 / CELL))
        self._left = np.zeros(0, np.float32)

    def feed(self, x: Array, peak: Array, most: Array) -> None:
        """A region with the peaks of its cells `[channels, k]` and of all channels `[k]`."""
        top = float(most.max())
        if top > self.top:
            self.top, self.at_peak = top, 0
        if top >= self.top * _NEAR > 0:
            near = peak >= self.top * _NEAR
            lines = (line[EDGE : EDGE + near.shape[1] * CELL].reshape(-1, CELL) for line in x)
            sizes = np.abs(np.concatenate([cells[some] for cells, some in zip(lines, near, strict=True)]))
            self.at_peak += int(np.count_nonzero(sizes == self.top))
            _count(self._samples, sizes[sizes >= self.top * _NEAR])
        blocks = np.concatenate((self._left, most))
        whole = len(blocks) // self._cells * self._cells
        self._left = blocks[whole:]
        tops = peaks_of(blocks[:whole], self._cells)
        _count(self._blocks, tops[tops >= self.top * _NEAR])

    def below_peak(self) -> int:
        """Samples within 1 dB below the peak."""
        return max(0, int(self._samples[_bin(self.top * _NEAR) :].sum()) - self.at_peak)

    def pile_up(self) -> float:
        """Share of the block peaks within 0.1 dB of the peak among those within 1 dB; 0 if there are too few."""
        at, near = (int(self._blocks[_bin(self.top * part) :].sum()) for part in (_AT, _NEAR))
        return at / near if at >= _FEWEST else 0.0


def peaks_of(cells: Array, each: int) -> Array:
    """The highest of every `each` cells along the last axis, sooner than by `max` for a few of them."""
    return np.asarray(reduce(np.maximum, (cells[..., first::each] for first in range(each))))


def _bin(size: float) -> int:
    return int(np.float32(size).view(np.int32)) >> 13


def _count(counts: NDArray[np.int64], sizes: Array) -> None:
    if len(sizes):
        bins = np.ascontiguousarray(sizes, np.float32).view(np.int32) >> 13
        least = int(bins.min())
        found = np.bincount(bins - least)
        counts[least : least + len(found)] += found


class Overview:
    """The waveform in 600 columns: lowest and highest of all channels, in 1/127 of full scale."""

    def __init__(self, frames: int) -> None:
        self._grain = CELL if frames >= 4 * CELL * _COLUMNS else 1
        self._starts = np.arange(_COLUMNS) * -(-frames // self._grain) // _COLUMNS
        self._low, self._high = np.full(_COLUMNS, np.inf), np.full(_COLUMNS, -np.inf)

    def feed(self, x: Array, at: int, n: int, low: Array, high: Array) -> None:
        """A region, with the lowest and highest of its cells `[channels, k]`."""
        if self._grain == 1:
            low = high = x[:, EDGE : EDGE + n]
        first, end = at // self._grain, at // self._grain + low.shape[1]
        begun, ended = np.searchsorted(self._starts, (first, end)).tolist()
        columns = slice(begun - int(first not in self._starts), ended)
        starts = np.maximum(self._starts[columns] - first, 0)
        for kept, values, worst in (
            (self._low, low.min(axis=0), np.minimum),
            (self._high, high.max(axis=0), np.maximum),
        ):
            kept[columns] = worst(kept[columns], worst.reduceat(values, starts))

    def columns(self) -> tuple[int, ...]:
        """Lowest, highest, lowest, ...; nothing when there are no frames."""
        both = np.stack((self._low, self._high), axis=1).ravel()
        return tuple(np.rint(np.clip(both, -1, 1) * 127).astype(int).tolist()) if np.isfinite(both).all() else ()


class Envelope:
    """The lowest and highest of every column of a mono or stereo file of at most `frames` frames, or of a sum of such.

    A column is a cell, or as many as leave no more than 2^18 columns, so that memory does not grow with the length.
    A `shared` one is seen by the processes that are forked from this one.
    """

    def __init__(self, frames: int, shared: bool = False) -> None:
        self.frames, cells = frames, -(-frames // CELL)
        self._cells = 1 << max(0, (cells - 1).bit_length() - _FINE)
        self.step = self._cells * CELL
        shape, self._at = (2, 2, -(-cells // self._cells)), 0
        held = mmap(-1, max(1, 4 * math.prod(shape))) if shared else np.zeros(math.prod(shape), np.float32)
        self._low, self._high = np.frombuffer(held, np.float32, math.prod(shape)).reshape(shape)

    def feed(self, low: Array, high: Array) -> None:
        """The lowest and highest of the next cells `[channels, k]`, a power of two of them but at the end."""
        if self._cells > 1:
            starts = np.arange(0, low.shape[1], self._cells)
            low, high = np.minimum.reduceat(low, starts, axis=1), np.maximum.reduceat(high, starts, axis=1)
        columns = slice(self._at, self._at + low.shape[1])
        self._low[:, columns], self._high[:, columns] = low, high
        self._at = columns.stop

    def add(self, other: Envelope) -> None:
        """Make it that of a sum."""
        self._low += other._low
        self._high += other._high

    def heights(self) -> Array:
        """What no sample exceeds, by column."""
        most: Array = np.maximum(self._high, -self._low).max(axis=0)
        return most


def tail_fall(hops_dbfs: NDArray[np.float32]) -> float | None:
    """How many dB a second the last second falls, by least squares over its hops of 100 ms; None when it does not."""
    last = hops_dbfs[-10:].astype(np.float64)
    if len(last) < 10 or not np.isfinite(last).all():
        return None
    slope = float(np.polyfit(np.arange(10) / 10, last, 1)[0])
    return -slope if slope < -1 else None
