"""How much of a song recurs after a while: bars, beats and their parts show as such whiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stemwright.measure.onsets import Array, Curve

_STEP_S = 8.0
_NEAR = 0.015
"""Relative width in which a lag is looked for."""


def recurring(values: Array, rate: float, window_s: float) -> Curve:
    """Autocorrelation up to half of such windows, of which one starts every 8 s; 1 at lag 0. Values at `rate` Hz."""
    size = min(round(window_s * rate), len(values))
    windows = np.lib.stride_tricks.sliding_window_view(values, size)[:: max(1, round(_STEP_S * rate))]
    return _autocorrelated(windows, rate)


def recurring_throughout(curves: Sequence[Curve]) -> Curve:
    """Mean autocorrelation of the curves up to half of their length, each 1 at lag 0."""
    alike = [_autocorrelated(curve.blurred[None], curve.rate).values for curve in curves]
    return Curve(np.mean(alike, axis=0), curves[0].rate)


def _autocorrelated(windows: Array, rate: float) -> Curve:
    count = windows.shape[1]
    centred = windows - windows.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 1 << (2 * count - 1).bit_length())) ** 2
    alike = np.fft.irfft(power.sum(axis=0))[: count // 2 + 1] / (count - np.arange(count // 2 + 1))
    return Curve(alike / (alike[0] + 1e-9), rate)


def after(recurring: Curve, lag_s: float) -> float:
    """The highest value about this lag; NaN beyond the end."""
    low, high = int((1 - _NEAR) * lag_s * recurring.rate), int((1 + _NEAR) * lag_s * recurring.rate) + 2
    return float(recurring.values[low:high].max()) if high <= len(recurring.values) else np.nan
