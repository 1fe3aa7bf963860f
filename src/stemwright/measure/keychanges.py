"""Changes of key that last: another key signature, heard surely before and after.

The model of keys listens to overlapping stretches, and Viterbi's algorithm joins them where a change has its price.
Few false alarms matter more than every change: a marker that is wrong is worse than none.
"""

from __future__ import annotations

import numpy as np

from stemwright.measure.keymodel import features, log_chances, profile, shares
from stemwright.measure.onsets import Array
from stemwright.measure.pitchclasses import PitchClasses

_WINDOW_S, _STEP_S, _SHORTEST_S = 16, 4, 20
"""Of the stretches, from one to the next, and of the shortest part in one key."""
_FEWEST = 3
"""Spectra in a stretch that tell anything."""
_PRICE, _MARGIN = 8.0, 3.0
"""Log probabilities: of a change, and by which each side must prefer its own signature."""


def key_changes(classes: PitchClasses, sample_rate: int) -> list[tuple[int, int]]:
    """Frame and number in `KEYS` of the changes to another key signature that last, sure on both sides.

    Relative keys share too much to be told apart in stretches; the mode stays unless the whole part is of another.
    """
    window, step, shortest = (seconds * sample_rate for seconds in (_WINDOW_S, _STEP_S, _SHORTEST_S))
    first, last = classes.frame[0], classes.frame[-1]
    stretches = [classes.between(at, at + window) for at in np.arange(first, last - window, step)]
    sounding = [stretch for stretch in stretches if len(stretch.frame) > _FEWEST]
    if last - first < 2 * shortest or not sounding:
        return []
    told = np.array([_signatures(log_chances(features(part))) for part in sounding])
    path = _likeliest(told * _STEP_S / _WINDOW_S)
    turns = [number for number in range(1, len(path)) if path[number] != path[number - 1]]
    at = [int(np.mean([sounding[turn].frame[0], sounding[turn - 1].frame[-1]])) for turn in turns]
    edges = [int(first), *at, int(last)]
    found: list[tuple[int, int]] = []
    begin, here = edges[0], path[0]
    minor = bool(log_chances(features(classes.between(begin, edges[1] + 1))).argmax() >= 12)
    for turn, middle, end in zip(turns, edges[1:], edges[2:], strict=False):
        before, after, there = classes.between(begin, middle), classes.between(middle, end), path[turn]
        short = min(middle - begin, end - middle) < shortest or min(len(before.frame), len(after.frame)) < _FEWEST
        if here == there or short:
            continue
        old, new = (_signatures(log_chances(features(part))) for part in (before, after))
        if min(old[here] - old[there], new[there] - new[here]) > _MARGIN:
            modes = log_chances(features(after))[[there, 12 + (there + 9) % 12]]
            minor = bool(modes[1] + _MARGIN * (1 if minor else -1) > modes[0])
            begin, here = _boundary(classes, before, after), there
            found.append((begin, 12 + (there + 9) % 12 if minor else there))
    return found


def _signatures(told: Array) -> Array:
    """Log probabilities of the 12 pairs of a major key and its relative minor, by the major tonic."""
    return np.asarray(np.logaddexp(told[:12], np.roll(told[12:], 3)))


def _likeliest(told: Array) -> list[int]:
    """The signature of every stretch, where a change costs `_PRICE` (Viterbi)."""
    best, back = told[0], []
    for row in told[1:]:
        source = np.where(best > best.max() - _PRICE, np.arange(len(best)), best.argmax())
        best = np.maximum(best, best.max() - _PRICE) + row
        back.append(source)
    path = [int(best.argmax())]
    for source in reversed(back):
        path.append(int(source[path[-1]]))
    return path[::-1]


def _boundary(classes: PitchClasses, before: PitchClasses, after: PitchClasses) -> int:
    """The frame up to which the music is more like the one side and from which on more like the other."""
    near = classes.between(before.frame[-1] - np.ptp(before.frame) / 2, after.frame[0] + np.ptp(after.frame) / 2)
    gain = shares(near.full) @ (profile(before.full) - profile(after.full))
    return int(near.frame[np.cumsum(gain).argmax()])
