"""The key of a song, where it changes, and the tuning of its instruments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stemwright.measure.beats import beats
from stemwright.measure.keychanges import key_changes
from stemwright.measure.keymodel import KEYS, features, log_chances
from stemwright.measure.onsets import Floats
from stemwright.measure.pitchclasses import pitch_classes
from stemwright.model import Estimate, Marker, Song
from stemwright.units import spell_key

_NEAR = 4
"""Seconds within which a bar line is looked for."""


@dataclass(frozen=True, slots=True)
class Tonality:
    """What is known about the pitches of a song."""

    estimate: Estimate[str]
    """The key it begins in, with the two runners-up."""
    tuning_cents: float
    """Of the instruments against A4 = 440 Hz, -50 to 50."""
    changes: tuple[tuple[int, str], ...]
    """Frame and new key of changes that last."""


def estimate_key(mono: Floats, sample_rate: int) -> Tonality | None:
    """The key of mono audio `[frames]`, best at 22.05 kHz; None when nothing is tonal.

    The confidence is the model's probability times how long pitches last: noise and drums have pitches too, but
    other ones in each spectrum.
    """
    classes = pitch_classes(mono, sample_rate)
    tonality = float(np.clip((classes.persistence() - 0.2) / 0.3, 0, 1)) if classes else 0.0
    if classes is None or tonality == 0:
        return None
    changes = key_changes(classes, sample_rate)
    beginning = classes.between(0, changes[0][0]) if changes else classes
    chance = np.exp(log_chances(features(beginning)))
    first, *others = np.argsort(-chance)[:3]
    confidence = round(float(chance[first]) * tonality, 3)
    estimate = Estimate(KEYS[first], confidence, "measured", tuple(KEYS[other] for other in others))
    return Tonality(estimate, classes.tuning_cents, tuple((frame, KEYS[key]) for frame, key in changes))


def key_markers(song: Song, changes: Iterable[tuple[int, str]]) -> tuple[Marker, ...]:
    """`Key: F# minor` at changes (frame, key) of a song, in its frames; on the nearest bar line where it has bars."""
    rate = song.sample_rate
    markers = []
    for frame, key in changes:
        near = beats(song, Fraction(frame, rate) - _NEAR, Fraction(frame, rate) + _NEAR)
        lines = [beat.frame(rate) for beat in near if beat.number == 1]
        at = min(lines, key=lambda line: abs(line - frame), default=frame)
        markers.append(Marker(max(at, 0), f"Key: {spell_key(key)}"))
    return tuple(markers)
