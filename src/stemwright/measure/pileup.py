"""Clipping that was filtered or resampled afterwards: no flat tops are left, but a ridge in the histogram is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BINS = 100
_FEWEST = 4000


def spike_of(loud: NDArray[np.float32]) -> float:
    """How far the amplitude histogram stands up at its loud end, as a ratio to the bins below; 0 when unknown.

    Sound grows rarer with its amplitude; where it was clipped the histogram of magnitudes has a ridge at that level
    (after Laguna and Lerch, AES 141, 2016). Of `[n, channels, frames]`, the channel with the higher ridge counts.
    """
    return max((_spike(np.abs(loud[:, channel]).ravel()) for channel in range(loud.shape[1])), default=0.0)


def _spike(sizes: NDArray[np.float32]) -> float:
    peak = float(sizes.max(initial=0))
    if peak == 0 or len(sizes) < _FEWEST:
        return 0.0
    counts = np.bincount((sizes * (0.999 * _BINS / peak)).astype(np.int32), minlength=_BINS).astype(np.float64)
    ridges = np.convolve(counts, np.ones(3), "valid")[_BINS // 2 :]
    below = np.convolve(counts, np.ones(8), "valid")[_BINS // 2 - 9 :][: len(ridges)] * 3 / 8
    return round(float((ridges / (below + 20)).max()), 2)
