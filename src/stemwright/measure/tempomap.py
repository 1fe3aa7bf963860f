"""Beats of a song that changes its tempo, and the fewest tempo changes that keep a grid on them.

The pulse is followed by dynamic programming (Ellis, "Beat tracking by dynamic programming", 2007) on one metrical
level, each beat is moved to its onset, and bars are joined until a grid would leave the beats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stemwright.measure.grid import ONSET_LEAD_S
from stemwright.measure.onsets import Array, Curve, moving_max

_RATE = 100
_STIFF = 800.0
"""Price of a beat whose period is off by a factor of e; 10 % cost 7, twice what a beat is worth."""
_PARTS = 96
"""Of a beat, at which a curve is read."""
_NEAR_S = 0.035
"""A beat may move so far to its onset."""
TOLERANCE_S = 0.012
"""The median of five beats stays this close to the grid of a map,"""
_NOISE = 1.6
"""or so many standard deviations of loose playing."""


@dataclass(frozen=True, eq=False, slots=True)
class Map:
    """A grid of piecewise constant tempo: beat `knots[i]` falls on `times[i]` seconds."""

    knots: Array
    times: Array
    residuals_s: Array
    """How far each beat that was heard is from the grid."""

    @property
    def tempi(self) -> Array:
        """BPM from each knot to the next."""
        return np.asarray(60 * np.diff(self.knots) / np.diff(self.times))

    def time_of(self, beat: float) -> float:
        """Seconds; the first and the last tempo go on beyond the ends."""
        at = int(np.clip(np.searchsorted(self.knots, beat, side="right") - 1, 0, len(self.tempi) - 1))
        return float(self.times[at] + (beat - self.knots[at]) * 60 / self.tempi[at])

    def from_beat(self, beat: int) -> tuple[float, list[tuple[int, float]]]:
        """The tempo at that beat, and the later tempi by the number of beats after it."""
        tempi = self.tempi
        at = int(np.clip(np.searchsorted(self.knots, beat, side="right") - 1, 0, len(tempi) - 1))
        later = range(at + 1, len(tempi))
        return float(tempi[at]), [(round(self.knots[i] - beat), float(tempi[i])) for i in later]


def follow(beat: Curve, onsets: Curve, tempi: Array, at_s: Array) -> Array:
    """Times of the beats; the tempo near `at_s[i]` seconds is about `tempi[i]` BPM."""
    seconds = len(beat.values) / beat.rate
    time = np.arange(int(seconds * _RATE)) / _RATE
    heard = np.interp(time, np.arange(len(beat.values)) / beat.rate, moving_max(beat.values, 3))
    played = np.interp(time, np.arange(len(onsets.values)) / onsets.rate, moving_max(onsets.values, 5))
    gain = np.log(heard + 0.02) - np.log(0.15) + 0.2 * np.minimum(played, 4)
    period = 60 * _RATE / np.interp(time, at_s, tempi)
    shortest, longest = np.round(0.8 * period).astype(int), np.round(1.25 * period).astype(int)
    lags = np.arange(int(longest.max()) + 1)
    score, before = gain.copy(), np.full(len(time), -1)
    logs = np.log(np.maximum(lags, 1))
    centre = np.log(period)
    for now in range(int(shortest.min()), len(time)):
        low, high = shortest[now], min(longest[now], now)
        if high < low:
            continue
        price = _STIFF * (logs[low : high + 1] - centre[now]) ** 2
        reached = score[now - high : now - low + 1][::-1] - price
        top = int(reached.argmax())
        if reached[top] > 0:
            score[now] += reached[top]
            before[now] = now - low - top
    tail = max(0, len(time) - int(period[-1]))
    at = tail + int(score[tail:].argmax())
    found = []
    while at >= 0:
        found.append(at)
        at = int(before[at])
    return on_onsets(np.array(found[::-1]) / _RATE, onsets)


def on_onsets(beats_s: Array, onsets: Curve) -> Array:
    """Each beat on the peak of its onset, or where it was."""
    reach = int(_NEAR_S * onsets.rate)
    made = beats_s.copy()
    for number, beat in enumerate(beats_s):
        start = max(1, round(beat * onsets.rate) - reach)
        window = onsets.values[start : start + 2 * reach + 1]
        if len(window) < 3 or window.max() < 0.6:
            continue
        top = start + int(window.argmax())
        left, peak, right = onsets.values[top - 1 : top + 2] if top + 1 < len(onsets.values) else (0.0, 1.0, 0.0)
        bend = left - 2 * peak + right
        made[number] = (top + (0.5 * (left - right) / bend if bend < 0 else 0.0)) / onsets.rate + ONSET_LEAD_S
    return made[np.diff(made, prepend=-1.0) > _NEAR_S]


def evened(curve: Curve, beats_s: Array) -> tuple[Curve, float]:
    """The curve as it would be, had these beats kept one tempo; that tempo in BPM."""
    bpm = 60 / float(np.median(np.diff(beats_s)))
    beats = np.arange((len(beats_s) - 1) * _PARTS) / _PARTS
    at = np.interp(beats, np.arange(len(beats_s)), beats_s) * curve.rate
    return Curve(np.interp(at, np.arange(len(curve.values)), curve.values), _PARTS * bpm / 60), bpm


def fewest_knots(beats_s: Array, bar: int, first: int) -> Map:
    """A map with knots at both ends and between on downbeats only: `first`, then every `bar` beats."""
    count = len(beats_s)
    knots = np.unique([0, *range(first + bar, count - 2 * bar, bar), count - 1]).astype(float)
    made = _fitted(beats_s, knots)
    tolerance = max(TOLERANCE_S, _NOISE * 1.4826 * float(np.median(np.abs(made.residuals_s))))
    allowed = np.maximum(tolerance, np.abs(_median_of_5(made.residuals_s)) + tolerance / 4)
    needed: set[float] = set()
    while inner := [knot for knot in made.knots[1:-1] if knot not in needed]:
        bends = np.abs(np.diff(np.diff(made.times) / np.diff(made.knots)))
        spans = np.minimum(np.diff(made.knots)[:-1], np.diff(made.knots)[1:])
        price = dict(zip(made.knots[1:-1], bends * spans, strict=True))
        least = min(inner, key=lambda knot: price[knot])
        tried = _fitted(beats_s, made.knots[made.knots != least])
        if (np.abs(_median_of_5(tried.residuals_s)) > allowed).any():
            needed.add(least)
        else:
            made = tried
    return made


def _median_of_5(values: Array) -> Array:
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(np.pad(values, 2, mode="reflect"), 5), axis=1))


def _fitted(beats_s: Array, knots: Array) -> Map:
    """Least squares of a broken line through the beats; beats off it lose weight (Cauchy)."""
    number = np.arange(len(beats_s), dtype=float)
    left = np.clip(np.searchsorted(knots, number, side="right") - 1, 0, len(knots) - 2)
    share = (number - knots[left]) / (knots[left + 1] - knots[left])
    hats = np.zeros((len(beats_s), len(knots)))
    hats[np.arange(len(left)), left] = 1 - share
    hats[np.arange(len(left)), left + 1] = share
    weights = np.ones(len(beats_s))
    times, off = np.zeros(len(knots)), beats_s
    for _ in range(4):
        weighted = hats.T * weights
        times = np.asarray(np.linalg.solve(weighted @ hats + 1e-9 * np.eye(len(knots)), weighted @ beats_s))
        off = np.asarray(beats_s - hats @ times)
        spread = max(1.4826 * float(np.median(np.abs(off))), 0.004)
        weights = 1 / (1 + (off / (2 * spread)) ** 2)
    return Map(knots, times, off)
