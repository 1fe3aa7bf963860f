"""Lay a beat grid of one tempo over onsets: exact tempo, round tempo, first beat, bar 1.

Tempi are BPM, times seconds from the start of the audio; the metre is taken to be 4/4.
"""

from __future__ import annotations

import numpy as np

from stemwright.measure.onsets import Array, Curve, Floats, harmonic_change

TEETH = (1, 2, 4)
"""Multiples of the beat rate at which music in 4/4 has onsets."""
_ONSET_LEAD_S = 0.005
"""The 46 ms window of the onset strength sees an attack coming; median over renders whose grid is known."""


def lock(onsets: Curve, bpm: float) -> tuple[float, float]:
    """The exact tempo near `bpm` and its standard error.

    Phase-locked: at 1, 2 and 4 times the beat rate the phase of the onsets is followed through the song; its slope
    is the error of the tempo. Swing and accents off the beat move the phase, but not its slope.
    """
    values = onsets.values - onsets.values.mean()
    time = np.arange(len(values)) / onsets.rate
    half = round(min(4 * onsets.rate, len(values) / 6))
    centres = np.arange(half, len(values) - half + 1, half)
    fitted, certainty = bpm, 0.0
    for _ in range(3):
        slopes = certainty = 0.0
        for tooth in TEETH:
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
    return fitted, 60 / float(np.sqrt(certainty))


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

    Nearly all music made in a DAW has a whole number; a fit that is surely something else keeps its value.
    """
    for step, tolerance_s in ((1.0, 0.02), (0.5, 0.012), (0.25, 0.005), (0.1, 0.005), (0.01, 0.004)):
        rounded = round(round(bpm / step) * step, 2)
        off, late = abs(rounded - bpm), drift(bpm, rounded, duration_s)
        surely_else = off > 5 * error and late > 0.01
        if not surely_else and (late < tolerance_s or (step >= 0.5 and off < 2 * error and late < 0.04)):
            return rounded
    return bpm


def drift(bpm: float, other: float, duration_s: float) -> float:
    """How far apart two grids are at the end of a song, in seconds."""
    return abs(bpm / other - 1) * duration_s


def steadiness(onsets: Curve, bpm: float) -> float:
    """Does each part of the song put its onsets where the others put theirs? 1 on a grid, about 0 without a beat."""
    parts = int(np.clip(len(onsets.values) / onsets.rate / 4, 2, 8))
    shape = _fold(onsets, bpm, 48, parts)
    shape -= shape.mean(axis=1, keepdims=True)
    rest = shape.sum(axis=0) - shape
    alike = (shape * rest).sum(axis=1) / (np.linalg.norm(shape, axis=1) * np.linalg.norm(rest, axis=1) + 1e-12)
    energy = [part.mean() + 1e-12 for part in np.array_split(onsets.values, parts)]
    return float(np.average(alike, weights=energy))


def _fold(curve: Curve, bpm: float, bins: int, parts: int = 1) -> Array:
    """Mean of the curve over the phase of the beat in equal parts of the song, `[parts, bins]`, smoothed over 6 ms."""
    index = np.arange(len(curve.values))
    phase = (index / curve.rate * bpm / 60 % 1 * bins).astype(int)
    cell = index * parts // len(index) * bins + phase
    count = np.bincount(cell, minlength=parts * bins) + 1e-9
    mean = (np.bincount(cell, curve.values, parts * bins) / count).reshape(parts, bins)
    away = np.minimum(np.arange(bins), bins - np.arange(bins)) / max(0.8, 0.006 * bpm / 60 * bins)
    kernel = np.exp(-0.5 * away**2)
    return np.asarray(np.fft.irfft(np.fft.rfft(mean) * np.fft.rfft(kernel / kernel.sum()), bins))


def first_beat(onsets: Curve, bpm: float) -> float:
    """Time of the first beat: where in the beat the onsets of the whole song are strongest."""
    bins, period = 96, 60 / bpm
    shape = _fold(onsets, bpm, bins)[0]
    top = int(shape.argmax())
    before, peak, after = shape[top - 1], shape[top], shape[(top + 1) % bins]
    bend = before - 2 * peak + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(((top + 0.5 + shift) / bins * period + _ONSET_LEAD_S) % period)


def bar_one(audio: Floats, sample_rate: int, bpm: float, beat_s: float) -> float:
    """Where bar 1 starts: the bar in which the music sets in.

    Harmony changes at bar lines more than elsewhere, and music tends to set in on one.
    """
    period = 60 / bpm
    level = np.abs(audio)
    entry = int(np.argmax(level > 0.02 * level.max())) / sample_rate
    if beat_s > 0.8 * period and entry < beat_s - 0.5 * period:
        beat_s -= period  # the beat at the very start came out a trifle early
    beats = beat_s + np.arange(int((len(audio) / sample_rate - beat_s) / period)) * period
    scores = np.zeros(4)
    if len(beats) > 8:
        change = harmonic_change(audio, sample_rate, beats)
        scores += [change[beat::4].mean() for beat in range(4)]
    nearest = round((entry - beat_s) / period)
    if abs(entry - beat_s - nearest * period) < 0.15 * period:
        scores[nearest % 4] += 1
    start = beat_s + int(scores.argmax()) * period
    start += np.floor((entry + 0.15 * period - start) / (4 * period)) * 4 * period
    if start < -0.05 * period:
        start += 4 * period  # the file begins within a bar
    return max(0.0, float(start if start * sample_rate < len(audio) else beat_s))
