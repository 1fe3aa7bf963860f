"""The hot loops of the pass compiled by numba: the same functions as in `_numpy`, the same numbers.

Compiled once and kept on disk. Importing raises ImportError where numba is not installed and RuntimeError where no
folder for the compiled code can be written. Indices are unsigned where negative ones, which count from the end, would
keep LLVM from using vectors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.measure import _numpy
from stemwright.measure._numpy import ABSURD, CELL, GRID, HUGE, LIMIT, TINY, Array, Cells, Floats, Found
from stemwright.measure.loudness import coefficients


@contextmanager
def _no_scipy() -> Iterator[None]:
    """Numba loads scipy where it is installed, for a linear algebra that is not used here; that takes 0.15 s."""
    hidden = "scipy" not in sys.modules
    if hidden:
        sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules["scipy"]


with _no_scipy():
    import numba.np.arraymath  # noqa: F401
    from numba import njit, uint64

_FINITE = {"nnan", "nsz", "contract"}
"""What lets LLVM find minima and maxima in vectors without changing a number."""


def unpack(raw: Array, kind: str, x: Array) -> Found:
    """See `_numpy.unpack`."""
    if kind == "i24":
        return Found(*_unpack24(raw, x))
    if kind == "f32":
        np.copyto(x, raw)
        found = Found(*_floats(x))
        if found.bad is None:
            return found
    return _numpy.unpack(raw, kind, x)


@njit(nogil=True, cache=True)
def _unpack24(raw: Any, x: Any) -> Any:
    mask, sounding, coarse = np.int32(0), 0, 0
    for channel in range(raw.shape[0]):
        for n in range(raw.shape[1]):
            whole = raw[channel, n] >> 8
            x[channel, n] = np.float32(whole) * np.float32(1 / GRID)
            mask |= whole
            sounding += whole != 0
            coarse += (whole & 255) == 0
    return mask, False, sounding, coarse - (raw.size - sounding)


@njit(nogil=True, cache=True)
def _floats(x: Any) -> Any:
    mask, sounding, coarse, off, denormal, absurd, bad = np.int32(0), 0, 0, 0, 0, 0, 0
    for channel in range(x.shape[0]):
        for n in range(x.shape[1]):
            value = x[channel, n]
            scaled = value * np.float32(GRID)
            whole = np.int32(scaled if abs(scaled) < np.float32(LIMIT) else np.float32(0))
            off += np.float32(whole) != scaled
            mask |= whole
            sounding += value != 0
            coarse += (whole & 255) == 0
            denormal += (abs(value) < np.float32(TINY)) & (value != 0)
            absurd += abs(value) > np.float32(ABSURD)
            bad += not (abs(value) <= np.float32(HUGE))
    if off:
        mask, coarse = np.int32(0), x.size - sounding
    return mask, off > 0, sounding, coarse - (x.size - sounding), denormal, absurd, None if bad == 0 else bad


def cells(x: Array, start: int, count: int) -> Cells:
    """See `_numpy.cells`."""
    shape = (len(x), count)
    low, high, bend = (np.empty(shape, x.dtype) for _ in range(3))
    found = Cells(
        low, high, bend, np.empty(shape, np.int32), np.empty(shape, np.bool_), np.empty(shape), np.empty(shape)
    )
    _cells(x, start, *found)
    return found


@njit(nogil=True, cache=True)
def _cells(x: Any, start: Any, low: Any, high: Any, bend: Any, zeros: Any, level: Any, total: Any, energy: Any) -> Any:
    for channel in range(low.shape[0]):
        for cell in range(low.shape[1]):
            at = start + cell * CELL
            _extremes(x[channel], at, cell, low[channel], high[channel], bend[channel])
            zeros[channel, cell], level[channel, cell] = _counts(x[channel], at)
            total[channel, cell], energy[channel, cell] = _sums(x[channel], at)


@njit(nogil=True, fastmath=_FINITE)
def _extremes(x: Any, at: Any, cell: Any, low: Any, high: Any, bend: Any) -> Any:
    least = most = x[at]
    bent = abs(x[at] - (x[at - 1] + x[at - 1]) + x[at - 2])
    first = uint64(at - 2)
    for n in range(CELL):
        i = first + uint64(n)
        value = x[i + uint64(2)]
        least, most = min(least, value), max(most, value)
        bent = max(bent, abs(value - (x[i + uint64(1)] + x[i + uint64(1)]) + x[i]))
    low[cell], high[cell], bend[cell] = least, most, bent


@njit(nogil=True)
def _counts(x: Any, at: Any) -> Any:
    zeros = level = np.int32(0)
    first = uint64(at - 2)
    for n in range(CELL):
        i = first + uint64(n)
        value = x[i + uint64(2)]
        zeros += np.int32(value == 0)
        level |= np.int32((value == x[i + uint64(1)]) & (x[i + uint64(1)] == x[i]))
    return zeros, level != 0


@njit(nogil=True, fastmath=True)
def _sums(x: Any, at: Any) -> Any:
    total = energy = 0.0
    for n in range(CELL):
        value = np.float64(x[uint64(at) + uint64(n)])
        total += value
        energy += value * value
    return total, energy


@njit(nogil=True, cache=True, fastmath=True)
def apart(x: Any, start: Any, count: Any) -> Any:
    """See `_numpy.apart`."""
    found = 0.0
    for n in range(count):
        i = uint64(start) + uint64(n)
        between = np.float64(x[0, i]) - np.float64(x[1, i])
        found += between * between
    return found


def weighted(x: Array, rate: int, state: Floats, edges: NDArray[np.intp]) -> Floats:
    """See `_numpy.weighted`."""
    found = np.empty((len(x), len(edges) - 1))
    for channel in range(0, len(x), 2):
        other = min(channel + 1, len(x) - 1)
        _weighted(x[channel], x[other], coefficients(rate), state[channel], state[other], edges, rate, found, channel)
    return found


@njit(nogil=True, cache=True, fastmath={"contract"})
def _weighted(
    x: Any, y: Any, coefficients: Any, s: Any, t: Any, edges: Any, rate: Any, found: Any, channel: Any
) -> Any:
    """Two channels at once: one alone would wait for itself, two fused multiply-adds a sample."""
    b0, b1, b2, a1, a2, c1, c2 = coefficients
    p1, p2, q1, q2 = s[0], s[1], s[2], s[3]
    u1, u2, v1, v2 = t[0], t[1], t[2], t[3]
    silent = 0
    other = min(channel + 1, found.shape[0] - 1)
    for part in range(len(edges) - 1):
        left = right = 0.0
        silent = silent + edges[part + 1] - edges[part] if _silent(x, y, edges[part], edges[part + 1]) else 0
        if silent > rate:  # nothing that could be heard is left; denormal numbers would be slow
            p1 = p2 = q1 = q2 = u1 = u2 = v1 = v2 = 0.0
        else:
            for n in range(edges[part + 1] - edges[part]):
                i = uint64(edges[part]) + uint64(n)
                value = np.float64(x[i])
                shelved = b0 * value + p1
                p1 = (b1 * value + p2) - a1 * shelved
                p2 = b2 * value - a2 * shelved
                heard = shelved + q1
                q1 = (q2 - 2.0 * shelved) - c1 * heard
                q2 = shelved - c2 * heard
                left += heard * heard
                value = np.float64(y[i])
                shelved = b0 * value + u1
                u1 = (b1 * value + u2) - a1 * shelved
                u2 = b2 * value - a2 * shelved
                heard = shelved + v1
                v1 = (v2 - 2.0 * shelved) - c1 * heard
                v2 = shelved - c2 * heard
                right += heard * heard
        found[channel, part], found[other, part] = left, right
    s[0], s[1], s[2], s[3] = p1, p2, q1, q2
    t[0], t[1], t[2], t[3] = u1, u2, v1, v2


@njit(nogil=True)
def _silent(x: Any, y: Any, start: Any, end: Any) -> Any:
    n = start
    while n < end and x[n] == 0 and y[n] == 0:
        n += 1
    return n == end


def peaks(x: Array, rows: NDArray[np.intp], places: NDArray[np.intp], taps: Array) -> Floats:
    """See `_numpy.peaks`."""
    found = np.empty(len(rows))
    _peaks(x, rows, places, taps, found)
    return found


@njit(nogil=True, cache=True, fastmath=_FINITE)
def _peaks(x: Any, rows: Any, places: Any, taps: Any, found: Any) -> Any:
    phases, size = taps.shape
    near, made = np.empty((size, CELL)), np.empty(CELL)
    for start in range(0, len(rows), CELL):
        count = min(CELL, len(rows) - start)
        for k in range(count):  # places side by side
            row, first = x[rows[start + k]], uint64(places[start + k] - (size // 2 - 1))
            for tap in range(size):
                near[uint64(tap), k] = row[first + uint64(tap)]
            found[start + k] = 0.0
        for phase in range(phases):
            made[:] = 0.0
            for tap in range(0, size, 4):
                h0, h1, h2, h3 = taps[phase, tap], taps[phase, tap + 1], taps[phase, tap + 2], taps[phase, tap + 3]
                i0, i1, i2, i3 = uint64(tap), uint64(tap + 1), uint64(tap + 2), uint64(tap + 3)
                for k in range(CELL):
                    n = uint64(k)
                    made[n] += h0 * near[i0, n] + h1 * near[i1, n] + h2 * near[i2, n] + h3 * near[i3, n]
            for k in range(count):
                found[start + k] = max(found[start + k], abs(made[k]))
