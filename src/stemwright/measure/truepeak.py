"""True peak, streamed: the 4x of BS.1770-4 annex 2 and a 16x high-resolution one, both pruned by a bound.

Only cells of 64 frames are filtered that may hold more than what was found before. For a cell and its two
neighbours let p be the largest magnitude and d the largest second difference |x[i] - 2x[i-1] + x[i-2]|; then no
output of an interpolator h in the cell is above min(L1 p, A p + G d). L1 is the sum of |h|; A and G come from taking a
linear interpolation out of h that has its zeroth and first moments: what is left is a second difference of its own
double cumulative sum, whose absolute sum is G. In the cells that are left the same bound, with p from the two samples
beside each place, chooses the places to be filtered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.measure._numpy import CELL, Array, Floats

ENOUGH = 1.0012
"""The high-resolution figure may stop 0.01 dB below what cannot be excluded; the 4x one is exact."""
_FIRST = 16
_OVER = 1 + 1e-9
_ROUNDING = 1 + 1e-5
"""Bounds are float32."""

_ITU = """
  0.0017089843750  0.0109863281250 -0.0196533203125  0.0332031250000 -0.0594482421875  0.1373291015625
  0.9721679687500 -0.1022949218750  0.0476074218750 -0.0266113281250  0.0148925781250 -0.0083007812500
 -0.0291748046875  0.0292968750000 -0.0517578125000  0.0891113281250 -0.1665039062500  0.4650878906250
  0.7797851562500 -0.2003173828125  0.1015625000000 -0.0582275390625  0.0330810546875 -0.0189208984375
"""
"""Phases 0 and 1 of the 48 taps in BS.1770-4, annex 2; phases 2 and 3 are the same backwards."""


@dataclass(frozen=True)
class Bank:
    """An interpolator: `taps` `[phases, taps]`, and its bounds."""

    taps: Floats
    l1: float
    a: float
    g: float
    bends: NDArray[np.float32]
    """What each second difference around a place may add there at most, `[taps]`."""

    def bound(self, peak: Array, bend: Array) -> Array:
        """The most that can come out of each cell, given the largest of it and its neighbours `[channels, cells]`."""
        return np.asarray(np.minimum(self.l1 * peak, self.a * peak + self.g * bend) * _ROUNDING)


def _near(cells: Array) -> Array:
    """The largest of each cell and its neighbours, `[channels, k]` of `[channels, k + 2]`."""
    return np.asarray(np.maximum(np.maximum(cells[:, :-2], cells[:, 2:]), cells[:, 1:-1]))


@cache
def banks() -> tuple[Bank, Bank]:
    """The 4x interpolator of BS.1770-4, and 15 phases of a 64-tap sinc in a Kaiser window (beta 9) for 16x."""
    place = np.arange(-31, 33) - np.arange(1, 16)[:, None] / 16
    sinc = np.sinc(place) * np.i0(9 * np.sqrt(np.maximum(0, 1 - (place / 32) ** 2)))
    itu = np.array(_ITU.split(), float).reshape(2, 12)
    return _bank(np.concatenate([itu, itu[::-1, ::-1]])), _bank(sinc / sinc.sum(axis=1, keepdims=True))


def _bank(taps: Floats) -> Bank:
    anchored, bends = zip(*(_bounds(phase) for phase in taps), strict=True)
    l1, g = (float(np.abs(rows).sum(axis=1).max()) for rows in (taps, bends))
    return Bank(np.ascontiguousarray(taps), l1, max(anchored), g, np.max(bends, axis=0).astype(np.float32))


def _bounds(phase: Floats) -> tuple[float, Floats]:
    """A of one phase, and what each second difference may add, with the linear interpolation that makes A least."""
    size, centre = len(phase), len(phase) // 2 - 1
    part = np.linspace(-0.2, 1.2, 57)
    rest = np.tile(phase, (len(part), 1))
    rest[:, centre] -= 1 - part
    rest[:, centre + 1] -= part
    zeroth, first = rest.sum(axis=1), rest @ (np.arange(size) - centre)
    rest[:, centre] -= zeroth - first
    rest[:, centre + 1] -= first
    bends = np.abs(rest.cumsum(axis=1).cumsum(axis=1))
    a = np.round(abs(1 - part + zeroth - first) + abs(part + first), 9)
    best = np.lexsort((bends.sum(axis=1), a))[0]
    return float(a[best]), bends[best]


class TruePeaks:
    """Both figures of one file while it streams by; linear, full scale = 1.0."""

    def __init__(self, kernels: Any) -> None:
        self._kernel = kernels.heights
        self.true = self.high = 0.0

    def feed(self, x: Array, start: int, peak: Array, bend: Array) -> NDArray[np.intp]:
        """The next cells `[channels, k]` from `x[:, start]` on, given with a neighbour on both sides.

        `x` must hold 64 frames more on both sides. Returns (channel, cell) `[n, 2]` of those above full scale.
        """
        itu, sinc = banks()
        top = float(peak.max())
        self.true, self.high = max(self.true, top), max(self.high, top)
        near, bends = _near(peak), _near(bend)
        if itu.l1 * top > self.true:
            self.true = self._search(x, start, itu.bound(near, bends), itu, self.true, 1.0)
        if sinc.l1 * top <= min(self.high * ENOUGH, 1.0):
            return np.zeros((0, 2), np.intp)
        over, bound = peak[:, 1:-1] > _OVER, sinc.bound(near, bends)
        maybe = np.argwhere((bound > 1) & ~over)  # looked at in any case, to tell all that are above
        if len(maybe):
            found = self._heights(x, start, maybe, sinc, 1.0)
            over[tuple(maybe[found > _OVER].T)] = True
            self.high = max(self.high, float(found.max(initial=0)))
        self.high = self._search(x, start, bound, sinc, self.high, ENOUGH)
        return np.argwhere(over)

    def _search(self, x: Array, start: int, bound: Array, bank: Bank, most: float, enough: float) -> float:
        """`most`, or what lies above it by more than `enough`: the cells of the highest bound are looked at first."""
        cells = np.argwhere(bound > most * enough)
        bounds = bound[tuple(cells.T)]
        order = np.argsort(-bounds, kind="stable")
        done, count = 0, _FIRST
        while done < len(order) and bounds[order[done]] > most * enough:
            found = self._heights(x, start, cells[order[done : done + count]], bank, most * enough)
            most = max(most, float(found.max(initial=0)))
            done, count = done + count, 4 * count
        return most

    def _heights(self, x: Array, start: int, cells: Array, bank: Bank, above: float) -> Floats:
        """The most that comes out of each of the cells (channel, cell) at places that may be `above`; 0 without any."""
        row, cell = cells.T
        found: Floats = self._kernel(x, row, start + cell * CELL, bank.taps, bank.bends, bank.a, above / _ROUNDING)
        return found
