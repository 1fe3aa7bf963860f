"""The windows of samples that the pass over a file keeps for the detectors, so that nobody reads the file twice.

Their number does not grow with the length of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUIET_FRAMES = 1024
QUIET_LSB = 24
"""A window is quiet when its largest magnitude is 1 to this many last bits of the word length (as known so far)."""
MOST_QUIET = 256
"""Quiet windows kept per channel: the first half of this number and the last half."""
LOUD_FRAMES = 4096
PARTS = 64
"""The file is cut into this many equal parts; each gives its window of most energy."""
MOST_SUSPECTS = 32


@dataclass(frozen=True, slots=True)
class Windows:
    """What was kept of one file. Integers are in steps of 2^-23 (24-bit values), floats of full scale 1.0."""

    sample_rate: int
    frames: int
    quiet: tuple[NDArray[np.int32], ...]
    """Per channel `[n, 1024]`, in the order of the file; empty for files off the 24-bit grid."""
    quiet_count: tuple[int, ...]
    """Per channel: quiet windows in the whole file, of which `quiet` may be a part."""
    zero_count: tuple[int, ...]
    """Per channel: windows of 1024 exact zeros."""
    loud: NDArray[np.float32]
    """`[n, channels, 4096]`, in the order of the file; silent parts give none."""
    loud_at: NDArray[np.int64]
    """`[n]`: the first frame of each."""
    suspects: NDArray[np.float32]
    """`[n, channels, 1024]`: windows around the 64-frame blocks whose second difference stands out most from
    that of the blocks beside them: where a click or a splice would be."""
    suspects_at: NDArray[np.int64]
    """`[n]`: the first frame of each; a window may begin before frame 0 and is zero there."""
    hops_dbfs: NDArray[np.float32]
    """RMS of all channels in every 100 ms, without weighting; -inf in silence. (The one thing that grows: 40 bytes
    a second.)"""


def energies(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum of the squares of each channel of each window: `[n, channels]` of `[n, channels, frames]`."""
    return np.asarray(np.einsum("ncf,ncf->nc", windows, windows, dtype=np.float64))
