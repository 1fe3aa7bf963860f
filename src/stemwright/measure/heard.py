"""What is heard of a song: the curves from which tempo, beats and bars are read."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stemwright.measure.activations import activations
from stemwright.measure.harmony import Harmony, harmony
from stemwright.measure.onsets import Curve, Floats, Onsets, levelled, onset_strength
from stemwright.model import Progress

Pulse = tuple[Curve, Curve]
"""Probability of a beat that is no downbeat, and of a downbeat."""
Hearing = Callable[[Floats], Generator[Progress, None, Pulse]]
"""What hears the pulse of mono audio at 22.05 kHz in place of the networks of `activations.py`."""


@dataclass(frozen=True, eq=False)
class Heard:
    """Curves over the whole song."""

    sample_rate: int
    """Of the audio, in Hz."""
    seconds: float
    entry_s: float
    """When the music sets in."""
    struck: Onsets
    beat: Curve
    """Probability of a beat that is no downbeat."""
    downbeat: Curve
    harmony: Harmony

    @cached_property
    def pulse(self) -> Curve:
        """Probability of any beat."""
        return Curve(self.beat.values + self.downbeat.values, self.beat.rate)

    @property
    def onsets(self) -> Curve:
        """Onset strength of the whole."""
        return self.struck.whole

    def with_onsets(self, struck: Onsets) -> Heard:
        """The same song with its onsets read from elsewhere."""
        return replace(self, struck=struck)


def listen(mono: Floats, sample_rate: int, pulse: Pulse | None = None) -> Heard | None:
    """Of mono audio `[frames]` at 22.05 kHz or more, with the `pulse` if that was heard elsewhere; None for silence."""
    audio = levelled(mono)
    if audio is None:
        return None
    level = np.abs(audio)
    entry_s = int(np.argmax(level > 0.02 * level.max())) / sample_rate
    struck = onset_strength(audio, sample_rate)
    beat, downbeat = pulse or activations(audio, sample_rate)
    return Heard(sample_rate, len(audio) / sample_rate, entry_s, struck, beat, downbeat, harmony(audio, sample_rate))
