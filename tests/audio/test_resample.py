"""Another sample rate keeps every moment where it was and the length that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.audio.resample import resampled
from stemwright.units import rescale


def tone(frames: int, rate: int, hertz: float = 15_000.0) -> np.ndarray:
    time = np.arange(frames) / rate
    envelope = np.sin(np.pi * np.arange(frames) / frames) ** 2
    return (0.5 * envelope * np.vstack([np.sin(2 * np.pi * hertz * time), np.cos(2 * np.pi * hertz * time)])).astype(
        np.float32
    )


def cut(block: np.ndarray, size: int) -> list[np.ndarray]:
    return [block[:, at : at + size] for at in range(0, block.shape[1], size)]


@pytest.mark.parametrize(("source", "target"), [(48_000, 44_100), (44_100, 48_000), (96_000, 44_100), (44_100, 88_200)])
def test_a_tone_stays_in_place(source: int, target: int) -> None:
    given_ = tone(source, source)
    frames = rescale(source, source, target)
    out = np.concatenate(list(resampled(cut(given_, 4096), source, target, frames)), axis=1)
    assert out.shape == (2, frames) and out.dtype == np.float32
    error = 20 * np.log10(np.abs(out - tone(target, target)).max())
    assert error < -90  # a delay of a hundredth of a frame would leave -64 dB


@settings(max_examples=30, deadline=None)
@given(
    frames=st.integers(0, 3000),
    wanted=st.integers(0, 4000),
    size=st.integers(1, 3000),
    to=st.sampled_from([44_100, 48_000]),
)
def test_the_length_is_the_one_asked_for(frames: int, wanted: int, size: int, to: int) -> None:
    out = list(resampled(cut(tone(frames, 48_000), size), 48_000, to, wanted)) if frames else []
    assert sum(block.shape[1] for block in out) == (wanted if frames else 0)
    if to == 48_000 and frames:
        assert np.array_equal(
            np.concatenate([*out, np.zeros((2, 0))], axis=1)[:, :frames], tone(frames, 48_000)[:, :wanted]
        )


def test_an_empty_source_becomes_silence() -> None:
    assert [block.tolist() for block in resampled([], 48_000, 44_100, 3)] == [[[0, 0, 0]]]
