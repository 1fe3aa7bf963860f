"""The filters of the pass, for numba to compile (see `_numba_samples`): K-weighting and interpolators of true peak.

Both keep the processor's vector units busy by doing many places of a file side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from stemwright.measure._numba_code import LANES, LEAP, TILE
from stemwright.measure._numba_samples import FINITE, greater
from stemwright.measure._numpy import CELL

_SQUARE = 8
"""Parts and places that are turned at once: what a vector holds."""
_FAINTEST = 1e-100
"""Filter states below are 0, before they grow so small that the processor is slow."""


def weighted(
    x: Any, channels: Any, stride: Any, edges: Any, parts: Any, alike: Any, coefficients: Any,
    turn: Any, last_turn: Any, drives: Any, starts: Any, states: Any, scratch: Any, state: Any, found: Any,
) -> None:  # fmt: skip
    """See `_numpy.weighted`.

    A filter waits for itself, sample by sample. So the states before each of the parts 1 to `alike`, which are equally
    long, come first; then these parts are filtered side by side. `turn` and `drives` make the states after LEAP
    samples, `last_turn` those after the rest of a part.
    """
    for channel in range(channels):
        own = 4 * channel
        for part in range(parts):
            for k in range(own, own + 4):
                state[k] = state[k] if abs(state[k]) > _FAINTEST else 0.0
            first, end = channel * stride + edges[part], channel * stride + edges[part + 1]
            if 0 < part <= alike:
                lane = channel * alike + part - 1
                starts[lane] = first
                for k in range(4):
                    states[4 * lane + k] = state[own + k]
                rest = (end - first) % LEAP
                _leap(x, first, rest, drives, last_turn, state, own)
                for at in range(first + rest, end, LEAP):
                    _leap(x, at, LEAP, drives, turn, state, own)
            else:
                found[channel * parts + part] = _heard(x, first, end, coefficients, state, own)
    lanes = channels * alike
    for lane in range(lanes, lanes + LANES):
        starts[lane] = starts[max(lanes - 1, 0)]
    for first in range(0, lanes, LANES):
        _side_by_side(x, starts, first, lanes, edges[2] - edges[1], coefficients, states, scratch)
        for lane in range(first, min(first + LANES, lanes)):
            found[lane // alike * parts + 1 + lane % alike] = scratch[4 * LANES + lane - first]


@njit(fastmath={"contract"})
def _heard(x: Any, first: Any, end: Any, coefficients: Any, state: Any, own: Any) -> Any:
    b0, b1, b2, a1 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    a2, c1, c2 = coefficients[4], coefficients[5], coefficients[6]
    p1, p2, q1, q2 = state[own], state[own + 1], state[own + 2], state[own + 3]
    energy = 0.0
    for n in range(first, end):
        value = np.float64(x[n])
        shelved = b0 * value + p1
        p1 = (b1 * value + p2) - a1 * shelved
        p2 = b2 * value - a2 * shelved
        heard = shelved + q1
        q1 = (q2 - 2.0 * shelved) - c1 * heard
        q2 = shelved - c2 * heard
        energy += heard * heard
    state[own], state[own + 1], state[own + 2], state[own + 3] = p1, p2, q1, q2
    return energy


@njit(fastmath=True)
def _leap(x: Any, first: Any, count: Any, drives: Any, turn: Any, state: Any, own: Any) -> None:
    """The states after `count` samples, of which the last are those that `drives` ends with."""
    s0 = s1 = s2 = s3 = 0.0
    at = LEAP - count
    for n in range(count):
        value = np.float64(x[first + n])
        s0 += value * drives[at + n]
        s1 += value * drives[LEAP + at + n]
        s2 += value * drives[2 * LEAP + at + n]
        s3 += value * drives[3 * LEAP + at + n]
    t0, t1, t2, t3 = state[own], state[own + 1], state[own + 2], state[own + 3]
    state[own] = s0 + turn[0] * t0 + turn[1] * t1 + turn[2] * t2 + turn[3] * t3
    state[own + 1] = s1 + turn[4] * t0 + turn[5] * t1 + turn[6] * t2 + turn[7] * t3
    state[own + 2] = s2 + turn[8] * t0 + turn[9] * t1 + turn[10] * t2 + turn[11] * t3
    state[own + 3] = s3 + turn[12] * t0 + turn[13] * t1 + turn[14] * t2 + turn[15] * t3


@intrinsic
def _turn(typing: Any, x: Any, starts: Any, lane: Any, offset: Any, scratch: Any, to: Any) -> Any:
    """Samples of _SQUARE parts at the same _SQUARE places, part beside part in `scratch`: a transposed square.

    One by one they would take as long as the filter.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> None:
        samples, begins, lane, offset, target, to = values
        real = context.get_value_type(x.dtype)
        row, wide = ir.VectorType(real, _SQUARE), ir.VectorType(ir.DoubleType(), _SQUARE)
        rows = []
        for part in range(_SQUARE):
            begin = builder.load(builder.gep(begins, [builder.add(lane, lane.type(part))]))
            place = builder.gep(samples, [builder.add(begin, offset)])
            rows.append(builder.load(builder.bitcast(place, row.as_pointer()), align=x.dtype.bitwidth // 8))
        for step in (1, 2, 4):  # squares within squares change places
            for one in (n for n in range(_SQUARE) if not n & step):
                pair = rows[one], rows[one + step]
                for off in (0, step):
                    chosen = [off + n if not n & step else _SQUARE + off + n - step for n in range(_SQUARE)]
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), _SQUARE), chosen)
                    rows[one + off] = builder.shuffle_vector(*pair, mask)
        for n, made in enumerate(rows):
            place = builder.gep(target, [builder.add(to, to.type(n * LANES))])
            doubled = made if real == ir.DoubleType() else builder.fpext(made, wide)
            builder.store(doubled, builder.bitcast(place, wide.as_pointer()), align=8)

    return types.void(x, starts, lane, offset, scratch, to), generate


@njit(fastmath={"contract"})
def _side_by_side(
    x: Any, starts: Any, first: Any, lanes: Any, frames: Any, coefficients: Any, states: Any, scratch: Any
) -> None:
    """LANES parts from `first` on; `scratch` holds their four states and energies, and a tile of samples."""
    b0, b1, b2, a1 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    a2, c1, c2 = coefficients[4], coefficients[5], coefficients[6]
    for k in range(LANES):
        for j in range(4):
            scratch[j * LANES + k] = states[4 * min(first + k, lanes - 1) + j]
        scratch[4 * LANES + k] = 0.0
    for at in range(0, frames, TILE):
        count = min(TILE, frames - at)
        whole = count - count % _SQUARE
        for k in range(0, LANES, _SQUARE):
            for n in range(0, whole, _SQUARE):
                _turn(x, starts, first + k, at + n, scratch, (5 + n) * LANES + k)
        for k in range(LANES):
            for n in range(whole, count):
                scratch[(5 + n) * LANES + k] = x[starts[first + k] + at + n]
        for n in range(count):
            for k in range(LANES):
                value = scratch[(5 + n) * LANES + k]
                shelved = b0 * value + scratch[k]
                heard = shelved + scratch[2 * LANES + k]
                scratch[k] = (b1 * value + scratch[LANES + k]) - a1 * shelved
                scratch[LANES + k] = b2 * value - a2 * shelved
                scratch[2 * LANES + k] = (scratch[3 * LANES + k] - 2.0 * shelved) - c1 * heard
                scratch[3 * LANES + k] = shelved - c2 * heard
                scratch[4 * LANES + k] += heard * heard


def heights(
    x: Any, firsts: Any, count: Any, taps: Any, phases: Any, size: Any, bends: Any, a: Any, above: Any,
    bend: Any, bound: Any, near: Any, made: Any, which: Any, found: Any,
) -> None:  # fmt: skip
    """See `_numpy.heights`. Places whose bound is above it wait until CELL can be filtered side by side."""
    waiting, before = 0, size // 2 - 1
    for cell in range(count):
        _bounds(x, firsts[cell], size, bends, a, bend, bound)
        for n in range(CELL):
            if bound[n] > above:
                which[waiting], first = cell, firsts[cell] + n - before
                for tap in range(size):
                    near[tap * CELL + waiting] = x[first + tap]
                waiting += 1
                if waiting == CELL:
                    _filter(near, waiting, taps, phases, size, made, which, found)
                    waiting = 0
    _filter(near, waiting, taps, phases, size, made, which, found)


@njit(fastmath=FINITE)
def _bounds(x: Any, first: Any, size: Any, bends: Any, a: Any, bend: Any, bound: Any) -> None:
    begin = first - (size // 2 - 1)
    for n in range(CELL + size - 1):
        bend[n] = abs(x[begin + n] - (x[begin + n + 1] + x[begin + n + 1]) + x[begin + n + 2])
    for n in range(CELL):
        bound[n] = np.float32(a) * greater(abs(x[first + n]), abs(x[first + n + 1]))
    for tap in range(size):
        for n in range(CELL):
            bound[n] += bends[tap] * bend[tap + n]


@njit(fastmath=FINITE)
def _filter(near: Any, count: Any, taps: Any, phases: Any, size: Any, made: Any, which: Any, found: Any) -> None:
    """Up to CELL places side by side."""
    for phase in range(phases):
        for n in range(CELL):
            made[n] = 0.0
        for tap in range(0, size, 4):
            h = phase * size + tap
            h0, h1, h2, h3 = taps[h], taps[h + 1], taps[h + 2], taps[h + 3]
            for n in range(CELL):
                i = tap * CELL + n
                made[n] += h0 * near[i] + h1 * near[i + CELL] + h2 * near[i + 2 * CELL] + h3 * near[i + 3 * CELL]
        for n in range(count):
            found[which[n]] = max(found[which[n]], abs(made[n]))
