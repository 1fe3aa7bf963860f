"""Drifts that no correlation shows: those of low or few notes in a short song, whose lag hardly changes.

A sound that drifts by little is the sound and its derivative, the latter growing with time. Both are fitted to what
the other stems leave of the mix (Gauss and Newton), first in smoothed sounds, in which a longer way counts as little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.align import Place, Starts, Windows, moved, reach

SMOOTHED = (128, 128, 32, 32, 8, 8, 1)
"""Frames over which the sounds are smoothed, step by step."""
MOST_PPM = 3000.0
"""More is another speed."""


def leaning(first: Windows, second: Windows, starts: Starts, where: Place) -> Place | None:
    """The drift near a place with which `second` holds `first`; None when the steps lead nowhere."""
    edge = reach(first.shape[-1])
    inner = slice(edge, -edge)
    times = (starts[:, None] + np.arange(first.shape[-1]))[:, None, inner].astype(np.float32)
    centre = float(times.mean())
    for width in SMOOTHED:
        sound = _smooth(moved(first, where, starts), width)
        slope = np.gradient(sound, axis=-1)[..., inner]
        parts = (sound[..., inner], slope, slope * (times - centre))
        matrix = np.array([[np.vdot(one, other) for other in parts] for one in parts], float)
        wanted = np.array([np.vdot(one, _smooth(second, width)[..., inner]) for one in parts], float)
        if np.linalg.cond(matrix) > 1e24:
            return None
        gain, steady, growing = np.linalg.solve(matrix, wanted)
        ppm = where.drift_ppm - 1e6 * growing / (gain or 1.0)
        if not gain or abs(ppm) > MOST_PPM:
            return None
        lag = where.lag + where.drift_ppm * 1e-6 * centre - steady / gain
        if abs(lag) > edge:
            return None
        where = Place(float(lag - ppm * 1e-6 * centre), float(ppm))
    return where


def _smooth(sound: Windows, frames: int) -> Windows:
    """Moving average over that many frames."""
    if frames == 1:
        return sound
    total: NDArray[np.float64] = np.cumsum(sound, axis=-1, dtype=np.float64)
    made = np.zeros_like(sound)
    made[..., frames // 2 : -(frames // 2)] = (total[..., frames:] - total[..., :-frames]) / frames
    return made
