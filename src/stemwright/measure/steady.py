"""Tell songs that keep one tempo from those that do not."""

from __future__ import annotations

import numpy as np

from stemwright.measure import grid
from stemwright.measure.family import Likelihoods, path
from stemwright.measure.onsets import Curve

_GAINED, _ALIKE, _STEADY = 0.03, 0.55, 0.6
"""Log likelihood per frame and two correlations: the middle between songs of both kinds."""


def varies(onsets: Curve, likely: Likelihoods, bpm: float) -> bool:
    """Whether some part of the song has its onsets elsewhere, and another tempo explains 16 s better or no grid fits.

    Either alone is not enough: a part may be played otherwise, and syncopation moves the pulse.
    """
    _, _, heights = path(likely, bpm, 0.35)
    gained = np.convolve(heights - likely.best(bpm, 0.012), np.full(4, 0.25), mode="same").max()
    alike = grid.likeness(onsets, bpm).min()
    return bool(alike < _ALIKE and (gained > _GAINED or grid.steadiness(onsets, bpm) < _STEADY))
