"""Tell songs that keep one tempo from those that do not."""

from __future__ import annotations

import numpy as np

from stemwright.measure import grid
from stemwright.measure.family import Likelihoods, on_one_grid, path
from stemwright.measure.onsets import Curve

_GAINED, _LOST, _ALIKE = 0.065, 0.1, 0.4
"""Log likelihoods per frame and a correlation: the middle between songs of both kinds."""
_CLEARLY_GAINED, _RATHER_ALIKE = 0.13, 0.55
_HARDLY_GAINED, _UNLIKE = 0.03, 0.2
"""Likewise: one of them speaks more clearly, the other less."""


def varies(onsets: Curve, pulse: Curve, likely: Likelihoods, bpm: float) -> bool:
    """Whether another tempo explains a stretch of 16 s, or windows of their own phase the whole song, far better.

    The onsets of some part of the song must be out of place, too: syncopation moves the pulse.
    """
    _, _, heights = path(likely, bpm, 0.35)
    gained = np.convolve(heights - likely.best(bpm, 0.012), np.full(4, 0.25), mode="same").max()
    lost = likely.near(bpm, 0.1) - on_one_grid(pulse, bpm)
    alike = grid.likeness(onsets, bpm).min()
    return bool(
        (gained > _CLEARLY_GAINED and alike < _RATHER_ALIKE)
        or ((gained > _GAINED or lost > _LOST) and alike < _ALIKE)
        or (gained > _HARDLY_GAINED and alike < _UNLIKE)
    )
