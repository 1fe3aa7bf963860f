"""Where a sound lies in another one: generalised cross-correlation in loud windows, lag and drift.

The cross-spectrum is divided by the square root of its magnitude (half-way between plain correlation and the phase
transform of Knapp and Carter, 1976): sharp peaks that still weigh what is loud.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.float32]
"""`[windows, channels, frames]`."""

Starts = NDArray[np.int64]
"""First frame of each window."""

PARTS = (1, 4, 8)
CLEAR = 8.0
"""A correlation peak this many times above the median magnitude is one; noise reaches about 6.5."""
SAME_FRAMES = 1.5
"""Lags of different windows that differ by less are the same."""
MOST_AGREE = 0.6
"""Share of the windows that must tell the same."""


@dataclass(frozen=True, slots=True)
class Place:
    """The second sound lies `lag` frames behind the first at frame 0, and `drift_ppm` millionths more with time."""

    lag: float
    drift_ppm: float = 0.0


def reach(frames: int) -> int:
    """The largest lag that is looked for in windows of that many frames."""
    return frames // 4


def place(first: Windows, second: Windows, starts: Starts) -> Place | None:
    """Where `second` holds the sound of `first`; None when the windows do not agree on it.

    One lag for most windows, or a straight line over time (the median of all slopes, Theil and Sen). What is not
    found in long windows is looked for in parts of them, in which a drift blurs less.
    """
    for parts in PARTS:
        found = _place(*_cut(parts, first, second, starts))
        if found:
            return found
    return None


def _cut(parts: int, first: Windows, second: Windows, starts: Starts) -> tuple[Windows, Windows, Starts]:
    """Each window in so many parts."""
    size = first.shape[-1] // parts
    one, other = (
        x.reshape(*x.shape[:2], parts, size).swapaxes(1, 2).reshape(-1, x.shape[1], size) for x in (first, second)
    )
    return one, other, (starts[:, None] + size * np.arange(parts)).ravel()


def _place(first: Windows, second: Windows, starts: Starts) -> Place | None:
    frames = first.shape[-1]
    found = [(int(start), lag) for a, b, start in zip(first, second, starts, strict=True) for lag in _lag(a, b)]
    sounding = sum(bool(a.any() and b.any()) for a, b in zip(first, second, strict=True))
    needed = max(min(3, sounding), MOST_AGREE * len(found))
    if not found or len(found) < needed:
        return None
    times, lags = (np.array(values, float) for values in zip(*found, strict=True))
    near = np.abs(lags - np.median(lags)) <= SAME_FRAMES
    if near.sum() >= needed and not _leans(times[near], lags[near]):
        return Place(float(np.median(lags[near])))
    if len(times) < 4:
        return None
    line = _line(times, lags)
    slope = line.drift_ppm * 1e-6
    on_line = np.abs(lags - line.lag - slope * times) <= SAME_FRAMES + abs(slope) * frames / 2
    return _finer(first, second, starts, line) if on_line.sum() >= max(4, needed) else None


def _line(times: NDArray[np.float64], lags: NDArray[np.float64]) -> Place:
    """The median of all slopes, and the line of that slope through the middle of the lags."""
    before, after = np.nonzero(times[:, None] < times)
    slope = float(np.median((lags[after] - lags[before]) / (times[after] - times[before])))
    return Place(float(np.median(lags - slope * times)), 1e6 * slope)


def _finer(first: Windows, second: Windows, starts: Starts, rough: Place) -> Place:
    """The same again in quarters of the windows, the rough drift taken out.

    A long window does not tell where in it the sound was that gave the lag.
    """
    parts = zip(*_cut(4, moved(first, rough, starts), second, starts), strict=True)
    middle = first.shape[-1] / 8
    found = [(start + middle, lag) for a, b, start in parts for lag in _lag(a, b)]
    if len(found) < 4:
        return rough
    rest = _line(*np.array(found, float).T)
    return Place(rough.lag + rest.lag, rough.drift_ppm + rest.drift_ppm)


def _leans(times: NDArray[np.float64], lags: NDArray[np.float64]) -> bool:
    """Whether a slope explains the lags far better than one value does: a slow drift."""
    if len(times) < 4 or np.ptp(lags) < 0.2:
        return False
    line = np.polyval(np.polyfit(times, lags, 1), times)
    return bool(np.std(lags - line) < 0.2 * np.std(lags))


def steady(first: Windows, second: Windows) -> float | None:
    """The one lag that suits all windows best, found in the sum of their cross-spectra; None without a clear one."""
    frames = first.shape[-1]
    total = np.zeros(frames + 1, np.complex64)
    for one, other in zip(first, second, strict=True):
        total += _cross_spectrum(one, other)
    return next(iter(_peak(total, frames)), None)


def _lag(first: NDArray[np.float32], second: NDArray[np.float32]) -> list[float]:
    """The lag in one window; nothing when no peak stands out."""
    return _peak(_cross_spectrum(first, second), first.shape[1])


def _cross_spectrum(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.complex64]:
    frames = first.shape[1]
    fade = np.hanning(frames).astype(np.float32)  # cut-off tones would pull the lag towards 0
    one, other = (np.fft.rfft(sound * fade, 2 * frames) for sound in (first, second))
    made: NDArray[np.complex64] = (other * one.conj()).sum(axis=0)
    return made


def _peak(spectrum: NDArray[np.complex64], frames: int) -> list[float]:
    """The lag of a cross-spectrum, to a quarter of a frame (a parabola over the peak), if it stands out."""
    size = np.abs(spectrum)
    if not size.any():
        return []
    curve = np.fft.irfft(spectrum / (np.sqrt(size) + 1e-6 * np.sqrt(size.max())))
    far = frames // 2  # twice the reach, or else what lies beyond would seem to lie at its edge
    near = np.abs(np.concatenate((curve[-far:], curve[: far + 1])))
    top = int(near.argmax())
    if near[top] < CLEAR * np.median(near) or abs(top - far) >= reach(frames):
        return []
    left, peak, right = near[top - 1 : top + 2]
    return [top - far + float(0.5 * (left - right) / (left - 2 * peak + right))]


def moved(sound: Windows, where: Place, starts: Starts) -> Windows:
    """The windows put where the place says, to the nearest frame; what comes in at their edges is of no use."""
    frames = np.arange(sound.shape[-1])
    made = np.empty_like(sound)
    for window, start in enumerate(starts):
        lags = np.rint(where.lag + where.drift_ppm * 1e-6 * (start + frames)).astype(np.int64)
        made[window] = sound[window][:, (frames - lags) % len(frames)]
    return made
