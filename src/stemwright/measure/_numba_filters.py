"""The filters of the pass compiled by numba: K-weighting and the interpolators of true peak. Used through `_numba`.

Both keep the processor's vector units busy by doing many places of a file side by side.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from stemwright.measure import _numpy
from stemwright.measure._numpy import CELL, Array, Floats
from stemwright.measure.loudness import coefficients

FINITE = {"nnan", "nsz", "contract"}
"""What lets LLVM find minima and maxima in vectors without changing a number."""
_TILE, _LANES = 32, 56
"""Frames of so many parts of a file that are filtered at once: what stays in the processor's cache."""
_FAINTEST = 1e-100
"""Filter states below are 0, before they grow so small that the processor is slow."""


def weighted(x: Array, rate: int, state: Floats, edges: NDArray[np.intp]) -> Floats:
    """See `_numpy.weighted`. All parts as long as the second are filtered side by side."""
    found, lengths = np.empty((len(x), len(edges) - 1)), np.diff(edges)
    like = lengths[1:] == lengths[1:2]
    alike = int(like.argmin()) if not like.all() else len(like)
    _weighted(x, coefficients(rate), *_leap(rate, int(lengths[1]) if alike else 1), state, edges, alike, found)
    return found


@cache
def _leap(rate: int, frames: int) -> tuple[Floats, Floats]:
    """The states after so many frames: from those before `[4, 4]`, and from the samples `[4, frames]`."""
    turn, drive = _numpy.state_space(rate)
    drives, turns = drive[:, None], turn
    while drives.shape[1] < frames:
        drives, turns = np.hstack((turns @ drives, drives)), turns @ turns
    return np.linalg.matrix_power(turn, frames), np.ascontiguousarray(drives[:, -frames:])


@njit(nogil=True, cache=True)
def _weighted(x: Any, coefficients: Any, turn: Any, drives: Any, state: Any, edges: Any, alike: Any, found: Any) -> Any:
    """A filter waits for itself, sample by sample: so the states before each part first, then many parts at once."""
    lanes = len(x) * alike
    rows, starts = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    states, energies = np.empty((lanes, 4)), np.empty(lanes)
    for channel in range(len(x)):
        s = state[channel]
        for part in range(len(edges) - 1):
            for k in range(4):
                s[k] = s[k] if abs(s[k]) > _FAINTEST else 0.0
            if 0 < part <= alike:
                lane = channel * alike + part - 1
                rows[lane], starts[lane], before = channel, edges[part], states[lane]
                before[:] = s
                _leaps(x[channel], edges[part], drives, s)
                for k in range(4):
                    for j in range(4):
                        s[k] += turn[k, j] * before[j]
            else:
                found[channel, part] = _heard(x[channel], edges[part], edges[part + 1], coefficients, s)
    _side_by_side(x, rows, starts, drives.shape[1], coefficients, states, energies)
    found[:, 1 : 1 + alike] = energies.reshape(len(x), alike)


@njit(nogil=True, fastmath={"contract"})
def _heard(line: Any, start: Any, end: Any, coefficients: Any, s: Any) -> Any:
    b0, b1, b2, a1, a2, c1, c2 = coefficients
    p1, p2, q1, q2 = s
    energy = 0.0
    for n in range(start, end):
        value = np.float64(line[n])
        shelved = b0 * value + p1
        p1 = (b1 * value + p2) - a1 * shelved
        p2 = b2 * value - a2 * shelved
        heard = shelved + q1
        q1 = (q2 - 2.0 * shelved) - c1 * heard
        q2 = shelved - c2 * heard
        energy += heard * heard
    s[0], s[1], s[2], s[3] = p1, p2, q1, q2
    return energy


@njit(nogil=True, fastmath=True)
def _leaps(line: Any, start: Any, drives: Any, s: Any) -> Any:
    """The states that samples leave behind where there were none before."""
    s0 = s1 = s2 = s3 = 0.0
    for n in range(drives.shape[1]):
        value = np.float64(line[uint64(start) + uint64(n)])
        s0 += value * drives[0, n]
        s1 += value * drives[1, n]
        s2 += value * drives[2, n]
        s3 += value * drives[3, n]
    s[0], s[1], s[2], s[3] = s0, s1, s2, s3


@njit(nogil=True, fastmath={"contract"})
def _side_by_side(x: Any, rows: Any, starts: Any, frames: Any, coefficients: Any, states: Any, found: Any) -> Any:
    b0, b1, b2, a1, a2, c1, c2 = coefficients
    s, values = np.empty((5, _LANES)), np.empty((_TILE, _LANES))
    for first in range(0, len(rows), _LANES):
        for k in range(_LANES):
            for j in range(4):
                s[j, k] = states[min(first + k, len(rows) - 1), j]
            s[4, k] = 0.0
        for at in range(0, frames, _TILE):
            count = min(_TILE, frames - at)
            for k in range(_LANES):
                lane = min(first + k, len(rows) - 1)
                line, start = x[rows[lane]], uint64(starts[lane] + at)
                for n in range(count):
                    values[n, k] = line[start + uint64(n)]
            for n in range(count):
                for k in range(_LANES):
                    value = values[n, k]
                    shelved = b0 * value + s[0, k]
                    heard = shelved + s[2, k]
                    s[0, k] = (b1 * value + s[1, k]) - a1 * shelved
                    s[1, k] = b2 * value - a2 * shelved
                    s[2, k] = (s[3, k] - 2.0 * shelved) - c1 * heard
                    s[3, k] = shelved - c2 * heard
                    s[4, k] += heard * heard
        for k in range(min(_LANES, len(rows) - first)):
            found[first + k] = s[4, k]


def heights(
    x: Array, rows: NDArray[np.intp], starts: NDArray[np.intp], taps: Floats, bends: Array, a: float, above: float
) -> Floats:
    """See `_numpy.heights`."""
    found = np.zeros(len(rows))
    _heights(x, np.ascontiguousarray(rows), np.ascontiguousarray(starts), taps, bends, a, above, found)
    return found


@njit(nogil=True, cache=True, fastmath=FINITE)
def _heights(x: Any, rows: Any, starts: Any, taps: Any, bends: Any, a: Any, above: Any, found: Any) -> Any:
    size = len(bends)
    before = size // 2 - 1
    bend, bound = np.empty(size + CELL, np.float32), np.empty(CELL, np.float32)
    which, places, waiting = np.empty(2 * CELL, np.int64), np.empty(2 * CELL, np.int64), 0
    for cell in range(len(rows)):
        line, start = x[rows[cell]], starts[cell]
        first = uint64(start - before)
        for n in range(CELL + size - 1):
            i = first + uint64(n)
            bend[n] = abs(line[i] - (line[i + uint64(1)] + line[i + uint64(1)]) + line[i + uint64(2)])
        for n in range(CELL):
            i = uint64(start) + uint64(n)
            bound[n] = np.float32(a) * max(abs(line[i]), abs(line[i + uint64(1)]))
        for tap in range(size):
            for n in range(CELL):
                bound[n] += bends[tap] * bend[uint64(tap) + uint64(n)]
        for n in range(CELL):
            if bound[n] > above:
                which[waiting], places[waiting] = cell, start + n
                waiting += 1
        if waiting > CELL:
            _filter(x, rows, which, places, CELL, taps, found)
            waiting -= CELL
            which[:CELL], places[:CELL] = which[CELL:], places[CELL:]
    _filter(x, rows, which, places, waiting, taps, found)


@njit(nogil=True, fastmath=FINITE)
def _filter(x: Any, rows: Any, which: Any, places: Any, count: Any, taps: Any, found: Any) -> Any:
    """Up to CELL places side by side."""
    phases, size = taps.shape
    near, made = np.empty((size, CELL)), np.empty(CELL)
    for k in range(count):
        line, first = x[rows[which[k]]], uint64(places[k] - (size // 2 - 1))
        for tap in range(size):
            near[uint64(tap), k] = line[first + uint64(tap)]
    for phase in range(phases):
        made[:] = 0.0
        for tap in range(0, size, 4):
            h0, h1, h2, h3 = taps[phase, tap], taps[phase, tap + 1], taps[phase, tap + 2], taps[phase, tap + 3]
            i0, i1, i2, i3 = uint64(tap), uint64(tap + 1), uint64(tap + 2), uint64(tap + 3)
            for k in range(CELL):
                n = uint64(k)
                made[n] += h0 * near[i0, n] + h1 * near[i1, n] + h2 * near[i2, n] + h3 * near[i3, n]
        for k in range(count):
            found[which[k]] = max(found[which[k]], abs(made[k]))
