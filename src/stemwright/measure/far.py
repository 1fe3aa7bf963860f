"""Where in the mix a stem lies that is seconds away from its place: further than windows of the song reach.

The loudest stretch of the stem is correlated with what the other stems leave of the mix, some seconds before and after
it (`align` has the weighting). What is found is only a guess until the whole song confirms it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.together import FRAMES, Grams, Track, as_channels, side_by_side

REACH_S = 10
"""Seconds that are looked at before and after."""
STRETCH = 1 << 18
"""Frames of a stem that are looked for."""
CLEAR = 12.0
"""A correlation peak this many times above the median magnitude is worth a try; noise reaches about 8."""


def far_lag(tracks: Sequence[Track], mix: Track, known: Grams, gains: NDArray[np.float64], which: Sequence[int]) -> int:
    """Frames by which the mix, less all other stems, holds the sum of these stems later; 0 where nothing stands out.

    `gains` are `[channels, stems]`.
    """
    channels, reach = len(gains), REACH_S * mix.file.format.sample_rate
    energy = known.products.diagonal(axis1=2, axis2=3).sum(axis=1)[:, list(which)].sum(axis=1)
    loudest = int(energy.argmax())
    start = max(0, (known.starts[loudest] + known.ends[loudest] - STRETCH) // 2)
    first, end = start - reach, start + STRETCH + reach
    spans = [(at, min(FRAMES, end - at)) for at in range(first, end, FRAMES)]
    others = np.delete(np.arange(len(tracks)), which)
    sound, rest = np.zeros((channels, STRETCH), np.float32), np.zeros((channels, end - first), np.float32)
    for (at, frames), blocks in zip(spans, side_by_side((*tracks, mix), spans), strict=True):
        rows = [as_channels(block, channels) for block in blocks]
        left = rest[:, at - first : at - first + frames]
        left += rows[-1]
        for other in others:
            left -= gains[:, other, None].astype(np.float32) * rows[other]
        low, high = max(at, start), min(at + frames, start + STRETCH)
        for stem in which if low < high else ():
            sound[:, low - start : high - start] += rows[stem][:, low - at : high - at]
    return _lag(sound, rest, reach)


def _lag(sound: NDArray[np.float32], rest: NDArray[np.float32], reach: int) -> int:
    """Where in `rest`, re `reach` frames behind its start, the sound begins."""
    size = 1 << (rest.shape[1] - 1).bit_length()
    one, other = (np.fft.rfft(x - x.mean(axis=1, keepdims=True), size) for x in (sound, rest))
    cross = (other * one.conj()).sum(axis=0)
    weight = np.sqrt(np.abs(cross))
    if not weight.any():
        return 0
    curve = np.abs(np.fft.irfft(cross / (weight + 1e-6 * weight.max()))[: 2 * reach + 1])
    top = int(curve.argmax())
    return top - reach if curve[top] > CLEAR * np.median(curve) else 0
