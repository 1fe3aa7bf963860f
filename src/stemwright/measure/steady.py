"""Tell songs that keep one tempo from those that do not."""

from __future__ import annotations

import numpy as np

from stemwright.measure import grid
from stemwright.measure.family import Likelihoods, on_one_grid, path
from stemwright.measure.onsets import Curve

_GAINED, _LOST, _ALIKE = 0.065, 0.1, 0.4
"""Log likelihoods per frame and a correlation: the middle between songs of both kinds."""


def varies(onsets: Curve, pulse: Curve, likely: Likelihoods, bpm: float) -> bool:
    """Whether another tempo explains a stretch of 16 s, or windows of their own phase the whole song, far better.

    The latter only where the onsets of some part of the song are out of place, too: syncopation moves the pulse.
    """
    _, _, heights = path(likely, bpm, 0.35)
    gained = np.convolve(heights - likely.best(bpm, 0.012), np.full(4, 0.25), mode="same")
    lost = likely.near(bpm, 0.1) - on_one_grid(pulse, bpm)
    return bool(gained.max() > _GAINED or (lost > _LOST and grid.likeness(onsets, bpm).min() < _ALIKE))
