"""Lay a beat grid of one tempo over onsets: exact tempo, round tempo, steadiness.

Tempi are BPM, times seconds from the start of the audio.
"""

from __future__ import annotations

import numpy as np

from stemwright.measure.onsets import Array, Curve

TEETH = (1, 2, 4)
"""Multiples of the beat rate at which music in 4/4 has onsets."""
_LOCK_TEETH = (1, 2, 3, 4, 6)
"""Those that are listened to: triplets, too; a tooth without onsets is uncertain and so weighs nothing."""
ONSET_LEAD_S = 0.005
"""The 46 ms window of the onset strength sees an attack coming; median over renders whose grid is known."""


def lock(onsets: Curve, bpm: float) -> tuple[float, float]:
    """The exact tempo near `bpm` and its standard error.

    Phase-locked: at 1 to 6 times the beat rate the phase of the onsets is followed through the song; its slope
    is the error of the tempo. Swing and accents off the beat move the phase, but not its slope.
    """
    values = onsets.values - onsets.values.mean()
    time = np.arange(len(values)) / onsets.rate
    half = round(min(4 * onsets.rate, len(values) / 6))
    centres = np.arange(half, len(values) - half + 1, half)
    fitted, certainty = bpm, 0.0
    for _ in range(3):
        slopes = certainty = 0.0
        for tooth in _LOCK_TEETH:
            turn = 2 * np.pi * tooth
            total = np.concatenate([[0], np.cumsum(values * np.exp(-1j * turn * fitted / 60 * time))])
            vectors = total[centres + half] - total[centres - half]
            strength = np.abs(vectors) / (np.abs(vectors).max() + 1e-12)
            slope, error = _robust_slope(centres / onsets.rate, np.unwrap(np.angle(vectors)), strength)
            certainty += (turn / error) ** 2
            slopes += (turn / error) ** 2 * slope / turn
        fitted += 60 * slopes / certainty
    duration = len(values) / onsets.rate
    if abs(fitted - bpm) > 36 / duration:  # it left the spectral peak that it started on
        return bpm, 6 / duration
    alike = 2 * len(_LOCK_TEETH)  # windows overlap by half, teeth move together
    return fitted, 60 * float(np.sqrt(alike / certainty))


def _robust_slope(x: Array, y: Array, weights: Array) -> tuple[float, float]:
    """Slope of a line and its standard error; points off the line lose weight (Cauchy)."""
    kept = weights
    slope = spread = 0.0
    for _ in range(8):
        middle, height = np.average(x, weights=kept), np.average(y, weights=kept)
        slope = (kept * (x - middle) * (y - height)).sum() / (kept * (x - middle) ** 2).sum()
        off = y - height - slope * (x - middle)
        spread = 1.4826 * float(np.median(np.abs(off))) + 1e-3
        kept = weights / (1 + (off / (2 * spread)) ** 2)
    return float(slope), spread / float(np.sqrt(kept.sum()) * x.std())


def snap(bpm: float, error: float, duration_s: float) -> float:
    """The roundest tempo that a song of that duration cannot tell from `bpm`, whose standard error is `error`.

    Nearly all music made in a DAW has a whole number; a fit that is surely something else keeps its value. Fractions
    lie close together, so they must fit as well as four minutes would show.
    """
    fine = min(1.0, duration_s / 240)
    steps = (
        (1.0, 0.02),
        (0.5, 0.012 * fine),
        (0.25, 0.005 * fine),
        (0.1, 0.005 * fine),
        (1 / 3, 0.005 * fine),
        (0.01, 0.006),
    )
    for step, tolerance_s in steps:
        rounded = round(round(bpm / step) * step, 4)
        off, late = abs(rounded - bpm), drift(bpm, rounded, duration_s)
        surely_else = off > 5 * error and late > 0.01
        if not surely_else and (late < tolerance_s or (step >= 0.5 and off < 2 * error and late < 0.04)):
            return rounded
    return bpm


def drift(bpm: float, other: float, duration_s: float) -> float:
    """How far apart two grids are at the end of a song, in seconds."""
    return abs(bpm / other - 1) * duration_s


def steadiness(onsets: Curve, bpm: float) -> float:
    """Mean of `likeness`, loud parts first: 1 on a grid, about 0 without a beat."""
    alike = likeness(onsets, bpm)
    energy = [part.mean() + 1e-12 for part in np.array_split(onsets.values, len(alike))]
    return float(np.average(alike, weights=energy))


def likeness(onsets: Curve, bpm: float) -> Array:
    """Does each of 2 to 8 parts of the song put its onsets where the others put theirs? Correlations."""
    parts = int(np.clip(len(onsets.values) / onsets.rate / 4, 2, 8))
    shape = folded(onsets, bpm, 48, parts)
    shape -= shape.mean(axis=1, keepdims=True)
    rest = shape.sum(axis=0) - shape
    scale = np.linalg.norm(shape, axis=1) * np.linalg.norm(rest, axis=1) + 1e-12
    return np.asarray((shape * rest).sum(axis=1) / scale)


def folded(curve: Curve, bpm: float, bins: int, parts: int = 1, blur_s: float = 0.006) -> Array:
    """Mean of the curve over the phase of the beat in equal parts of the song, `[parts, bins]`, blurred."""
    index = np.arange(len(curve.values))
    phase = (index / curve.rate * bpm / 60 % 1 * bins).astype(int)
    cell = index * parts // len(index) * bins + phase
    count = np.bincount(cell, minlength=parts * bins) + 1e-9
    mean = (np.bincount(cell, curve.values, parts * bins) / count).reshape(parts, bins)
    away = np.minimum(np.arange(bins), bins - np.arange(bins)) / max(0.8, blur_s * bpm / 60 * bins)
    kernel = np.exp(-0.5 * away**2)
    return np.asarray(np.fft.irfft(np.fft.rfft(mean) * np.fft.rfft(kernel / kernel.sum()), bins))
