"""Where bars start and how many beats they have, from what changes at each beat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stemwright.measure.heard import Heard
from stemwright.measure.onsets import Array, moving_max

METRES = (4, 3, 5, 7)
_PRICE = {4: 0.0, 3: 0.05, 5: 0.08, 7: 0.1}
"""How much more of the variance of the beats another metre than 4/4 must explain."""
_ENTRY = 0.3
"""What the beat on which the music sets in is worth, in standard deviations."""
_LEAST_BEATS = 12
_LEAST_THIRDS = 1.5
"""From which a beat is a dotted quarter: songs in 6/8 and 12/8 reach 2.5, shuffle and swing 0.6 (`thirds`)."""


@dataclass(frozen=True, slots=True)
class Bars:
    """The metre in beats, and which of the first beats starts a bar."""

    beats: int
    first: int
    confidence: float
    """0 to 1: how far this metre is ahead of the next one."""
    compound: bool = False
    """Whether each beat is a dotted quarter."""


def accents(heard: Heard, beats_s: Array) -> Array:
    """One score for each of `beats_s`: does a bar start here? The sum of three z-scores.

    What the networks say of a downbeat against a beat, the change of harmony and that of the bass. Equal weights did
    no worse than fitted ones.
    """
    if len(beats_s) < _LEAST_BEATS:
        return np.zeros(len(beats_s))
    scores = np.column_stack([downbeats(heard, beats_s), heard.harmony.changes(beats_s)])
    return np.asarray(((scores - scores.mean(axis=0)) / (scores.std(axis=0) + 1e-9)).sum(axis=1))


def downbeats(heard: Heard, beats_s: Array) -> Array:
    """What the networks say for a downbeat against a beat there: log odds."""
    at = np.clip(np.round(beats_s * heard.beat.rate).astype(int), 0, len(heard.beat.values) - 1)
    downbeat, beat = (np.log(moving_max(curve.values, 3)[at] + 0.02) for curve in (heard.downbeat, heard.beat))
    return np.asarray(downbeat - beat)


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


def bars_of(heard: Heard, beats_s: Array, *, compound: bool | None = None) -> Bars:
    """Of a song with these beats; whether they are dotted quarters is heard unless it is told.

    12/8 cannot be told from 6/8, whose bar lines fit both.
    """
    found = find_bars(accents(heard, beats_s), nearest_beat(beats_s, heard.entry_s))
    if compound is None:
        compound = thirds(heard, beats_s) > _LEAST_THIRDS
    return replace(found, confidence=1.0, compound=True) if compound else found


def thirds(heard: Heard, beats_s: Array) -> float:
    """How much stronger the onsets are on both thirds of the beats than on their halves and quarters."""
    between = beats_s[:-1] + np.array([[0], [1 / 4], [1 / 3], [1 / 2], [2 / 3], [3 / 4]]) * np.diff(beats_s)
    on, first, third, half, two, last = heard.onsets.about(between).mean(axis=1)
    return float(min(third, two) / (half + (first + last) / 2 + 0.1 * on + 1e-9))


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
