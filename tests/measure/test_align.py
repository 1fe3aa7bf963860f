"""Where a sound lies in another one: lags to a quarter of a frame, drift to a hundredth, nothing in noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from songs import slowed

from stemwright.measure import align

FRAMES = 1 << 14
STARTS = np.arange(6) * FRAMES


def noise(seed: int, frames: int = 6 * FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, frames))


def windows(sound: np.ndarray, starts: np.ndarray = STARTS, frames: int = FRAMES) -> np.ndarray:
    return np.stack([sound[:, start : start + frames] for start in starts]).astype(np.float32)


def later(sound: np.ndarray, lag: float) -> np.ndarray:
    """By any fraction of a frame, around the end."""
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(sound.shape[1]) * lag)
    return np.fft.irfft(np.fft.rfft(sound) * turn, sound.shape[1])


@settings(deadline=None, max_examples=20)
@given(st.floats(-4000, 4000), st.floats(0, 2), st.sampled_from([1, -1]))
def test_a_lag_is_found_to_a_quarter_of_a_frame_beside_a_louder_sound(lag: float, other: float, sign: int) -> None:
    sound = noise(1)
    found = align.place(windows(sound), windows(sign * later(sound, lag) + other * noise(2)), STARTS)
    assert found is not None
    assert found.lag == pytest.approx(lag, abs=0.25)
    assert found.drift_ppm == 0


@pytest.mark.parametrize("ppm", [100.0, -30.0, 1000.0])
def test_a_drift_is_found_to_a_hundredth(ppm: float) -> None:
    frames, count = 1 << 16, 10
    starts = np.arange(count) * frames
    sound = noise(3, frames * count)
    found = align.place(windows(sound, starts, frames), windows(slowed(sound, ppm), starts, frames), starts)
    assert found is not None
    assert found.drift_ppm == pytest.approx(ppm, rel=0.01)
    assert found.lag == pytest.approx(0, abs=0.3)


def test_sounds_that_have_nothing_in_common_are_nowhere() -> None:
    assert align.place(windows(noise(4)), windows(noise(5)), STARTS) is None
    assert align.place(windows(noise(4)), windows(0 * noise(5)), STARTS) is None


def test_windows_are_moved_by_lag_and_drift() -> None:
    ramp = windows(np.arange(6.0 * FRAMES)[None])
    put = align.moved(ramp, align.Place(100.0), STARTS)
    assert np.array_equal(put[:, :, 100:], ramp[:, :, :-100])
    drifting = align.moved(ramp, align.Place(0.0, 1000.0), STARTS)[5, 0]
    middle = FRAMES // 2
    assert ramp[5, 0, middle] - drifting[middle] == round(1e-3 * (5 * FRAMES + middle))
