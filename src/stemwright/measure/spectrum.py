"""What the spectrum tells of a source: a cliff where a codec or a lower rate ended it, mains hum, a noise floor.

Frequencies are Hz; levels are dBFS unless they say "re".
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.windows import LOUD_FRAMES, Windows, energies
from stemwright.model import Spectrum

Floats = NDArray[np.float64]

_FEWEST = 4
_CLIFF_DB = 30.0
"""Fall over 600 Hz. 8 synthetic sources with content above 14 kHz fell by at most 3.3 dB, their codec and resampled
versions by 32 or more."""
_LOWEST_CLIFF_HZ = 14_000.0
_HIGHEST_CLIFF = 0.98
"""Of half the rate: above, everybody filters."""
_HUM_DB = 20.0
_SHORTEST = 60
"""Values at about 3 kHz that tell 18 dimensions apart: rates up to 192 kHz."""
_PAUSE_DB = 30.0
"""A pause lies that far below the loudest window."""


def spectrum_of(windows: Windows) -> Spectrum:
    """The spectrum's facts; each None where the file does not allow to tell."""
    loud, energy = windows.loud, energies(windows.loud)
    hum_hz, hum_db = _hum(loud, energy, windows.sample_rate)
    floor = _floor(windows.hops_dbfs)
    if len(loud) < _FEWEST:
        return Spectrum(hum_hz=hum_hz, hum_db=hum_db, floor_dbfs=floor)
    chosen = loud[np.argsort(-energy.sum(axis=1))[: max(16, len(loud) // 3)]].reshape(-1, LOUD_FRAMES)
    tapered = chosen[chosen.any(axis=1)] * np.hanning(LOUD_FRAMES)
    power = np.abs(np.fft.rfft(tapered, axis=1)) ** 2 / (LOUD_FRAMES / 4) ** 2
    mean = power.mean(axis=0)
    cliff_hz, cliff_db, above_db = _cliff(power, windows.sample_rate)
    hz = np.arange(len(mean)) * windows.sample_rate / LOUD_FRAMES
    centroid = float((mean * hz).sum() / mean.sum())
    return Spectrum(cliff_hz, cliff_db, above_db, centroid, hum_hz, hum_db, floor)


def _cliff(power: Floats, rate: int) -> tuple[float | None, float, float]:
    """Where the spectrum falls most, by how much, and what is left above it re the loudest band.

    The 90th percentile over the windows: content that only now and then reaches up there still fills the top.
    """
    if rate < 2 * _LOWEST_CLIFF_HZ / _HIGHEST_CLIFF:
        return None, 0.0, -np.inf
    rank = len(power) * 9 // 10
    top = 10 * np.log10(np.partition(power, rank, axis=0)[rank] + 1e-20)
    step = rate / LOUD_FRAMES
    width, reach = max(1, round(150 / step)), max(1, round(300 / step))
    level = np.convolve(np.pad(top, width // 2, mode="edge"), np.ones(width) / width, "valid")
    fall = level[: -2 * reach] - level[2 * reach :]
    hz = (np.arange(len(fall)) + reach) * step
    fall = np.where(hz >= _LOWEST_CLIFF_HZ, fall, 0)
    at = int(fall.argmax())
    near = slice(max(0, at - 2 * reach), at + 2 * reach)
    middle = float(np.average(hz[near], weights=fall[near] >= fall[at] / 2))  # a sharp edge falls all over 600 Hz
    if fall[at] < _CLIFF_DB or middle > _HIGHEST_CLIFF * rate / 2:
        return None, 0.0, -np.inf
    above = float(np.median(level[at + 2 * reach :]) - level.max())
    return round(middle), round(float(fall[at]), 1), round(above, 1)


def _hum(loud: NDArray[np.float32], energy: Floats, rate: int) -> tuple[float | None, float]:
    """Mains hum in the pauses: 50 or 60 Hz and how far its lines stand over the rest below 1.5 kHz, in dB."""
    level = 10 * np.log10(energy.max(axis=1, initial=0) / LOUD_FRAMES + 1e-20)
    pauses = loud[(level < level.max(initial=-200) - _PAUSE_DB) & (level > -100)]
    fewer = max(1, rate // 3000)
    frames = LOUD_FRAMES // fewer
    if len(pauses) < _FEWEST or frames < _SHORTEST:
        return None, 0.0
    slow = pauses.mean(axis=1, dtype=np.float64)[:, : frames * fewer].reshape(-1, frames, fewer).mean(axis=2)
    found = []
    for mains in (50.0, 60.0):
        lines, rest = _explained(slow, _harmonics(mains, rate / fewer, frames))
        low, high = np.percentile(lines, (25, 75))
        steady = high < 4 * low  # a bass note dies away; the mains do not
        found.append((float(10 * np.log10(np.median(lines / (rest + 1e-20)) + 1e-20)) if steady else 0.0, mains))
    best, mains = max(found)
    return (mains, round(best, 1)) if best >= _HUM_DB else (None, 0.0)


@cache
def _harmonics(mains: float, rate: float, frames: int) -> Floats:
    """An orthonormal basis: offset and slope (2), then the first eight harmonics (16)."""
    angle = 2 * np.pi * mains / rate * np.outer(np.arange(frames), np.arange(1, 9))
    drift = np.vander(np.linspace(-1, 1, frames), 2)
    return np.linalg.qr(np.hstack((drift, np.cos(angle), np.sin(angle))))[0]


def _explained(slow: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Energy per dimension that the harmonics explain in each window, and that of what is left."""
    parts = slow @ basis
    lines = (parts[:, 2:] ** 2).sum(axis=1)
    rest = (slow**2).sum(axis=1) - (parts**2).sum(axis=1)
    return lines / (basis.shape[1] - 2), np.maximum(rest, 0) / (slow.shape[1] - basis.shape[1])


def _floor(hops_dbfs: NDArray[np.float32]) -> float | None:
    """The level of the quietest second that stays within 3 dB, 25 dB below the loud parts; None when there is none."""
    sounding = hops_dbfs[np.isfinite(hops_dbfs)]
    if len(hops_dbfs) < 20 or not len(sounding):
        return None
    seconds = np.lib.stride_tricks.sliding_window_view(hops_dbfs, 10)
    low, high = seconds.min(axis=1), seconds.max(axis=1)
    steady = high[np.isfinite(low) & (high - np.where(np.isfinite(low), low, 0) < 3)]
    if not len(steady) or steady.min() > np.percentile(sounding, 95) - 25:
        return None
    return round(float(steady.min()), 1)
