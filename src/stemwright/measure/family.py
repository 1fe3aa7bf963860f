"""How well a regular beat of each tempo explains the beat activation: which of 60, 90 and 120 BPM the pulse is.

A beat lasts a sixteenth of its period and has probability p of being heard; every other moment shares 1 - p (the
observation model of Böck, Krebs and Widmer, ISMIR 2014, without its state space). Windows of 8 s choose their own
phase and a tempo close by, so a drummer who drifts is no worse than a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.onsets import Array, Curve

_BINS, _WIDTH = 48, 3
"""Phases of a beat that are told apart, and how many of them a beat lasts."""
_BLOCK_S, _BLOCKS = 2.0, 4
"""A window is four blocks long and starts at each of them."""
_STEP = 1.01


@dataclass(frozen=True, eq=False, slots=True)
class Likelihoods:
    """Mean log likelihood per frame of a regular beat, `[windows, tempi]`; 0 is that of no beat at all."""

    tempi: Array
    """BPM, 1 % apart."""
    values: Array

    def near(self, bpm: float, width: float = 0.03) -> float:
        """Mean over the song, each window at its best tempo within `width` (relative)."""
        return float(self.best(bpm, width).mean())

    def best(self, bpm: float, width: float) -> Array:
        """Of each window, at its best tempo within `width` of `bpm`."""
        inside = np.abs(np.log(self.tempi / bpm)) < max(width, 0.0051)
        return np.asarray(self.values[:, inside].max(axis=1)) if inside.any() else np.full(len(self.values), -9.0)


def likelihoods(activation: Curve, slowest_bpm: float, fastest_bpm: float) -> Likelihoods:
    """Of all tempi in the range, over the song."""
    tempi = slowest_bpm * _STEP ** np.arange(np.ceil(np.log(fastest_bpm / slowest_bpm) / np.log(_STEP)))
    gain = _gain(activation.values)
    block = round(_BLOCK_S * activation.rate)
    blocks = max(1, len(gain) // block)
    gain = gain[: blocks * block]
    index = np.arange(len(gain))
    base = np.minimum(index // block, blocks - 1) * _BINS
    length = min(_BLOCKS, blocks)
    values = np.empty((blocks - length + 1, len(tempi)))
    for column, bpm in enumerate(tempi):
        phase = (index * (bpm / 60 / activation.rate) % 1 * _BINS).astype(int)
        values[:, column] = _best(gain, base + phase, blocks, length)
    return Likelihoods(tempi, values)


def _gain(probability: Array) -> Array:
    """Log odds of a beat here against none, the price that an even spread would pay taken off."""
    p = np.clip(probability, 0.005, 0.995)
    return np.asarray(np.log(p) - np.log((1 - p) / (_BINS / _WIDTH - 1)))


def _best(gain: Array, cell: NDArray[np.integer], blocks: int, length: int) -> Array:
    """Mean gain on the beats of the best phase of each run of `length` blocks, a beat being a sixteenth of all frames.

    As a mean, not a sum: of tempi whose period is a whole number of frames, more frames fall into a beat.
    """
    total, count = (
        _wide(np.bincount(cell, each, blocks * _BINS).astype(np.float64).reshape(blocks, _BINS), length)
        for each in (gain, np.ones(len(gain)))
    )
    mean = np.divide(total, count, out=np.full_like(total, -9.0), where=count > 0)
    return np.asarray(mean.max(axis=1) * _WIDTH / _BINS)


def _wide(folded: Array, length: int) -> Array:
    """Sums over the width of a beat and `length` blocks."""
    around = np.concatenate([folded, folded[:, : _WIDTH - 1]], axis=1)
    wide = np.sum([around[:, shift : shift + _BINS] for shift in range(_WIDTH)], axis=0)
    total = np.concatenate([np.zeros((1, _BINS)), np.cumsum(wide, axis=0)])
    return np.asarray(total[length:] - total[:-length])


def path(found: Likelihoods, bpm: float, width: float) -> tuple[Array, Array, Array]:
    """Middles of the windows in seconds, the tempo of each within `width` (relative) of `bpm`, its likelihood.

    The likeliest way through the song on which the tempo seldom moves (Viterbi). Of a `bpm` beyond all tempi that were
    tried, the one next to it is kept.
    """
    off = np.abs(np.log(found.tempi / bpm))
    inside = np.flatnonzero(off < max(width, 1.001 * off.min()))
    heights = found.values[:, inside] * 60
    away = np.abs(inside[:, None] - inside)
    price = np.minimum(0.6 * away, 6.0)
    best = heights[0]
    back: list[Sequence[int]] = []
    for height in heights[1:]:
        reached = best[:, None] - price
        back.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + height
    at = [int(best.argmax())]
    for step in reversed(back):
        at.append(int(step[at[-1]]))
    middles = np.asarray((np.arange(len(at)) + _BLOCKS / 2) * _BLOCK_S, dtype=np.float64)
    way = np.array(at[::-1])
    return middles, np.asarray(found.tempi[inside][way]), np.asarray(heights[np.arange(len(way)), way] / 60)
