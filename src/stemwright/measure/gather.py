"""Gathers the windows for the detectors (`measure.windows`) while a file streams by in regions."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stemwright.measure._numpy import CELL, Array
from stemwright.measure.runs import EDGE
from stemwright.measure.tallies import peaks_of
from stemwright.measure.windows import LOUD_FRAMES, MOST_QUIET, MOST_SUSPECTS, PARTS, QUIET_FRAMES, QUIET_LSB, Windows

_LSB = 2.0**-23
_STEP = 2.0**-10
"""Second differences below this are no click."""
_BESIDE = 2
"""Cells on both sides that a suspect is compared with; a click at the edge of a cell is in its neighbour too."""
_AROUND = QUIET_FRAMES // 2 - CELL // 2


class Gather:
    """The windows of one file of `frames` frames."""

    def __init__(self, channels: int, sample_rate: int, frames: int) -> None:
        self._rate, self._frames = sample_rate, frames
        self._quiet: list[tuple[list[Array], deque[Array]]] = [
            ([], deque(maxlen=MOST_QUIET // 2)) for _ in range(channels)
        ]
        self._quiet_count, self._zero_count = np.zeros(channels, int), np.zeros(channels, int)
        self._loud: dict[int, tuple[float, int, NDArray[np.float32]]] = {}
        self._suspects: list[tuple[float, int, NDArray[np.float32]]] = []

    def feed(self, x: Array, at: int, n: int, peak: Array, bend: Array, energy: Array, mask: int) -> None:
        """A region: peaks, second differences (2 cells more on both sides) and energies of its cells `[channels, k]`.

        `mask` are the bits used so far, 0 off the 24-bit grid.
        """
        self._find_quiet(x, n, peak, mask)
        if peak.any():
            self._find_loud(x, at, n, energy)
            self._find_suspects(x, at, bend)

    def _find_quiet(self, x: Array, n: int, peak: Array, mask: int) -> None:
        count = n // QUIET_FRAMES
        each = QUIET_FRAMES // CELL
        tops = peaks_of(peak[:, : count * each], each)
        self._zero_count += (tops == 0).sum(axis=1)
        quiet = (tops > 0) & (tops <= QUIET_LSB * _LSB * (mask & -mask))
        if not quiet.any():
            return
        for channel, (first, last) in enumerate(self._quiet):
            places = np.flatnonzero(quiet[channel])
            self._quiet_count[channel] += len(places)
            room = MOST_QUIET // 2 - len(first)
            for kept, some in ((first, places[:room]), (last, places[room:][-MOST_QUIET // 2 :])):
                starts = (int(EDGE + one * QUIET_FRAMES) for one in some)
                kept.extend((x[channel, a : a + QUIET_FRAMES] / _LSB).astype(np.int32) for a in starts)

    def _find_loud(self, x: Array, at: int, n: int, energy: Array) -> None:
        """Windows lie on a grid of 4096 frames; each belongs to the part in which it begins."""
        count = n // LOUD_FRAMES
        each = LOUD_FRAMES // CELL
        powers = energy.sum(axis=0)[: count * each].reshape(count, each).sum(axis=1)
        starts = at + np.arange(count) * LOUD_FRAMES
        parts = starts * PARTS // max(self._frames, 1)
        begun = np.flatnonzero(np.diff(parts, prepend=-1))
        for begin, end in pairwise([*begun.tolist(), count]):
            best, part = begin + int(powers[begin:end].argmax()), int(parts[begin])
            if powers[best] > self._loud.get(part, (0.0,))[0]:
                first = EDGE + best * LOUD_FRAMES
                window = x[:, first : first + LOUD_FRAMES].astype(np.float32)
                self._loud[part] = (float(powers[best]), int(starts[best]), window)

    def _find_suspects(self, x: Array, at: int, bend: Array) -> None:
        most = bend.max(axis=0)
        beside = np.maximum(most[: -2 * _BESIDE], most[2 * _BESIDE :])
        most = most[_BESIDE:-_BESIDE]
        score = np.where(most > _STEP, most / (beside + _STEP), 0.0)
        least = self._suspects[0][0] if len(self._suspects) == MOST_SUSPECTS else 2.0
        places = np.flatnonzero(score > least)
        ends = (at + places * CELL == 0) | (at + (places + 1) * CELL >= self._frames)  # a cut head or tail is no click
        places = places[~ends]
        for place in places[np.argsort(-score[places], kind="stable")][:MOST_SUSPECTS]:
            start = at + int(place) * CELL - _AROUND
            if all(abs(start - other) > CELL or score[place] > worth for worth, other, _ in self._suspects):
                first = EDGE + start - at
                window = x[:, first : first + QUIET_FRAMES].astype(np.float32)
                push = heapq.heappushpop if len(self._suspects) == MOST_SUSPECTS else heapq.heappush
                push(self._suspects, (float(score[place]), start, window))

    def windows(self, mask: int, hops_dbfs: NDArray[np.float32]) -> Windows:
        """All that was kept; `mask` is the final one, 0 off the 24-bit grid."""
        limit = QUIET_LSB * (mask & -mask)
        quiet = tuple(
            np.array([w for w in (*first, *last) if np.abs(w).max() <= limit], np.int32).reshape(-1, QUIET_FRAMES)
            for first, last in self._quiet
        )
        channels = len(quiet)
        loud = sorted((start, window) for _, (_, start, window) in sorted(self._loud.items()))
        suspects = sorted(self._suspects, key=lambda one: one[1])

        def stacked(windows: list[NDArray[np.float32]], length: int) -> NDArray[np.float32]:
            return np.array(windows, np.float32).reshape(-1, channels, length)

        return Windows(
            self._rate,
            self._frames,
            quiet if mask else (),
            tuple(map(int, self._quiet_count)),
            tuple(map(int, self._zero_count)),
            stacked([window for _, window in loud], LOUD_FRAMES),
            np.array([start for start, _ in loud], np.int64),
            stacked([window for *_, window in suspects], QUIET_FRAMES),
            np.array([start for _, start, _ in suspects], np.int64),
            hops_dbfs,
        )
