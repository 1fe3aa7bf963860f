"""The detectors together, behind the pass, and clipping that was filtered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import detected, windows

from stemwright.measure import levels
from stemwright.measure.detect import detect
from stemwright.measure.windows import Windows
from stemwright.model import AudioFormat, Levels

RATE = 48_000


def song() -> np.ndarray:
    """Two sides: silence, a chord that dies away, hiss of a few last bits."""
    t, rng = np.arange(6 * RATE) / RATE, np.random.default_rng(10)
    chord = np.where(t > 1, np.exp(-2 * (t - 1)), 0) * sum(np.sin(2 * np.pi * hz * t) for hz in (220.3, 331.1))
    samples = 0.2 * chord + np.where(t > 0.5, 1e-7 * rng.standard_normal((2, len(t))), 0)
    return np.round(samples * 2**23) / 2**23


def test_the_pass_keeps_what_a_plain_reading_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Windows] = []

    def spy(found: Levels, some: Windows) -> Levels:
        kept.append(some)
        return detect(found, some)

    monkeypatch.setattr(levels, "detect", spy)
    samples = song()
    found = levels.levels_of([samples.astype(np.float32)], AudioFormat("wav", "pcm", 24, RATE, 2))
    plain = windows(samples, RATE)
    assert all(map(np.array_equal, kept[0].quiet, plain.quiet))
    assert (kept[0].quiet_count, kept[0].zero_count) == (plain.quiet_count, plain.zero_count)
    assert kept[0].loud_at.tolist() == plain.loud_at.tolist()
    assert np.array_equal(kept[0].loud, plain.loud)
    expected = detected(samples, RATE)
    assert (found.dither, found.spectrum) == (expected.dither, expected.spectrum)
    assert found.words.grid == expected.words.grid


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 30_000),
    st.integers(1, 3),
    st.sampled_from([1000, 22_050, 44_100, 192_000, 768_000]),
    st.sampled_from([1e-7, 1e-3, 0.5, 1e15]),
)
def test_any_length_rate_and_level_is_judged_without_a_fault(
    frames: int, channels: int, rate: int, size: float
) -> None:
    samples = size * np.random.default_rng(frames).standard_normal((channels, frames))
    found = levels.levels_of([samples.astype(np.float32)], AudioFormat("wav", "float", 32, rate, channels))
    assert found.dither.state in ("undetermined", "noise", "absent", "silent")


def test_a_clip_that_was_filtered_leaves_a_ridge() -> None:
    noise = np.random.default_rng(11).standard_normal(6 * RATE)
    spectrum = np.fft.rfft(noise)
    spectrum[len(spectrum) // 40 :] = 0
    music = 0.5 * np.fft.irfft(spectrum) / np.abs(np.fft.irfft(spectrum)).max()
    clipped = np.convolve(music.clip(-0.15, 0.15), [0.9, 0.1], "same")
    assert detected(music).clipping.histogram_spike < 2
    assert detected(clipped).clipping.histogram_spike > 6
    assert detected(0.5 * np.sin(np.arange(6 * RATE) / 50)).clipping.histogram_spike < 5


def test_real_music_is_not_blamed(shared: Path) -> None:
    """LMMS renders straight to 16 bit without dither; one of its drum samples was clipped by its maker."""
    import soundfile

    for path in sorted((shared / "material" / "music" / "lmms_capdan-reggaetry").glob("*.flac")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        found = levels.levels_of([samples.T.copy()], AudioFormat("flac", "pcm", 16, rate, samples.shape[1]))
        assert found.dither.state in ("absent", "undetermined"), path.name
        assert found.spectrum.hum_hz is None, path.name
        assert found.clipping.histogram_spike < 6, path.name
