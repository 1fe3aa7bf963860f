"""The hot loops of the pass in plain numpy. `_numba` has the same functions and gives the same numbers.

Samples are `x` `[channels, n]`, float32 or (for samples that need it) float64, full scale = 1.0, finite. A cell is 64
frames.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.loudness import coefficients

Array = NDArray[Any]
Floats = NDArray[np.float64]

CELL = 64
GRID = 2.0**23
LIMIT = 2147483520.0
"""The largest float32 that fits an int32."""
TINY = float(np.finfo(np.float32).tiny)
HUGE = float(np.finfo(np.float32).max)
"""Beyond this a sample counts as infinite."""
ABSURD = 16.0  # +24 dBFS
_BLOCK = 32
_CELLS, _PIECE = 1024, 1 << 15
"""What stays in the processor's cache."""
_FEW, _ROWS = 32, 256
"""Rows of matrix products: more, and OpenBLAS starts threads of its own, which cost more than they help."""


class Found(NamedTuple):
    """What the bits of some samples tell."""

    mask: int = 0  # the samples in 1/2^23, or-ed together
    off_grid: bool = False  # some are no multiple of 1/2^23
    sounding: int = 0  # samples that are not zero
    low_byte_empty: int = 0  # of those, how many have the lowest 8 of 24 bits zero
    denormal: int = 0
    absurd: int = 0
    bad: NDArray[np.bool_] | None = None  # `[channels, n]`, where samples are not finite; None when all are


class Cells(NamedTuple):
    """What is kept of each cell, `[channels, cells]`."""

    low: Array
    high: Array
    bend: Array  # largest second difference
    zeros: NDArray[np.int32]  # samples that are zero
    level: NDArray[np.bool_]  # some three samples in a row are equal
    total: Floats
    energy: Floats


def unpack(raw: Array, kind: str, x: Array) -> Found:
    """Write a block as `audio.stream.raw_blocks` gives it into `x`; what is not finite becomes 0."""
    if kind[0] == "f" or kind == "i32":
        with np.errstate(invalid="ignore"):
            np.multiply(raw, 2.0**-31 if kind == "i32" else 1.0, out=x, casting="unsafe")
        return _floats(x)
    bits = 24 if kind == "i24" else int(kind[1:])
    whole = np.right_shift(raw, 8, out=np.empty(raw.shape, np.int32)) if bits == 24 else raw.astype(np.int32, order="C")
    if kind == "u8":
        whole -= 128
    np.multiply(whole, np.float32(2.0 ** (1 - bits)), out=x, casting="unsafe")
    if bits < 24:
        whole <<= 24 - bits
    return _bits(whole)


def _bits(whole: NDArray[np.int32]) -> Found:
    mask = int(np.bitwise_or.reduce(whole, axis=None))
    sounding = int(np.count_nonzero(whole))
    coarse = sounding if not mask & 255 else whole.size - int(np.count_nonzero(whole & 255)) - (whole.size - sounding)
    return Found(mask, False, sounding, coarse)


def _floats(x: Array) -> Found:
    bad = None
    top = float(np.abs(x).max(initial=0))
    if not top <= HUGE:
        bad = ~(np.abs(x) <= HUGE)
        x[bad] = 0
        top = float(np.abs(x).max())
    absurd = int(np.count_nonzero(np.abs(x) > ABSURD)) if top > ABSURD else 0
    if top * GRID < LIMIT:
        scaled = x * x.dtype.type(GRID)
        whole = scaled.astype(np.int32)
        if np.array_equal(whole, scaled):
            return _bits(whole)._replace(absurd=absurd, bad=bad)
    denormal = int(np.count_nonzero((np.abs(x) < TINY) & (x != 0)))
    return Found(0, True, int(np.count_nonzero(x)), 0, denormal, absurd, bad)


def cells(x: Array, start: int, count: int) -> Cells:
    """`count` cells from frame `start` of `x` on; the two frames before it are looked at."""
    parts = []
    for line in x:
        blocks = []
        for cell in range(0, count, _CELLS):
            first, end = start + cell * CELL, start + min(cell + _CELLS, count) * CELL
            blocks.append(_cells(line[first - 2 : end]))
        parts.append([np.concatenate(some) for some in zip(*blocks, strict=True)])
    return Cells(*(np.array(some) for some in zip(*parts, strict=True)))


def _cells(line: Array) -> tuple[Array, ...]:
    """With the cells side by side, so that numpy goes along whole rows."""
    rows = np.empty((CELL + 2, len(line) // CELL), line.dtype)
    rows[2:] = line[2:].reshape(-1, CELL).T
    rows[:2] = line[: len(line) // CELL * CELL].reshape(-1, CELL)[:, :2].T
    now = rows[2:]
    same = rows[1:] == rows[:-1]
    bend = now - 2 * rows[1:-1]
    bend += rows[:-2]
    wide = now.astype(np.float64)
    total = wide.sum(axis=0)
    wide *= wide
    return (
        now.min(axis=0),
        now.max(axis=0),
        np.abs(bend, out=bend).max(axis=0),
        np.add.reduce((now == 0).view(np.int8), axis=0, dtype=np.int8).astype(np.int32),
        (same[1:] & same[:-1]).any(axis=0),
        total,
        wide.sum(axis=0),
    )


def apart(x: Array, start: int, count: int) -> float:
    """Energy of the first channel minus the second in `count` frames."""
    found = 0.0
    for first in range(start, start + count, _PIECE):
        some = x[:, first : min(first + _PIECE, start + count)]
        between = np.subtract(some[0], some[1], dtype=np.float64)
        found += float(np.einsum("i,i", between, between))
    return found


def weighted(x: Array, rate: int, state: Floats, edges: NDArray[np.intp]) -> Floats:
    """K-weighted energy `[channels, parts]` between each two of the frames `edges`.

    `state` `[channels, 4]` is where the two biquads (transposed direct form II) stand, and is moved on; what follows
    must start a multiple of 32 frames later. Blocks of 32 by matrix products, the states by doubling steps.
    """
    outputs, states_in, heard, powers = _matrices(rate)
    found = np.zeros((len(x), len(edges) - 1))
    for first in range(int(edges[0]), int(edges[-1]), _PIECE):
        count = min(_PIECE, int(edges[-1]) - first)
        wide = np.zeros((len(x), -(-count // (_ROWS * _BLOCK)), _ROWS, _BLOCK))
        wide.reshape(len(x), -1)[:, :count] = x[:, first : first + count]
        states = np.concatenate([state[:, None], (wide @ states_in).reshape(len(x), -1, 4)], axis=1)
        for step, power in powers:
            states[:, step:] = states[:, step:] + states[:, :-step] @ power
        state[:] = states[:, count // _BLOCK]
        made = (wide @ outputs).reshape(len(x), -1, _BLOCK)
        made += states[:, :-1] @ heard
        spans = np.clip(edges - first, 0, count)
        for part in np.flatnonzero(np.diff(spans)):
            some = made.reshape(len(x), -1)[:, spans[part] : spans[part + 1]]
            found[:, part] += np.einsum("ij,ij->i", some, some)
    return found


def state_space(rate: int) -> tuple[Floats, Floats]:
    """Of both biquads: the states from those a sample before `[4, 4]`, and what the sample adds `[4]`."""
    b0, b1, b2, a1, a2, c1, c2 = coefficients(rate)
    turn = np.array([[-a1, 1, 0, 0], [-a2, 0, 0, 0], [-2 - c1, 0, -c1, 1], [1 - c2, 0, -c2, 0]])
    return turn, np.array([b1 - a1 * b0, b2 - a2 * b0, b0 * (-2 - c1), b0 * (1 - c2)])


@cache
def _matrices(rate: int) -> tuple[Floats, Floats, Floats, list[tuple[int, Floats]]]:
    """Of a block of 32 samples: outputs and states from samples, outputs from states, states from states before."""
    turn, drive = state_space(rate)
    b0, heard = coefficients(rate)[0], np.array([1.0, 0, 1, 0])
    turns = [np.linalg.matrix_power(turn, n) for n in range(_BLOCK + 1)]
    answer = np.array([b0, *(heard @ turned @ drive for turned in turns)])
    late = np.arange(_BLOCK) - np.arange(_BLOCK)[:, None]
    powers, power, step = [], turns[_BLOCK], 1
    while np.abs(power).max() > 1e-18:
        powers.append((step, power.T.copy()))
        power, step = power @ power, 2 * step
    return (
        np.where(late >= 0, answer[late], 0.0),
        np.array([turned @ drive for turned in turns[_BLOCK - 1 :: -1]]),
        np.array([heard @ turned for turned in turns[:_BLOCK]]).T.copy(),
        powers,
    )


def heights(
    x: Array, rows: NDArray[np.intp], starts: NDArray[np.intp], taps: Floats, bends: Array, a: float, above: float
) -> Floats:
    """The largest magnitude that an interpolator `[phases, taps]` puts out in each of some cells, as far as needed.

    The cells begin at `starts` of channels `rows`. Only places are filtered whose bound (see `truepeak`: `a` times the
    samples on both sides, and second differences times `bends`) is higher than `above`; 0 where there are none.
    """
    size, found = len(bends), np.zeros(len(rows))
    before = size // 2 - 1
    windows = np.lib.stride_tricks.sliding_window_view(x, CELL + size + 1, axis=1)
    places = np.lib.stride_tricks.sliding_window_view(x, size, axis=1)
    for at in range(0, len(rows), _FEW):
        row, start = rows[at : at + _FEW], starts[at : at + _FEW]
        near = windows[row, start - before]
        sides = np.abs(near[:, before : before + CELL + 1])
        near = np.abs(near[:, :-2] - 2 * near[:, 1:-1] + near[:, 2:])
        bound = a * np.maximum(sides[:, :-1], sides[:, 1:]) + near @ _around(bends.tobytes())
        which, place = np.nonzero(bound > above)
        for first in range(0, len(which), _ROWS):
            some = which[first : first + _ROWS]
            heard = places[row[some], start[some] + place[first : first + _ROWS] - before].astype(np.float64) @ taps.T
            np.maximum.at(found, at + some, np.abs(heard).max(axis=1))
    return found


@cache
def _around(bends: bytes) -> Array:
    """`[64 + taps - 1, 64]`: what the second differences around a cell may add at each of its places."""
    most = np.frombuffer(bends, np.float32)
    place, tap = np.arange(CELL), np.arange(len(most))[:, None]
    around = np.zeros((CELL + len(most) - 1, CELL), np.float32)
    around[place + tap, place] = most[:, None]
    return around
