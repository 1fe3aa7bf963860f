"""The hot loops of the pass compiled by numba: the same functions as in `_numpy`, the same numbers.

Compiled once and kept on disk (see `_numba_code`). Importing raises ImportError where numba is not installed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.measure import _numpy
from stemwright.measure._numba_code import LANES, LEAP, PIECE, TILE, code
from stemwright.measure._numpy import CELL, Array, Cells, Floats, Found
from stemwright.measure.loudness import coefficients

__all__ = ["apart", "cells", "heights", "unpack", "weighted"]

_SINGLE = code("float32")


def _code(x: Array) -> Any:
    return _SINGLE if x.dtype == np.float32 else code("float64")


def _at(array: Array) -> int:
    """The address of the first value."""
    return int(array.__array_interface__["data"][0])


def _stride(x: Array) -> int:
    return x.strides[0] // x.itemsize


def unpack(raw: Array, kind: str, x: Array) -> Found:
    """See `_numpy.unpack`."""
    channels, frames = x.shape
    if kind == "i24":
        facts, flat = np.zeros(3, np.int64), np.empty(channels * PIECE, np.float32)
        data = _at(raw) + 1  # the lowest byte of each is its neighbour's
        _SINGLE.unpack24(data, data, channels, frames, _at(flat), _at(x), _stride(x), _at(facts))
        mask, sounding, fine = facts.tolist()
        return Found(mask, False, sounding, sounding - fine)
    if kind == "f32":
        np.copyto(x, raw)
        facts = np.zeros(7, np.int64)
        _SINGLE.floats(_at(x), channels, _stride(x), frames, _at(facts))
        mask, off, sounding, coarse, denormal, absurd, bad = facts.tolist()
        if not bad:
            coarse -= x.size - sounding
            return Found(*((0, True, sounding, 0) if off else (mask, False, sounding, coarse)), denormal, absurd)
    return _numpy.unpack(raw, kind, x)


def cells(x: Array, start: int, count: int) -> Cells:
    """See `_numpy.cells`."""
    shape = (len(x), count)
    low, high, bend = (np.empty(shape, x.dtype) for _ in range(3))
    counts = np.empty(shape, np.int32), np.empty(shape, np.bool_)
    found = Cells(low, high, bend, *counts, np.empty(shape), np.empty(shape))
    _code(x).cells(_at(x), len(x), _stride(x), start, count, *map(_at, found))
    return found


def apart(x: Array, start: int, count: int) -> float:
    """See `_numpy.apart`."""
    found = np.empty(1)
    _code(x).apart(_at(x), start, _stride(x) + start, count, _at(found))
    return float(found[0])


def weighted(x: Array, rate: int, state: Floats, edges: NDArray[np.intp]) -> Floats:
    """See `_numpy.weighted`. All parts as long as the second are filtered side by side."""
    edges = np.ascontiguousarray(edges, np.int64)
    parts, lengths = len(edges) - 1, np.diff(edges)
    like = lengths[1:] == lengths[1:2]
    alike = int(like.argmin()) if not like.all() else len(like)
    lanes = len(x) * alike
    starts, states, scratch = np.empty(lanes + LANES, np.int64), np.empty((lanes, 4)), np.empty((5 + TILE) * LANES)
    found, (turn, drives) = np.empty((len(x), parts)), _leap(rate)
    rest = _turned(rate, int(lengths[1]) % LEAP if alike else 0)
    held = (np.array(coefficients(rate)), turn, rest, drives, starts, states, scratch, state, found)
    _code(x).weighted(_at(x), len(x), _stride(x), _at(edges), parts, alike, *map(_at, held))
    return found


@cache
def _turned(rate: int, frames: int) -> Floats:
    """The states after so many frames of silence, from those before `[4, 4]`."""
    return np.linalg.matrix_power(_numpy.state_space(rate)[0], frames)


@cache
def _leap(rate: int) -> tuple[Floats, Floats]:
    """The states after LEAP frames: from those before `[4, 4]`, and from the samples `[4, LEAP]`."""
    turn, drive = _numpy.state_space(rate)
    drives, turns = drive[:, None], turn
    while drives.shape[1] < LEAP:
        drives, turns = np.hstack((turns @ drives, drives)), turns @ turns
    return turns, np.ascontiguousarray(drives)


def heights(
    x: Array, rows: NDArray[np.intp], starts: NDArray[np.intp], taps: Floats, bends: Array, a: float, above: float
) -> Floats:
    """See `_numpy.heights`."""
    size, found = len(bends), np.zeros(len(rows))
    firsts = np.asarray(rows * _stride(x) + starts, np.int64)
    bend, bound, near = np.empty(size + CELL, np.float32), np.empty(CELL, np.float32), np.empty(size * CELL)
    scratch: tuple[Array, ...] = (bend, bound, near, np.empty(CELL), np.empty(CELL, np.int64), found)
    held = (_at(firsts), len(rows), _at(taps), len(taps), size, _at(bends), a, above)
    _code(x).heights(_at(x), *held, *map(_at, scratch))
    return found
