"""Word length: samples that stand on a coarser grid than their file's, and how floats were cut to integers."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.windows import QUIET_FRAMES
from stemwright.units import FULL_SCALE_24

_RANGE = 1 << 16
"""Samples below this (-42 dBFS) are looked at: there each code is met often, and a loud file has enough of them."""
_COARSEST, _FINEST = 2048, 8
"""Grids looked for, in 24-bit steps: 13 to 21 bits."""
_FEWEST, _FEWEST_CODES = 4000, 100
"""Samples, by their weights, and different codes."""
_SUSPECT = 0.3
"""Combs this high are looked at once more."""
_FEW, _NEARLY_ALL = 5, 0.99
"""A wave of which so many different steps between neighbours make up that share is a ramp."""
_FAR = 32
"""Steps; neighbours further apart tell of the step's own inaccuracy."""


def grid_of(loud: NDArray[np.float32]) -> tuple[float | None, float]:
    """How clearly (0..1) the samples `[n, channels, frames]` stand on a grid, and the word length that it stands for.

    A 16-bit source after a gain change is a comb of codes under the rounding to 24 bits. The characteristic function
    of such samples stands near 1 at the comb's frequency and its multiples (Widrow's quantisation theorem); without
    a grid it is about 1 / √n. (None, 0) where there is too little to look at, or only a generated wave.
    """
    found = [comb for channel in range(loud.shape[1]) if (comb := _comb(loud[:, channel]))]
    if not found:
        return None, 0.0
    height, step = max(found)
    return round(height, 3), round(24 - float(np.log2(step)), 2)


def _comb(samples: NDArray[np.float32]) -> tuple[float, float] | None:
    """The height of the comb and its step."""
    sizes, taper = np.abs(samples), _taper()
    codes = sizes[sizes < _RANGE / FULL_SCALE_24]
    codes *= np.float32(FULL_SCALE_24)
    np.rint(codes, out=codes)
    density = np.bincount(codes.astype(np.intp), minlength=_RANGE)[:_RANGE] * taper
    # Kish's effective size: noise weighs next to nothing, and what is left, a short tone of a slate, is no sample.
    if density.sum() ** 2 < _FEWEST * (density * taper).sum() or np.count_nonzero(density) < _FEWEST_CODES:
        return None
    size = 2 * _RANGE
    waves = np.fft.rfft(density, size)
    squares = waves.real**2 + waves.imag**2  # of heights: a root of each would take as long as the transform
    first, end = size // _COARSEST, size // _FINEST
    comb = np.minimum.reduce([_nearby(squares, first, end, harmonic) for harmonic in (1, 2, 3, 4)])
    top = float(np.sqrt(comb.max()) / density.sum())
    place = first + int(np.argmax(comb > 0.7**2 * comb.max()))
    if top <= _SUSPECT:
        return top, size / place
    finer = 4 * (place - 1) + int(np.argmax(squares[4 * (place - 1) : 4 * (place + 1) + 1]))
    step = size / place
    held = _neighbours(samples, 4 * size / finer)
    return None if held is None else (top if held > _SUSPECT else held, step)


def _neighbours(samples: NDArray[np.float32], step: float) -> float | None:
    """How clearly (0..1) neighbours differ by whole steps; None for a wave that hardly takes different ones.

    An exact tone crosses zero in equal steps, but not its neighbours; a ramp does nothing else.
    """
    low = np.abs(samples) < _RANGE / FULL_SCALE_24
    steps = np.diff(samples, axis=-1)[low[..., 1:] & low[..., :-1]].astype(np.float64) * (FULL_SCALE_24 / step)
    counts = np.sort(np.unique(np.rint(steps), return_counts=True)[1])
    steps = steps[np.abs(steps) < _FAR]
    if not len(steps) or counts[-_FEW:].sum() > _NEARLY_ALL * counts.sum():
        return None
    return float(np.abs(np.exp(2j * np.pi * steps).mean()))


def _nearby(squares: NDArray[np.float64], first: int, end: int, harmonic: int) -> NDArray[np.float64]:
    """The largest near that multiple of each place: it is off by a multiple of the rounding."""
    around = [
        squares[harmonic * first + off : harmonic * (end - 1) + off + 1 : harmonic]
        for off in range(-harmonic, harmonic + 1)
    ]
    best: NDArray[np.float64] = np.maximum.reduce(around)
    return best


@cache
def _taper() -> NDArray[np.float64]:
    """Weights of the codes that leave nothing of the smooth shape of their density where combs are looked for."""
    return np.hanning(_RANGE)


def rounding_of(quiet: tuple[NDArray[np.int32], ...], used_bits: int) -> Literal["", "toward zero", "floor"]:
    """How floats were cut to integers, from quiet windows `[n, 1024]` in 24-bit steps; "" when rightly or unknown.

    Cut toward zero, everything between -1 and 1 becomes 0: twice as many zeros as ones. Cut downwards, every pause
    stands half a bit too low.
    """
    samples = np.concatenate((*quiet, np.zeros((0, QUIET_FRAMES), np.int32))) >> (24 - used_bits)
    wide = samples[np.abs(samples).max(axis=1, initial=0) >= 5]
    if len(wide) < 4:
        return ""
    zeros, ones, twos, threes = (int((np.abs(wide) == size).sum()) for size in range(4))
    if threes > 1000 and zeros > 0.9 * ones and abs(ones - twos) < 0.1 * twos and abs(twos - threes) < 0.1 * threes:
        return "toward zero"
    means = wide.mean(axis=1)
    error = float(means.std()) / np.sqrt(len(means))
    return "floor" if error < 0.05 and abs(float(means.mean()) + 0.5) < 0.1 else ""
