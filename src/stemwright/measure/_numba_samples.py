"""The loops over samples of the pass, for numba to compile (see `_numba_code`); `_numba` calls them with addresses.

Samples `x` are `[channels, n]`, whose rows lie `stride` apart. Loops are written so that LLVM can use the processor's
vector units, and it is told that no sample is NaN where minima and maxima are looked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import intrinsic

from stemwright.measure._numba_code import PIECE
from stemwright.measure._numpy import ABSURD, CELL, GRID, HUGE, LIMIT, TINY

FINITE = {"nnan", "nsz", "contract"}
_STEP = np.float32(1 / GRID)


def _select(sign: str) -> Any:
    @intrinsic
    def chosen(typing: Any, one: Any, other: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, pair: Any) -> Any:
            flags = ("nnan", "nsz")  # those of njit's `fastmath` leave the select out
            return builder.select(builder.fcmp_ordered(sign, *pair, flags=flags), *pair, flags=flags)

        return one(one, other), generate

    return chosen


lesser, greater = _select("<"), _select(">")


def unpack24(words: Any, data: Any, channels: Any, frames: Any, flat: Any, x: Any, stride: Any, facts: Any) -> None:
    """From the bytes of interleaved samples, twice the same; `facts` are mask, sounding, and those with a low byte."""
    mask = sounding = fine = np.int32(0)
    for at in range(0, frames, PIECE):
        count = min(PIECE, frames - at)
        if count == PIECE:
            bits, some, low = _words24(words, 3 * channels * at // 4, flat, channels * count // 4)
        else:
            bits, some, low = _bytes24(data, 3 * channels * at, flat, channels * count)
        mask, sounding, fine = mask | bits, sounding + some, fine + low
        if channels == 2:
            _deal(flat, x, at, stride + at, count)
        else:
            for channel in range(channels):
                for n in range(count):
                    x[channel * stride + at + n] = flat[channel + channels * n]
    facts[0], facts[1], facts[2] = mask, sounding, fine


@njit
def _deal(flat: Any, x: Any, left: Any, right: Any, count: Any) -> None:
    for n in range(count):
        x[left + n] = flat[2 * n]
        x[right + n] = flat[2 * n + 1]


@njit
def _words24(words: Any, first: Any, flat: Any, groups: Any) -> Any:
    """Four samples of every three words."""
    mask = sounding = fine = np.int32(0)
    for group in range(groups):
        i, n = first + 3 * group, 4 * group
        w0, w1, w2 = words[i], words[i + 1], words[i + 2]
        s0 = np.int32(w0 << np.uint32(8)) >> np.int32(8)
        s1 = np.int32((w1 << np.uint32(16)) | ((w0 >> np.uint32(24)) << np.uint32(8))) >> np.int32(8)
        s2 = np.int32((w2 << np.uint32(24)) | ((w1 >> np.uint32(16)) << np.uint32(8))) >> np.int32(8)
        s3 = np.int32(w2) >> np.int32(8)
        flat[n], flat[n + 1] = np.float32(s0) * _STEP, np.float32(s1) * _STEP
        flat[n + 2], flat[n + 3] = np.float32(s2) * _STEP, np.float32(s3) * _STEP
        mask |= s0 | s1 | s2 | s3
        sounding += np.int32(s0 != 0) + np.int32(s1 != 0) + np.int32(s2 != 0) + np.int32(s3 != 0)
        fine += np.int32(s0 & 255 != 0) + np.int32(s1 & 255 != 0) + np.int32(s2 & 255 != 0) + np.int32(s3 & 255 != 0)
    return mask, sounding, fine


@njit
def _bytes24(data: Any, first: Any, flat: Any, count: Any) -> Any:
    mask = sounding = fine = np.int32(0)
    for n in range(count):
        i = first + 3 * n
        low, middle, high = np.uint32(data[i]), np.uint32(data[i + 1]), np.uint32(data[i + 2])
        whole = np.int32(low << np.uint32(8) | middle << np.uint32(16) | high << np.uint32(24)) >> np.int32(8)
        flat[n] = np.float32(whole) * _STEP
        mask |= whole
        sounding += np.int32(whole != 0)
        fine += np.int32(whole & 255 != 0)
    return mask, sounding, fine


def floats(x: Any, channels: Any, stride: Any, frames: Any, facts: Any) -> None:
    """`facts`: mask, off the grid, sounding, with an empty low byte (also zeros), denormal, absurd, not finite."""
    for channel in range(channels):
        _line(x, channel * stride, frames, facts)


@njit
def _line(x: Any, first: Any, frames: Any, facts: Any) -> None:
    mask, sounding, coarse, off, denormal, absurd, bad = np.int32(0), 0, 0, 0, 0, 0, 0
    for n in range(frames):
        value = x[first + n]
        scaled = value * np.float32(GRID)
        whole = np.int32(scaled if abs(scaled) < np.float32(LIMIT) else np.float32(0))
        off += np.float32(whole) != scaled
        mask |= whole
        sounding += value != 0
        coarse += (whole & 255) == 0
        denormal += (abs(value) < np.float32(TINY)) & (value != 0)
        absurd += abs(value) > np.float32(ABSURD)
        bad += not (abs(value) <= np.float32(HUGE))
    facts[0] |= mask
    facts[1] += off
    facts[2] += sounding
    facts[3] += coarse
    facts[4] += denormal
    facts[5] += absurd
    facts[6] += bad


def cells(
    x: Any, channels: Any, stride: Any, start: Any, count: Any,
    low: Any, high: Any, bend: Any, zeros: Any, level: Any, total: Any, energy: Any,
) -> None:  # fmt: skip
    """See `_numpy.cells`."""
    for channel in range(channels):
        for cell in range(count):
            at, to = channel * stride + start + cell * CELL, channel * count + cell
            low[to], high[to], bend[to] = _extremes(x, at)
            zeros[to], level[to] = _counts(x, at)
            total[to], energy[to] = _sums(x, at)


@njit(fastmath=FINITE)
def _extremes(x: Any, at: Any) -> Any:
    least = most = x[at]
    bent = abs(least - least)
    for n in range(at, at + CELL):
        value = x[n]
        least, most = lesser(least, value), greater(most, value)
        bent = greater(bent, abs(value - (x[n - 1] + x[n - 1]) + x[n - 2]))
    return least, most, bent


@njit
def _counts(x: Any, at: Any) -> Any:
    zeros = level = np.int32(0)
    for n in range(at, at + CELL):
        zeros += np.int32(x[n] == 0)
        level |= np.int32((x[n] == x[n - 1]) & (x[n - 1] == x[n - 2]))
    return zeros, level != 0


@njit(fastmath=True)
def _sums(x: Any, at: Any) -> Any:
    total = energy = 0.0
    for n in range(at, at + CELL):
        value = np.float64(x[n])
        total += value
        energy += value * value
    return total, energy


def apart(x: Any, first: Any, second: Any, count: Any, found: Any) -> None:
    """See `_numpy.apart`."""
    found[0] = _apart(x, first, second, count)


@njit(fastmath=True)
def _apart(x: Any, first: Any, second: Any, count: Any) -> Any:
    energy = 0.0
    for n in range(count):
        between = np.float64(x[first + n]) - np.float64(x[second + n])
        energy += between * between
    return energy
