"""Clicks and splices: single samples that nothing before them foretold, in sound that goes on as before.

Linear prediction leaves of music little more than noise; a click or a step stands out of it (as in Essentia's
ClickDetector: order 12, 30 dB over the robust power). Few false alarms matter more than misses: the attack of a
drum, whatever comes twice in a window, and sounds of which most suspects click (saws and squares) are left alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stemwright.model import Runs, Span

Floats = NDArray[np.float64]

_ORDER = 12
_OVER_DB = 30.0
_ALONE_DB = 10.0
_APART = 32
"""Frames around the top that belong to the same click."""
_BESIDE = 256
_MANY = 12
"""Clicks that make an instrument when they are more than half of the suspects."""
_FAINTEST = 10 ** (-70 / 20)
_ALIKE = 4.0
"""Ratio of the levels before and after up to which the sound goes on as before."""


def clicks_of(suspects: NDArray[np.float32], at: NDArray[np.int64]) -> Runs:
    """The clicks among suspect windows `[n, channels, frames]` that begin at frames `at`."""
    spans: list[Span] = []
    for channel in range(suspects.shape[1] if len(suspects) else 0):
        windows = suspects[:, channel].astype(np.float64)
        error = np.abs(_prediction_error(windows))
        loud = np.flatnonzero(error.max(axis=1) > _FAINTEST)
        frames = [int(at[index]) + frame for index in loud if (frame := _click(windows[index], error[index]))]
        if len(frames) < _MANY or 2 * len(frames) < len(windows):
            spans += [Span(frame, frame + 1, channel) for frame in sorted(set(frames))]
    spans.sort(key=lambda span: span.start)
    return Runs(len(spans), tuple(spans))


def _click(window: Floats, error: Floats) -> int | None:
    """The frame of the one click in a window."""
    top = int(error[_BESIDE:-_BESIDE].argmax()) + _BESIDE
    rest = error.copy()
    rest[top - _APART : top + _APART] = 0
    before, after = slice(top - _BESIDE, top - _APART), slice(top + _APART, top + _BESIDE)
    noise = max(float(np.sqrt((rest[side] ** 2).mean())) for side in (before, after)) + 1e-7
    level = [float(np.sqrt((window[side] ** 2).mean())) for side in (before, after)]
    stands_out = error[top] > noise * 10 ** (_OVER_DB / 20)
    alone = error[top] > rest.max() * 10 ** (_ALONE_DB / 20)
    goes_on = max(level) < _ALIKE * min(level)
    return top if stands_out and alone and goes_on else None


def _prediction_error(windows: Floats) -> Floats:
    """What linear prediction leaves of each window (autocorrelation method, Levinson-Durbin)."""
    frames = windows.shape[1]
    spectrum = np.fft.rfft(windows * np.hanning(frames), 2 * frames, axis=1)
    lags = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : _ORDER + 1]
    lags[:, 0] = lags[:, 0] * (1 + 1e-9) + 1e-20
    taps = np.zeros((len(windows), _ORDER + 1))
    taps[:, 0] = 1
    power = lags[:, 0].copy()
    for order in range(1, _ORDER + 1):
        mirror = -(taps[:, :order] * lags[:, order:0:-1]).sum(axis=1) / power
        taps[:, 1 : order + 1] += mirror[:, None] * taps[:, order - 1 :: -1][:, :order]
        power *= 1 - mirror**2
    error = np.zeros_like(windows)
    for tap in range(_ORDER + 1):
        error[:, _ORDER:] += taps[:, tap, None] * windows[:, _ORDER - tap : frames - tap]
    return error
