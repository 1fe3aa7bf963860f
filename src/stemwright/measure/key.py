"""The key of a song, from its pitch classes.

Spectral peaks, in the song's own tuning, give two pitch-class profiles: of everything (HPCP, Gomez 2006: a peak also
counts for the fundamentals it may be a harmonic of) and of the bass. A logistic model that is the same for all
twelve tonics names the key; its weights are in `key_profile.json`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.onsets import Array, Floats, frames_of, levelled, magnitudes
from stemwright.model import Estimate
from stemwright.units import PITCH_CLASSES

_KEYS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_CLASSES]
_CHUNK = 256
_COMPRESSION = 0.6
_LOWEST_PITCH, _BASS_BELOW = 28, 52
"""MIDI pitches E1 and E3."""


def estimate_key(mono: Floats, sample_rate: int) -> Estimate[str] | None:
    """The key of mono audio `[frames]`, best at 22.05 kHz, with the two runners-up; None when nothing is tonal.

    The confidence is the model's probability times how long pitches last: noise and drums have pitches too, but
    other ones in each spectrum.
    """
    audio = levelled(mono)
    if audio is None or len(audio) < sample_rate:
        return None
    full, bass = _pitch_classes(audio, sample_rate)
    tonality = float(np.clip((_persistence(full) - 0.2) / 0.3, 0, 1))
    if tonality == 0:
        return None
    chance = _probabilities(_profile(full), _profile(bass))
    first, *others = np.argsort(-chance)[:3]
    confidence = round(float(chance[first]) * tonality, 3)
    return Estimate(_KEYS[first], confidence, "measured", tuple(_KEYS[other] for other in others))


def _pitch_classes(audio: Floats, sample_rate: int) -> tuple[Array, Array]:
    """Strength of the pitch classes in every sounding spectrum, `[spectra, 12]` from C up: of all and of the bass."""
    spectrum, pitch, magnitude, sounding = _peaks(audio, sample_rate)
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
    return full[sounding], bass[sounding]


def _peaks(audio: Floats, sample_rate: int) -> tuple[NDArray[np.intp], Array, Array, NDArray[np.bool_]]:
    """Peaks from 55 Hz to 2.5 kHz: number of the spectrum, MIDI pitch, magnitude; and which spectra sound at all."""
    size = 1 << round(np.log2(sample_rate * 0.37))
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


def _persistence(classes: Array) -> float:
    """Mean correlation of each spectrum's pitch classes with those of the next: 0.1 in noise, 0.5 to 0.9 in music."""
    shape = classes / (np.linalg.norm(classes, axis=1, keepdims=True) + 1e-9)
    shape -= shape.mean(axis=1, keepdims=True)
    return float((shape[1:] * shape[:-1]).sum() / (np.square(shape).sum() + 1e-9))


def _profile(classes: Array) -> Array:
    """Mean over the spectra, however loud they are, with the strongest pitch class at 1."""
    mean = (classes / (classes.sum(axis=1, keepdims=True) + 1e-9)).mean(axis=0)
    return np.asarray(mean / (mean.max() + 1e-9))


def _probabilities(full: Array, bass: Array) -> Array:
    """Probability of each of the 24 keys, majors first, from C up."""
    weights, bias, mean, deviation = _model()
    features = np.stack([full, full**2, bass, bass**2])
    turned = np.stack([np.roll(features, -tonic, axis=1).ravel() for tonic in range(12)])
    score = (weights @ ((turned - mean) / deviation).T + bias[:, None]).ravel()
    chance = np.exp(score - score.max())
    return np.asarray(chance / chance.sum())


@cache
def _model() -> tuple[Array, Array, Array, Array]:
    """Weights `[mode, 48]`, bias `[mode]`, mean and standard deviation of the features `[48]`."""
    model = json.loads(Path(__file__).with_name("key_profile.json").read_text(encoding="utf-8"))
    weights, bias = (np.array([model[name][mode] for mode in ("major", "minor")]) for name in ("weights", "bias"))
    return weights, bias, np.array(model["mean"]), np.array(model["deviation"])
