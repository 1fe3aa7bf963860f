"""True peak: EBU Tech 3341 cases 15 to 23, the pruned search against the whole filter, and other people's meters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import FLOAT, of

from stemwright.measure import levels, truepeak
from stemwright.units import db

FAST = pytest.mark.parametrize("fast", [False, True], ids=["numpy", "numba"])
TOLERANCE = (-0.4, 0.2)
"""EBU Tech 3341, section 2.13."""


@FAST
@pytest.mark.parametrize(
    ("degrees", "amplitude", "expected"), [(0, 0.5, -6), (45, 0.5, -6), (60, 0.5, -6), (67.5, 0.5, -6), (45, 1.41, 3)]
)
def test_ebu_3341_cases_15_to_19(degrees: float, amplitude: float, expected: float, fast: bool) -> None:
    frames = np.arange(48_000)
    fade = np.minimum(1, np.minimum(frames, frames[::-1]) / 4800)
    found = of(np.tile(amplitude * fade * np.sin(np.pi / 2 * frames + np.deg2rad(degrees)), (2, 1)), FLOAT, fast=fast)
    for value in (found.true_peak_dbtp, found.high_res_peak_dbtp):
        assert TOLERANCE[0] <= value - expected <= TOLERANCE[1]
    if degrees:
        assert found.true_peak_dbtp > found.sample_peak_dbfs + 0.6


def burst(offset: float) -> np.ndarray:
    """One band-limited signal of true peak 1.0, sampled `offset` samples late."""

    def at(t: np.ndarray) -> np.ndarray:
        return 0.5 * np.sin(np.pi / 3 * t) + 0.7 * np.exp(-((t / 9) ** 2)) * np.sin(np.pi / 3 * t + 0.4)

    peak = np.abs(at(np.linspace(-50, 50, 1_000_001))).max()
    frames = np.arange(-24_000, 24_000)
    fade = np.minimum(1, np.minimum(frames + 24_000, 24_000 - frames) / 4800)
    return fade * at(frames + offset) / peak


@FAST
def test_ebu_3341_cases_20_to_23(fast: bool) -> None:
    """One signal at four sub-sample positions (generated at 4 fs and decimated, in the EBU's set)."""
    found = [of(burst(quarter / 4), FLOAT, fast=fast) for quarter in range(4)]
    for one in found:
        assert TOLERANCE[0] <= one.true_peak_dbtp <= TOLERANCE[1]
        assert abs(one.high_res_peak_dbtp) < 0.02
    spread = [one.high_res_peak_dbtp for one in found]
    assert max(spread) - min(spread) < 0.01
    assert max(one.sample_peak_dbfs for one in found) - min(one.sample_peak_dbfs for one in found) > 0.1


def test_a_peak_between_16_phases_is_not_missed_by_more_than_0_01_db() -> None:
    found = [of(burst(shift / 47), FLOAT).high_res_peak_dbtp for shift in range(47)]
    assert max(found) - min(found) < 0.01


# ---- pruned against whole -------------------------------------------------------------------------------------


def whole(samples: np.ndarray, bank: truepeak.Bank) -> tuple[float, int]:
    """The highest output between each sample and the next, of every phase; cells of 64 above full scale."""
    size = bank.taps.shape[1]
    cells = -(-samples.shape[1] // 64)
    made = np.zeros((len(samples), cells * 64))
    for line, out in zip(samples.astype(np.float64), made, strict=True):
        padded = np.concatenate((np.zeros(size // 2 - 1), line, np.zeros(size // 2)))
        phases = np.lib.stride_tricks.sliding_window_view(padded, size) @ bank.taps.T
        out[: len(line)] = np.maximum(np.abs(phases).max(axis=1), np.abs(line))
    return float(made.max()), int((made.reshape(len(samples), cells, 64).max(axis=2) > 1 + 1e-9).sum())


def signal(kind: str, seed: int, frames: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "noise":
        return rng.uniform(-1, 1, (2, frames)) * rng.uniform(0, 1.2)
    if kind == "sine":
        return rng.uniform(0.5, 1.2) * np.sin(np.arange(frames) * rng.uniform(0.01, 3.1, (2, 1)) + rng.uniform(0, 6))
    if kind == "steep":
        return rng.choice([-0.9, 0.9], (2, frames // 3 + 1)).repeat(3, axis=1)[:, :frames]
    if kind == "grows":
        return rng.normal(0, 0.3, (2, frames)) * np.linspace(0, 1, frames) ** 3
    made = np.zeros((2, frames))
    made[:, rng.integers(0, frames, 5)] = rng.uniform(-1, 1, (2, 5))
    return made


@pytest.fixture(scope="module", autouse=True)
def short_regions() -> object:
    """Regions so short that a signal of a second has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_REGION", 1 << 13)
        yield


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["noise", "sine", "steep", "grows", "sparse"]),
    st.integers(0, 1 << 30),
    st.sampled_from([1, 100, 5000, 30_000]),
    st.booleans(),
)
def test_pruned_is_whole(kind: str, seed: int, frames: int, fast: bool) -> None:
    samples = signal(kind, seed, frames).astype(np.float32)
    found = of(samples, replace(FLOAT, sample_rate=48_000), fast=fast)
    itu, sinc = truepeak.banks()
    exact, _ = whole(samples, itu)
    high, over = whole(samples, sinc)
    assert found.true_peak_dbtp == pytest.approx(db(exact), abs=1e-9)
    assert found.high_res_peak_dbtp == pytest.approx(db(high), abs=0.0105)
    assert found.intersample.count == over


def test_bounds_hold_and_are_as_published() -> None:
    itu, sinc = truepeak.banks()
    assert (itu.l1, itu.a, itu.g) == pytest.approx((2.023, 1.0016, 0.570), abs=0.01)
    assert (sinc.l1, sinc.a, sinc.g) == pytest.approx((2.79, 1.000, 0.539), abs=0.01)


def test_intersample_overs_are_told_in_cells_of_64() -> None:
    line = np.zeros(10_000)
    line[3200:3210] = np.sin(np.pi / 2 * np.arange(10) + np.pi / 4) * 0.99
    found = of(np.stack((line, 0 * line)), FLOAT)
    assert found.sample_peak_dbfs < 0 < found.high_res_peak_dbtp
    assert found.intersample.spans[0].channel == 0
    assert (found.intersample.spans[0].start, found.intersample.spans[0].end) == (3200, 3264)
