"""The pitch classes of a recording over time: of everything and of the bass, in the tuning of its instruments.

From spectral peaks, as in the harmonic pitch class profile of Gomez 2006: a peak also counts for the fundamentals
whose harmonic it may be. Pitches are MIDI numbers; pitch classes go from C up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.onsets import Array, Floats, frames_of, levelled, magnitudes

_CHUNK = 256
_COMPRESSION = 0.6
_LOWEST_PITCH, _BASS_BELOW = 28, 52
"""MIDI pitches E1 and E3."""


@dataclass(frozen=True, eq=False, slots=True)
class PitchClasses:
    """How strong each pitch class is in every spectrum that sounds."""

    full: Array
    """`[spectra, 12]`, of all that sounds."""
    bass: Array
    """`[spectra, 12]`, of what sounds below E3."""
    frame: NDArray[np.intp]
    """`[spectra]`, the frame of the audio at the middle of each."""
    tuning_cents: float
    """Of the instruments against A4 = 440 Hz, -50 to 50."""

    def between(self, begin: float, end: float) -> PitchClasses:
        """Those from one frame to before another."""
        inside = slice(*np.searchsorted(self.frame, (begin, end)).tolist())
        return PitchClasses(self.full[inside], self.bass[inside], self.frame[inside], self.tuning_cents)

    def persistence(self) -> float:
        """Mean correlation of each spectrum with the next: 0.1 in noise, 0.5 to 0.9 in music."""
        shape = self.full / (np.linalg.norm(self.full, axis=1, keepdims=True) + 1e-9)
        shape -= shape.mean(axis=1, keepdims=True)
        return float((shape[1:] * shape[:-1]).sum() / (np.square(shape).sum() + 1e-9))


def pitch_classes(mono: Floats, sample_rate: int) -> PitchClasses | None:
    """The pitch classes of mono audio `[frames]`, best at 22.05 kHz; None for silence and less than a second."""
    audio = levelled(mono)
    if audio is None or len(audio) < sample_rate:
        return None
    size = 1 << round(np.log2(sample_rate * 0.37))
    spectrum, pitch, magnitude, sounding = _peaks(audio, sample_rate, size)
    tuning = np.angle(np.sum(magnitude**_COMPRESSION * np.exp(2j * np.pi * pitch))) / (2 * np.pi)
    pitch = pitch - tuning
    loudest = np.zeros(len(sounding))
    np.maximum.at(loudest, spectrum, magnitude)
    strength = (magnitude / loudest[spectrum]) ** _COMPRESSION

    def gather(pitch: Array, used: NDArray[np.bool_]) -> Array:
        note = np.round(pitch[used])
        weight = strength[used] * np.cos(np.pi * (pitch[used] - note)) ** 2
        cell = spectrum[used] * 12 + note.astype(int) % 12
        return np.bincount(cell, weight, len(sounding) * 12).reshape(-1, 12).astype(np.float64)

    full = np.zeros((len(sounding), 12))
    for harmonic in (1, 2, 3, 4):
        fundamental = pitch - 12 * np.log2(harmonic)
        full += 0.6 ** (harmonic - 1) * gather(fundamental, fundamental > _LOWEST_PITCH)
    bass = gather(pitch, pitch < _BASS_BELOW)
    frame = np.flatnonzero(sounding) * (size // 2)
    return PitchClasses(full[sounding], bass[sounding], frame, round(float(100 * tuning), 1))


def _peaks(audio: Floats, sample_rate: int, size: int) -> tuple[NDArray[np.intp], Array, Array, NDArray[np.bool_]]:
    """Peaks from 55 Hz to 2.5 kHz: number of the spectrum, MIDI pitch, magnitude; and which spectra sound at all."""
    low, high = (int(hertz * size / sample_rate) for hertz in (55, 2500))
    frames = frames_of(audio, size, size // 2)
    peaks, loudness = [], []
    for at in range(0, len(frames), _CHUNK):
        chunk = frames[at : at + _CHUNK]
        every = magnitudes(chunk)
        band = every[:, low:high]
        floor = np.maximum(2 * np.median(band, axis=1), 10 ** (-50 / 20) * band.max(axis=1))[:, None]
        middle = band[:, 1:-1]
        spectrum, place = np.nonzero((middle > band[:, :-2]) & (middle >= band[:, 2:]) & (middle > floor))
        place += low + 1
        left, top, right = (np.log(every[spectrum, place + side].astype(np.float64) + 1e-9) for side in (-1, 0, 1))
        shift = np.clip(0.5 * (left - right) / (left - 2 * top + right - 1e-12), -0.5, 0.5)
        pitch = 69 + 12 * np.log2((place + shift) * sample_rate / size / 440)
        peaks.append((spectrum + at, pitch, np.exp(top)))
        loudness.append(np.sqrt(np.mean(np.square(chunk), axis=1)))
    spectrum, pitch, magnitude = (np.concatenate(column) for column in zip(*peaks, strict=True))
    rms = np.concatenate(loudness)
    return spectrum, pitch, magnitude, rms > 0.05 * rms.max()
