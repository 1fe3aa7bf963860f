"""How much the harmony changes from beat to beat: it tells where beats stand and which of them start bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.onsets import Array, Floats, frames_of, magnitudes

_CHUNK = 512
"""Spectra held at a time."""
_AROUND_S = 0.35


@dataclass(frozen=True, eq=False, slots=True)
class Harmony:
    """Pitch classes over time, summed up: `[frames + 1, 24]`, of the whole and of the bass."""

    total: Array
    rate: float
    """Hz."""

    def changes(self, beats_s: Array) -> Array:
        """Cosine distances of each beat to the one before, `[..., beats, (whole, bass)]`; 0 for the first and last."""
        at = np.clip(beats_s * self.rate, 0, len(self.total) - 1)
        whole = np.minimum(at.astype(int), len(self.total) - 2)
        share = (at - whole)[..., None]
        sums = np.diff(self.total[whole] * (1 - share) + self.total[whole + 1] * share, axis=-2)
        sums = sums.reshape(*sums.shape[:-1], 2, 12)
        sums /= np.linalg.norm(sums, axis=-1, keepdims=True) + 1e-9
        found = np.zeros((*beats_s.shape, 2))
        found[..., 1:-1, :] = 1 - (sums[..., 1:, :, :] * sums[..., :-1, :, :]).sum(axis=-1)
        return found

    def newness(self, at_s: Array) -> Array:
        """How much of what sounds in the half second after these times did not before, in units of the usual."""
        novelty = self.novelty(0.5)
        before = (len(self.total) - len(novelty)) / 2
        found = np.interp(at_s * self.rate - before, np.arange(len(novelty)), novelty)
        return np.asarray(found / (novelty.mean() + 1e-9))

    def novelty(self, around_s: float = _AROUND_S) -> Array:
        """Cosine distance of what sounds after each moment to what sounds before it; in their rhythm."""
        reach = min(round(around_s * self.rate), (len(self.total) - 1) // 3)
        sums = (self.total[reach:] - self.total[:-reach])[:, :12]
        sums /= np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9
        return np.asarray(1 - (sums[reach:] * sums[:-reach]).sum(axis=1))


def pitch_classes(frequencies: NDArray[np.floating]) -> Floats:
    """What adds up the bins of each pitch class, `[bins, 24]`: of the whole, then of the bass."""
    place = np.round(12 * np.log2(np.maximum(frequencies, 1) / 440)).astype(int) % 12
    fold = np.zeros((len(frequencies), 24), np.float32)
    for first, (low, high) in ((0, (80, 2000)), (12, (40, 200))):
        inside = np.flatnonzero((frequencies >= low) & (frequencies < high))
        fold[inside, first + place[inside]] = 1
    return fold


def harmony(mono: Floats, sample_rate: int) -> Harmony:
    """Pitch classes of the whole (80 Hz to 2 kHz) and of the bass (40 to 200 Hz), about 22 times a second."""
    size, hop = 1 << round(np.log2(sample_rate * 0.186)), round(sample_rate * 0.046)
    fold = pitch_classes(np.fft.rfftfreq(size, 1 / sample_rate))
    frames = frames_of(mono, size, hop)
    steps = range(0, len(frames), _CHUNK)
    classes = np.concatenate([np.sqrt(magnitudes(frames[at : at + _CHUNK])) @ fold for at in steps])
    total = np.concatenate([np.zeros((1, 24)), np.cumsum(classes, axis=0, dtype=np.float64)])
    return Harmony(total, sample_rate / hop)
