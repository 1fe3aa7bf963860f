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

from stemwright.measure import _numpy
from stemwright.measure._numpy import ABSURD, CELL, GRID, HUGE, LIMIT, TINY, Array, Cells, Found


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

    from stemwright.measure._numba_filters import FINITE, heights, weighted

__all__ = ["apart", "cells", "heights", "unpack", "weighted"]

_STEP = np.float32(1 / GRID)
_PIECE = 1024
"""Frames unpacked at once: what stays in the processor's cache."""


def unpack(raw: Array, kind: str, x: Array) -> Found:
    """See `_numpy.unpack`."""
    if kind == "i24":
        data = np.lib.stride_tricks.as_strided(raw[0, :1].view(np.uint8)[1:], (3 * raw.size,), (1,))
        return Found(*_unpack24(data, x))
    if kind == "f32":
        np.copyto(x, raw)
        found = Found(*_floats(x))
        if found.bad is None:
            return found
    return _numpy.unpack(raw, kind, x)


@njit(nogil=True, cache=True)
def _unpack24(data: Any, x: Any) -> Any:
    """From the bytes of interleaved samples."""
    channels, frames = x.shape
    flat = np.empty(channels * _PIECE, np.float32)
    mask = sounding = fine = np.int32(0)
    for at in range(0, frames, _PIECE):
        count = min(_PIECE, frames - at)
        piece = data[3 * channels * at : 3 * channels * (at + count)]
        if count == _PIECE:
            bits, some, low = _words24(piece.view(np.uint32), flat)
        else:
            bits, some, low = _bytes24(piece, flat[: channels * count])
        mask, sounding, fine = mask | bits, sounding + some, fine + low
        if channels == 2:
            _deal(flat, x[0, at : at + count], x[1, at : at + count])
        else:
            for channel in range(channels):
                x[channel, at : at + count] = flat[channel : channels * count : channels]
    return mask, False, sounding, sounding - fine


@njit(nogil=True)
def _deal(flat: Any, left: Any, right: Any) -> Any:
    for n in range(len(left)):
        left[n] = flat[uint64(2 * n)]
        right[n] = flat[uint64(2 * n + 1)]


@njit(nogil=True)
def _words24(words: Any, flat: Any) -> Any:
    """Four samples of every three words."""
    mask = sounding = fine = np.int32(0)
    for group in range(len(flat) // 4):
        i, n = uint64(3 * group), uint64(4 * group)
        w0, w1, w2 = words[i], words[i + uint64(1)], words[i + uint64(2)]
        s0 = np.int32(w0 << np.uint32(8)) >> np.int32(8)
        s1 = np.int32((w1 << np.uint32(16)) | ((w0 >> np.uint32(24)) << np.uint32(8))) >> np.int32(8)
        s2 = np.int32((w2 << np.uint32(24)) | ((w1 >> np.uint32(16)) << np.uint32(8))) >> np.int32(8)
        s3 = np.int32(w2) >> np.int32(8)
        flat[n], flat[n + uint64(1)] = np.float32(s0) * _STEP, np.float32(s1) * _STEP
        flat[n + uint64(2)], flat[n + uint64(3)] = np.float32(s2) * _STEP, np.float32(s3) * _STEP
        mask |= s0 | s1 | s2 | s3
        sounding += np.int32(s0 != 0) + np.int32(s1 != 0) + np.int32(s2 != 0) + np.int32(s3 != 0)
        fine += np.int32(s0 & 255 != 0) + np.int32(s1 & 255 != 0) + np.int32(s2 & 255 != 0) + np.int32(s3 & 255 != 0)
    return mask, sounding, fine


@njit(nogil=True)
def _bytes24(data: Any, flat: Any) -> Any:
    mask = sounding = fine = np.int32(0)
    for n in range(len(flat)):
        low, middle, high = data[3 * n], data[3 * n + 1], data[3 * n + 2]
        whole = np.int32(np.uint32(low) << 8 | np.uint32(middle) << 16 | np.uint32(high) << 24) >> np.int32(8)
        flat[n] = np.float32(whole) * _STEP
        mask |= whole
        sounding += np.int32(whole != 0)
        fine += np.int32(whole & 255 != 0)
    return mask, sounding, fine


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


@njit(nogil=True, fastmath=FINITE)
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
