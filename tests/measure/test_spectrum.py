"""Cliffs, hum and floors."""

from __future__ import annotations

import numpy as np
import pytest
from kept import detected

RATE = 48_000
T = np.arange(8 * RATE) / RATE
NOISE = np.random.default_rng(6).standard_normal(len(T))


def ended(hz: float, slope_octaves: float = 0.0) -> np.ndarray:
    """Noise that ends at a frequency: with a cliff, or falling by 24 dB in so many octaves."""
    spectrum, at = np.fft.rfft(NOISE), np.fft.rfftfreq(len(NOISE), 1 / RATE)
    above = np.log2(np.maximum(at, 1) / hz).clip(0)
    gain = (at < hz) if not slope_octaves else 10 ** (-24 / 20 * above / slope_octaves)
    return 0.1 * np.fft.irfft(spectrum * gain)


@pytest.mark.parametrize("hz", [15_000, 16_400, 19_100, 20_200, 21_600])
def test_a_cliff_is_found_where_it_is(hz: int) -> None:
    found = detected(ended(hz)).spectrum
    assert found.cliff_hz == pytest.approx(hz, abs=100)
    assert found.cliff_db > 60
    assert found.above_db < -100


@pytest.mark.parametrize(("hz", "octaves"), [(24_000, 0.0), (23_800, 0.0), (13_000, 0.0), (6_000, 1.0), (16_000, 0.3)])
def test_full_dark_and_filtered_sounds_have_none(hz: int, octaves: float) -> None:
    assert detected(ended(hz, octaves)).spectrum.cliff_hz is None


def test_what_sounds_now_and_then_above_is_no_cliff() -> None:
    now_and_then = np.where(T % 1 < 0.3, 0.1 * NOISE, ended(16_000))
    assert detected(now_and_then).spectrum.cliff_hz is None


@pytest.mark.parametrize("hz", [440.0, 5000.0])
def test_centroid_of_a_tone(hz: float) -> None:
    assert detected(0.5 * np.sin(2 * np.pi * hz * T)).spectrum.centroid_hz == pytest.approx(hz, rel=0.01)


def played(pause: np.ndarray) -> np.ndarray:
    """Loud noise in the first and third quarter, `pause` all over."""
    return np.where(T % 4 < 2, 0.2 * NOISE, 0) + pause


@pytest.mark.parametrize("mains", [50.0, 60.0])
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_hum(mains: float, rate: int) -> None:
    t = np.arange(len(T)) / rate
    hum = sum(0.002 / k * np.sin(2 * np.pi * mains * k * t + k) for k in range(1, 9))
    found = detected(played(hum + 1e-5 * NOISE), rate).spectrum
    assert found.hum_hz == mains


@pytest.mark.parametrize(
    "pause",
    [
        pytest.param(1e-3 * NOISE, id="hiss"),
        pytest.param(2e-3 * np.sin(2 * np.pi * 73.4 * T), id="another tone"),
        pytest.param(2e-3 * np.sin(2 * np.pi * 49.0 * T) * np.exp(-4 * (T % 2)), id="a bass note that dies away"),
    ],
)
def test_other_pauses_do_not_hum(pause: np.ndarray) -> None:
    assert detected(played(pause)).spectrum.hum_hz is None


def test_the_floor_is_that_of_the_pauses() -> None:
    assert detected(played(1e-3 * NOISE)).spectrum.floor_dbfs == pytest.approx(-60, abs=0.5)
    assert detected(played(0 * NOISE)).spectrum.floor_dbfs is None
    assert detected(0.1 * NOISE).spectrum.floor_dbfs is None
    assert detected(0.3 * NOISE * 10 ** (-T)).spectrum.floor_dbfs is None
