"""How near separated stems come to the true ones: signal-to-distortion ratios in dB.

Arrays are `[channels, frames]`; levels are not adjusted, channels count together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block


def sdr(truth: Block, made: Block) -> float:
    """10 log10(|truth|^2 / |truth - made|^2) over the whole clip (Music Demixing Challenge 2021)."""
    wide = truth.astype(np.float64)
    return _db(_power(wide), _power(wide - made))


def si_sdr(truth: Block, made: Block) -> float:
    """The same for the truth at the level that fits best (Le Roux et al. 2019, SDR - half-baked or well done?)."""
    wide = truth.astype(np.float64)
    power = _power(wide)
    scaled = wide * (float((wide * made).sum()) / power if power else 0.0)
    return _db(_power(scaled), _power(scaled - made))


def windowed_sdr(truths: Block, made: Block, window: int) -> tuple[float, ...]:
    """Medians of the stems' SDR over windows of `window` frames; `truths` and `made` are `[stems, channels, frames]`.

    The SDR of museval's `bss_eval` (BSSEval v4, images; hop = window), whose distortion filters bear on its ISR, SIR
    and SAR only. As there, a window in which any stem is silent counts for none, and the rest of a last window not.
    """
    found = [
        [sdr(truth, one) for truth, one in zip(truths[..., part], made[..., part], strict=True)]
        for part in _windows(truths.shape[-1], window)
        if _sounds(truths[..., part]) and _sounds(made[..., part])
    ]
    return tuple(float(median) for median in np.median(found, axis=0)) if found else (np.nan,) * len(truths)


def _windows(frames: int, window: int) -> Iterator[slice]:
    for at in range(0, max(1, frames - window + 1), window):
        yield slice(at, at + window)


def _sounds(stems: Block) -> bool:
    """Whether no stem is silent, which museval takes the sum of its channels for."""
    return bool(stems.sum(axis=1).any(axis=-1).all())


def _power(samples: NDArray[np.floating[Any]]) -> float:
    return float(np.square(samples, dtype=np.float64).sum())


def _db(signal: float, error: float) -> float:
    if signal and error:
        return float(10 * np.log10(signal / error))
    return float(np.nan) if not signal and not error else float(np.inf) if signal else -float(np.inf)
