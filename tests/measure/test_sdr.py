"""Ratios of truth to error: known cases, their laws, and museval as the judge."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright.measure.sdr import sdr, si_sdr, windowed_sdr

RATE = 8_000


def noise(seed: int, frames: int = 3 * RATE):
    return np.random.default_rng(seed).standard_normal((2, frames)).astype(np.float32)


@given(st.floats(-40, 40), st.floats(0.05, 20))
def test_orthogonal_noise_gives_its_level_and_only_si_sdr_forgives_gain(level_db: float, gain: float) -> None:
    truth, error = np.float32([[1, 1], [1, -1]]), np.float32([[1, -1], [1, 1]])
    made = truth + np.float32(10 ** (-level_db / 20)) * error
    assert sdr(truth, made) == pytest.approx(level_db, abs=1e-3)
    assert si_sdr(truth, gain * made) == pytest.approx(level_db, abs=1e-3)
    assert sdr(truth, gain * truth) == pytest.approx(-20 * math.log10(max(abs(gain - 1), 1e-9)), abs=0.1) or gain == 1


def test_the_edges() -> None:
    truth = noise(1)
    assert sdr(truth, truth) == math.inf and sdr(truth, 0 * truth) == 0.0
    assert sdr(0 * truth, truth) == -math.inf and math.isnan(sdr(0 * truth, 0 * truth))
    assert si_sdr(0 * truth, truth) == -math.inf


def test_windows_without_all_stems_count_for_none() -> None:
    truths, made = np.stack([noise(1), noise(2)]), np.stack([noise(1), noise(2)]) + 0.1 * np.stack([noise(3), noise(4)])
    only_last = truths.copy()
    only_last[0, :, : 2 * RATE] = 0
    found = windowed_sdr(only_last, made, RATE)
    assert found[1] == pytest.approx(sdr(truths[1][:, 2 * RATE :], made[1][:, 2 * RATE :]))
    assert all(map(math.isnan, windowed_sdr(0 * truths, made, RATE)))


def test_museval_agrees() -> None:
    """Windows of a second, one of them with a silent stem, and half a window left over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = pytest.importorskip("museval.metrics")
    frames = 4 * RATE + RATE // 2
    truths = np.stack([noise(1, frames), 0.3 * noise(2, frames)])
    truths[1, :, RATE : 2 * RATE] = 0
    made = 0.9 * truths + 0.2 * truths[::-1] + 0.05 * np.stack([noise(3, frames), noise(4, frames)])
    found, *_ = metrics.bss_eval(truths.transpose(0, 2, 1), made.transpose(0, 2, 1), RATE, RATE, filters_len=16)
    assert np.isnan(found).any() and np.isfinite(found).any()
    assert windowed_sdr(truths, made, RATE) == pytest.approx(tuple(np.nanmedian(found, axis=1)), abs=0.01)
