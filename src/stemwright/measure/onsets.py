"""Curves over time from which tempo and beats are read, the first of them the onset strength.

Audio here is mono float32; a curve has its own, much lower rate. Value 0 of a curve stands at time 0 of the audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

_CURVE_HZ = 200.0
_SILENCE_RMS = 1e-5
_WORKING_RMS = 0.07
_BLUR_S = 0.018
_CHUNK = 2048
"""Spectra held at a time."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over time: `values[i]` belongs to `i / rate` seconds."""

    values: Array
    rate: float
    """Hz."""

    def about(self, at_s: Array) -> Array:
        """The curve at these times, blurred by 18 ms, in units of its mean."""
        return np.asarray(np.interp(at_s * self.rate, np.arange(len(self.values)), self.blurred))

    @cached_property
    def blurred(self) -> Array:
        """All of it, as `about` has it."""
        reach = round(3 * _BLUR_S * self.rate)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.rate / _BLUR_S) ** 2)
        scale = kernel.sum() * self.values.mean() + 1e-12
        return np.convolve(np.pad(self.values, reach), kernel / scale, mode="valid")


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


@dataclass(frozen=True, eq=False, slots=True)
class Onsets:
    """Onset strength of the whole, and of kicks, snares and hats: up to 130 Hz, 220 Hz to 4 kHz, from there on."""

    whole: Curve
    bands: tuple[Curve, Curve, Curve]


def onset_strength(mono: Floats, sample_rate: int) -> Onsets:
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
    rise = np.zeros_like(energy)
    rise[3:] = np.maximum(energy[3:] - energy[:-3], 0)

    def curve(part: slice) -> Curve:
        mean = rise[:, part].mean(axis=1, dtype=np.float64)
        above = np.maximum(mean - moving_mean(mean, 41), 0)
        return Curve(above / (above.std() + 1e-12), sample_rate / hop)

    return Onsets(curve(slice(48)), (curve(slice(12)), curve(slice(16, 40)), curve(slice(40, 48))))
