"""Clipping that was filtered or resampled afterwards: no flat tops are left, but a ridge in the histogram is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BINS = 100
_FEWEST = 4000
_PIECE = 4
"""Windows counted at once: what stays in the processor's cache."""


def spike_of(loud: NDArray[np.float32]) -> float:
    """How far the amplitude histogram stands up at its loud end, as a ratio to the bins below; 0 when unknown.

    Sound grows rarer with its amplitude; where it was clipped the histogram of magnitudes has a ridge at that level
    (after Laguna and Lerch, AES 141, 2016). Of `[n, channels, frames]`, the channel with the higher ridge counts.
    """
    return max((_spike(loud[:, channel]) for channel in range(loud.shape[1])), default=0.0)


def _spike(windows: NDArray[np.float32]) -> float:
    peak = max(float(windows.max(initial=0)), -float(windows.min(initial=0)))
    if peak == 0 or windows.size < _FEWEST:
        return 0.0
    counts = np.zeros(_BINS)
    for first in range(0, len(windows), _PIECE):
        sizes = np.abs(windows[first : first + _PIECE] * np.float32(0.999 * _BINS / peak)).ravel()
        counts += np.bincount(sizes.astype(np.intp), minlength=_BINS)
    ridges = np.convolve(counts, np.ones(3), "valid")[_BINS // 2 :]
    below = np.convolve(counts, np.ones(8), "valid")[_BINS // 2 - 9 :][: len(ridges)] * 3 / 8
    return round(float((ridges / (below + 20)).max()), 2)
