"""Where bars start and how many beats they have, from what changes at each beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stemwright.measure.onsets import Array, Curve, Floats, harmonic_change, moving_max

METRES = (4, 3, 5, 7)
_PRICE = {4: 0.0, 3: 0.05, 5: 0.08, 7: 0.1}
"""How much more of the variance of the beats another metre than 4/4 must explain."""
_ENTRY = 0.3
"""What the beat on which the music sets in is worth, in standard deviations."""
_LEAST_BEATS = 12


@dataclass(frozen=True, slots=True)
class Bars:
    """The metre in beats, and which of the first beats starts a bar."""

    beats: int
    first: int
    confidence: float
    """0 to 1: how far this metre is ahead of the next one."""


def accents(audio: Floats, sample_rate: int, beats_s: Array, beat: Curve, downbeat: Curve) -> Array:
    """One score for each of `beats_s`: does a bar start here? The sum of three z-scores.

    What the networks say of a downbeat against a beat, the change of harmony and that of the bass. Equal weights did
    no worse than fitted ones.
    """
    if len(beats_s) < _LEAST_BEATS:
        return np.zeros(len(beats_s))
    at = np.clip(np.round(beats_s * beat.rate).astype(int), 0, len(beat.values) - 1)
    heard = np.log(moving_max(downbeat.values, 3)[at] + 0.02) - np.log(moving_max(beat.values, 3)[at] + 0.02)
    heard = (heard - heard.mean()) / (heard.std() + 1e-9)
    return np.asarray(heard + harmonic_change(audio, sample_rate, beats_s))


def find_bars(scores: Array, entry: int | None = None) -> Bars:
    """The metre and the first bar that explain most of the scores, 4/4 in doubt; music tends to set in on one.

    `entry` is the beat on which it does, if on any.
    """
    if len(scores) < _LEAST_BEATS or not scores.any():
        return Bars(4, (entry or 0) % 4, 0.0)
    values = (scores - scores.mean()) / (scores.std() + 1e-9)
    best: dict[int, tuple[float, int]] = {}
    for beats in METRES:
        means = np.array([values[first::beats].mean() for first in range(beats)])
        if entry is not None:
            means[entry % beats] += _ENTRY
        first = int(means.argmax())
        best[beats] = max(float(means[first]), 0.0) ** 2 / (beats - 1) - _PRICE[beats], first
    ranked = sorted(METRES, key=lambda beats: -best[beats][0])
    ahead = best[ranked[0]][0] - best[ranked[1]][0]
    return Bars(ranked[0], best[ranked[0]][1], round(float(np.clip((ahead - 0.05) / 0.2, 0, 1)), 3))


def entry_of(audio: Floats, sample_rate: int) -> float:
    """When the music sets in, in seconds."""
    level = np.abs(audio)
    return int(np.argmax(level > 0.02 * level.max())) / sample_rate


def nearest_beat(beats_s: Array, at_s: float) -> int | None:
    """The number of the beat that stands there, give or take 15 % of a beat."""
    number = int(np.abs(beats_s - at_s).argmin())
    period = float(np.median(np.diff(beats_s))) if len(beats_s) > 1 else 0.5
    return number if abs(beats_s[number] - at_s) < 0.15 * period else None


def bar_one(beats_s: Array, bars: Bars, entry_s: float) -> int:
    """The number of the beat that starts the bar in which the music sets in; below 0 it lies before the first beat.

    A bar that begins more than a hair before the audio does is left to the next one.
    """
    period = float(beats_s[1] - beats_s[0]) if len(beats_s) > 1 else 0.5
    sounding = int(np.searchsorted(beats_s, entry_s + 0.15 * period, side="right")) - 1
    start = bars.first + (sounding - bars.first) // bars.beats * bars.beats
    if start < 0 and beats_s[0] + start * period < -0.05 * period:
        start += bars.beats
    return start if start < len(beats_s) else 0
