"""Grids behind a gain change, and rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kept import detected

NOISE = 0.1 * np.random.default_rng(4).standard_normal(4 * 48_000)


def through(bits: int, gain: float, sound: np.ndarray = NOISE) -> np.ndarray:
    return np.round(sound * 2 ** (bits - 1)) / 2 ** (bits - 1) * gain


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([16, 18]), st.floats(0.2, 1.5))
def test_the_grid_is_found_and_the_largest_one(bits: int, gain: float) -> None:
    words = detected(through(bits, gain)).words
    assume(words.used_bits > 22)  # a gain of 0.5, 0.25, ... leaves fewer bits in use, and that says it
    assert words.grid is not None
    assert words.grid > 0.8
    assert words.grid_bits == pytest.approx(bits - np.log2(gain), abs=0.03)


def test_20_bits_turned_down_are_found() -> None:
    words = detected(through(20, 0.77)).words
    assert words.grid is not None
    assert words.grid > 0.7
    assert words.grid_bits == pytest.approx(20 - np.log2(0.77), abs=0.03)


def test_each_side_may_have_its_own_gain() -> None:
    words = detected(np.stack((through(16, 0.9), through(16, 0.3)))).words
    assert min(abs(words.grid_bits - (16 - np.log2(gain))) for gain in (0.9, 0.3)) < 0.03


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(NOISE, id="noise"),
        pytest.param(np.convolve(through(16, 1.0), [1, -0.3137], "same"), id="16 bits through a filter"),
        pytest.param(np.tile(NOISE[:1200] * np.exp(-np.arange(1200) / 300), 160), id="the same drum 160 times"),
        pytest.param(through(16, 0.83) + 0.5 * through(16, 0.61, np.roll(NOISE, 99)), id="two sources mixed"),
    ],
)
def test_what_has_no_grid_has_none(sound: np.ndarray) -> None:
    words = detected(sound).words
    assert words.grid is not None
    assert words.grid < 0.2


def test_few_levels_are_not_judged() -> None:
    square = 0.3 * np.sign(np.sin(2 * np.pi * 110.1 * np.arange(96_000) / 48_000))
    assert detected(square).words.grid is None


@pytest.mark.parametrize(("cut", "said"), [(np.floor, "floor"), (np.trunc, "toward zero"), (np.round, "")])
def test_rounding(cut: np.ufunc, said: str) -> None:
    quiet = 6.0 * np.random.default_rng(5).standard_normal(3 * 48_000)
    assert detected(np.concatenate((cut(quiet).astype(np.int64), np.full(4096, 2**22 + 1)))).words.rounding == said


def test_a_slate_tone_in_recorded_noise_is_no_grid() -> None:
    """As a field recorder writes it: noise at -100 dBFS that weighs nothing, and an exact tone that crosses zero in
    equal steps."""
    made = 1e-5 * np.random.default_rng(6).standard_normal(4 * 48_000)
    made[:20_000] = 0.1 * np.sin(2 * np.pi * 997 / 48_000 * np.arange(20_000))
    assert detected(through(24, 1.0, made)).words.grid is None


T = np.arange(6 * 48_000) / 48_000
RAMP = np.abs(np.arange(len(T)) % 480 / 240 - 1)


@pytest.mark.parametrize("peak", [1.0, 0.1, 0.05, 0.01, 0.001])
@pytest.mark.parametrize(
    "wave",
    [
        pytest.param(np.sin(2 * np.pi * 997 * T), id="997 Hz"),
        pytest.param(np.sin(2 * np.pi * 1000 * T), id="1 kHz"),
        pytest.param(np.sin(2 * np.pi * 440 * T), id="440 Hz"),
        pytest.param(np.sign(np.sin(2 * np.pi * 100 * T + 0.1)), id="square"),
        pytest.param(2 * RAMP - 1, id="triangle"),
        pytest.param(2 * (np.arange(len(T)) % 44_100 / 44_100) - 1, id="slow saw"),
        pytest.param(np.arange(len(T)) % 480 / 240 - 1, id="saw"),
        pytest.param(np.sin(2 * np.pi * (20 * T + 1500 * T**2)), id="linear sweep"),
        pytest.param(np.sin(60 * np.pi * np.expm1(T) / np.e), id="exponential sweep"),
    ],
)
def test_a_generated_wave_is_no_gain_change(wave: np.ndarray, peak: float) -> None:
    grid = detected(through(24, 1.0, peak * wave)).words.grid
    assert grid is None or grid < 0.5


@pytest.mark.parametrize(("bits", "gain"), [(16, 0.83), (16, 0.31), (18, 0.9), (20, 0.77)])
def test_a_tone_with_noise_behind_a_gain_change_still_stands_on_its_grid(bits: int, gain: float) -> None:
    sound = 0.05 * np.sin(2 * np.pi * 110 * T) + 0.01 * np.random.default_rng(9).standard_normal(len(T))
    words = detected(through(bits, gain, sound)).words
    assert words.grid is not None and words.grid > 0.5
    assert words.grid_bits == pytest.approx(bits - np.log2(gain), abs=0.03)
