"""Curves over time from which tempo, beats and bars are read: onset strength and harmonic change.

Audio here is mono float32; a curve has its own, much lower rate. Value 0 of a curve stands at time 0 of the audio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

_CURVE_HZ = 200.0
_SILENCE_RMS = 1e-5
_WORKING_RMS = 0.07
_CHUNK = 2048
"""Spectra held at a time."""


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A quantity over time: `values[i]` belongs to `i / rate` seconds."""

    values: Array
    rate: float
    """Hz."""


def levelled(mono: Floats) -> Floats | None:
    """The audio at one fixed RMS, so that nothing measured depends on its level; None below -100 dBFS RMS.

    NaN and infinite samples count as silence.
    """
    clean = np.nan_to_num(np.asarray(mono, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    rms = float(np.sqrt(np.mean(np.square(clean, dtype=np.float64)))) if clean.size else 0.0
    return None if rms < _SILENCE_RMS else (clean * (_WORKING_RMS / rms)).astype(np.float32)


def frames_of(mono: Floats, size: int, hop: int) -> Floats:
    """Stretches of `size` samples centred on every `hop`-th one: a view `[len(mono) // hop + 1, size]`."""
    padded = np.pad(mono, (size // 2, size))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: len(mono) // hop + 1]


def magnitudes(frames: Floats) -> Floats:
    """Magnitude spectra `[frames, size // 2 + 1]` under a Hann window."""
    window = np.hanning(frames.shape[1]).astype(np.float32)
    return np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32)


def moving_mean(values: Array, width: int) -> Array:
    """Centred mean over an odd number of values; beyond the ends the outermost value goes on."""
    total = np.cumsum(np.pad(values, (width // 2 + 1, width // 2), mode="edge"))
    return (total[width:] - total[:-width]) / width


def moving_max(values: Array, width: int) -> Array:
    """Centred maximum over an odd number of values."""
    padded = np.pad(values, width // 2, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=-1))


def onset_strength(mono: Floats, sample_rate: int) -> Curve:
    """Rise of the compressed energy in 48 logarithmic bands (30 Hz to 11 kHz), less its local mean, at about 200 Hz.

    Spectral flux as in Dixon 2006 with the logarithmic compression of Klapuri 2006; standard deviation 1.
    """
    hop = round(sample_rate / _CURVE_HZ)
    size = 1 << round(np.log2(sample_rate * 0.046))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    edges = np.geomspace(30.0, min(11_000.0, sample_rate / 2), 49)
    bands = (frequencies >= edges[:-1, None]) & (frequencies < edges[1:, None])
    centres = np.sqrt(edges[:-1] * edges[1:])
    nearest = np.abs(frequencies - centres[:, None]).argmin(axis=1)
    bands[np.arange(len(bands)), nearest] |= ~bands.any(axis=1)  # the lowest bands are narrower than a bin
    weights = bands.T.astype(np.float32)
    frames = frames_of(mono, size, hop)
    energy = np.concatenate(
        [np.log1p(100 * (magnitudes(frames[at : at + _CHUNK]) @ weights)) for at in range(0, len(frames), _CHUNK)]
    )
    rise = np.zeros(len(energy))
    rise[3:] = np.maximum(energy[3:] - energy[:-3], 0).mean(axis=1)
    rise = np.maximum(rise - moving_mean(rise, 41), 0)
    return Curve(rise / (rise.std() + 1e-12), sample_rate / hop)


def harmonic_change(mono: Floats, sample_rate: int, beats_s: NDArray[np.floating]) -> Array:
    """How much the harmony of each beat differs from that of the beat before: z-scores, one for each of `beats_s`.

    The sum of two cosine distances between pitch classes, of the whole (80 Hz to 2 kHz) and of the bass (40 to
    200 Hz); 0 for the first beat, which has none before it.
    """
    size, hop = 1 << round(np.log2(sample_rate * 0.186)), round(sample_rate * 0.046)
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    place = np.round(12 * np.log2(np.maximum(frequencies, 1) / 440)).astype(int) % 12
    fold = np.zeros((len(frequencies), 24), np.float32)
    for first, (low, high) in ((0, (80, 2000)), (12, (40, 200))):
        inside = np.flatnonzero((frequencies >= low) & (frequencies < high))
        fold[inside, first + place[inside]] = 1
    frames = frames_of(mono, size, hop)
    steps = range(0, len(frames), _CHUNK // 4)
    classes = np.concatenate([np.sqrt(magnitudes(frames[at : at + _CHUNK // 4])) @ fold for at in steps])
    total = np.concatenate([np.zeros((1, 24)), np.cumsum(classes, axis=0, dtype=np.float64)])
    edges = np.clip(np.round(beats_s * sample_rate / hop).astype(int), 0, len(classes))
    sums = np.diff(total[edges], axis=0).reshape(-1, 2, 12)
    sums /= np.linalg.norm(sums, axis=2, keepdims=True) + 1e-9
    change = 1 - (sums[1:] * sums[:-1]).sum(axis=2)
    scores = ((change - change.mean(axis=0)) / (change.std(axis=0) + 1e-9)).sum(axis=1)
    return np.asarray(np.concatenate([[0.0], scores, [0.0]]))
