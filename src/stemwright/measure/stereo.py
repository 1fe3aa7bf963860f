"""Left against right: one clear delay between the sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.windows import energies

_WINDOWS = 12
_LONGEST_S = 0.040
_LEAST = 0.5
"""Correlation below which no shift explains anything."""


def delay_of(loud: NDArray[np.float32], rate: int) -> tuple[int, float]:
    """Frames that right lies behind left (negative: before it), up to 40 ms, and the correlation at that shift.

    Generalised cross-correlation over the loudest windows `[n, 2, frames]`, the cross-spectrum divided by the square
    root of its magnitude (Knapp and Carter 1976, half way to the phase transform). (0, 0) unless the sides are more
    alike shifted than as they are.
    """
    loudest = np.argsort(-energies(loud).sum(axis=1))[:_WINDOWS]
    left, right = loud[loudest].astype(np.float64).transpose(1, 0, 2)
    frames = loud.shape[2]
    cross = (np.conj(np.fft.rfft(left, 2 * frames, axis=1)) * np.fft.rfft(right, 2 * frames, axis=1)).sum(axis=0)
    shifts = np.fft.irfft(cross / np.sqrt(np.abs(cross) + 1e-20))
    longest = min(round(_LONGEST_S * rate), frames * 3 // 4)
    near = np.concatenate((shifts[-longest:], shifts[: longest + 1]))
    delay = int(near.argmax()) - longest
    together = _correlation(left, right, delay)
    clear = delay and together > max(_LEAST, _correlation(left, right, 0) + 0.05)
    return (delay, round(together, 4)) if clear else (0, 0.0)


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64], delay: int) -> float:
    """Correlation of the sides where they overlap after the shift."""
    frames = left.shape[1]
    one, other = left[:, max(0, -delay) : frames - max(0, delay)], right[:, max(0, delay) : frames + min(0, delay)]
    power = float((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / np.sqrt(power)) if power else 0.0
