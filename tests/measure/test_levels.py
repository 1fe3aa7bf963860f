"""Levels: known answers, and one result wherever the blocks are cut."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.measure import levels
from stemwright.model import AudioFormat, Levels, Progress, Song, Span, Stem, StemSet

PCM24 = AudioFormat("wav", "pcm", 24, 48_000, 2)
FLOAT = AudioFormat("wav", "float", 32, 48_000, 2)
LSB = 2.0**-23


def of(samples: np.ndarray, audio_format: AudioFormat = PCM24, cuts: tuple[int, ...] = ()) -> Levels:
    """Levels of `[channels, frames]` samples, fed in blocks that end at `cuts`."""
    samples = np.atleast_2d(samples).astype(np.float32)
    found = levels.levels_of(np.split(samples, sorted(cuts), axis=1), replace(audio_format, channels=len(samples)))
    assert not any(map(math.isnan, (found.rms_dbfs, found.dc_offset, found.head_dbfs, found.tail_dbfs)))
    return found


def sine(hz: float, frames: int = 48_000, rate: int = 48_000) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(frames) / rate)


def test_sine_has_its_textbook_levels() -> None:
    found = of(np.stack((0.5 * sine(1000), 0.25 * sine(1000))))
    assert found.sample_peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert found.channel_peaks_dbfs == pytest.approx((-6.0206, -12.0412), abs=1e-3)
    assert found.rms_dbfs == pytest.approx(10 * math.log10((0.25 + 0.0625) / 4), abs=1e-4)
    assert abs(found.dc_offset) < 1e-9
    assert found.correlation == pytest.approx(1.0)


def test_dc_is_that_of_the_worst_channel_with_its_sign() -> None:
    assert of(np.stack((np.full(1000, 0.25), np.full(1000, -0.5)))).dc_offset == -0.5


@pytest.mark.parametrize(("right", "expected"), [(sine(100), 1.0), (-sine(100), -1.0), (sine(200), 0.0)])
def test_correlation(right: np.ndarray, expected: float) -> None:
    assert of(np.stack((sine(100), right))).correlation == pytest.approx(expected, abs=1e-9)


def test_correlation_is_none_unless_both_sides_sound() -> None:
    assert of(sine(100)).correlation is None
    assert of(np.stack((sine(100), 0 * sine(100)))).correlation is None


def test_silence() -> None:
    found = of(np.zeros((2, 5000)))
    assert found.silent
    assert found.used_bits == 0
    assert {found.sample_peak_dbfs, found.rms_dbfs, found.head_dbfs, found.tail_dbfs} == {-math.inf}
    assert (found.first_sound, found.last_sound, found.correlation) == (None, None, None)


def test_no_frames_at_all() -> None:
    assert levels.levels_of((), PCM24).silent
    assert of(np.zeros((2, 0))).dc_offset == 0.0


def test_head_is_1_ms_and_tail_10_ms() -> None:
    samples = np.zeros(48_000)
    samples[[47, 48, -481, -480]] = 0.1, 0.9, 0.8, 0.2
    found = of(samples, cuts=(20, 47_700, 47_900))
    assert found.head_dbfs == pytest.approx(-20.0, abs=1e-5)
    assert found.tail_dbfs == pytest.approx(-13.979, abs=1e-3)
    assert (found.first_sound, found.last_sound) == (47, 47_520)


# ---- word length ----------------------------------------------------------------------------------------------


@given(st.integers(1, 24), st.lists(st.integers(-(1 << 23), (1 << 23) - 1), min_size=1, max_size=50))
def test_used_bits_are_exact_on_the_24_bit_grid(bits: int, values: list[int]) -> None:
    unused = 24 - bits
    whole = [value >> unused << unused for value in values]
    every = 0
    for value in whole:
        every |= value
    expected = 24 - ((every & -every).bit_length() - 1) if every else 0
    assert of(np.array(whole) * LSB, cuts=(len(whole) // 2,)).used_bits == expected
    assert expected <= bits


@pytest.mark.parametrize("value", [1 / 3, LSB / 2, 1e-40, 300.0, 3e38])
def test_a_float_sample_off_the_grid_counts_as_24_bits(value: float) -> None:
    assert of(np.array([0.5, value, 0.5]), FLOAT).used_bits == 24


# ---- clipping -------------------------------------------------------------------------------------------------

TRUE_24 = np.array([3 * LSB])
"""A sample that shows that all 24 bits are used."""


@pytest.mark.parametrize(
    ("audio_format", "value", "clipped"),
    [
        (PCM24, 1 - LSB, True),
        (PCM24, -1.0, True),
        (PCM24, -1 + LSB, True),
        (PCM24, 1 - 2 * LSB, False),
        (replace(PCM24, bits=16), 1 - 2.0**-15, True),
        (replace(PCM24, bits=16), 1 - 2.0**-14, False),
        (replace(PCM24, bits=8), 1 - 2.0**-7, True),
        (FLOAT, 1.0, True),
        (FLOAT, 1.0 + 2.0**-20, False),
    ],
)
def test_full_scale_is_within_one_step_of_the_word_length(
    audio_format: AudioFormat, value: float, clipped: bool
) -> None:
    quiet = TRUE_24 if audio_format.bits >= 24 else np.array([0.5])
    samples = np.concatenate((quiet, [value] * 3, quiet))
    assert of(samples, audio_format).clipped == ((Span(1, 4),) if clipped else ())


def test_padded_16_bit_is_judged_as_16_bit() -> None:
    top = 1 - 2.0**-15
    assert of(np.array([0.5 + 2.0**-15, top, top, top, 0.0])).clipped == (Span(1, 4),)
    assert of(np.array([0.5 + LSB, top, top, top, 0.0])).clipped == ()


def test_runs_are_counted_per_channel_and_100_are_told() -> None:
    left = np.tile([0.5 + LSB, 1.0, 1.0, 1.0], 150)
    right = np.concatenate(([0.0, 0.0, -1.0, -1.0, -1.0], np.zeros(595)))
    found = of(np.stack((left, right)), FLOAT)
    assert found.clipped_runs == 151
    assert len(found.clipped) == 100
    assert found.clipped[:3] == (Span(1, 4), Span(2, 5), Span(5, 8))


def test_two_channels_do_not_make_one_run() -> None:
    assert of(np.array([[1.0, 1.0, 0.1, 0.1], [0.1, 0.1, 1.0, 1.0]]), FLOAT).clipped_runs == 0


def test_a_run_that_ends_with_its_block_is_closed_there() -> None:
    samples = np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 1.0, 1.0, 0.1])
    assert of(samples, FLOAT, cuts=(3, 6)).clipped == (Span(0, 3),)


def test_not_finite_samples_are_counted_and_left_out() -> None:
    found = of(np.array([[0.5, math.nan, -0.5], [math.inf, 0.25, -math.inf]]), FLOAT)
    assert found.not_finite == 3
    assert found.sample_peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert found.dc_offset == pytest.approx(0.25 / 3)


# ---- independence of the block size ---------------------------------------------------------------------------

SAMPLES = st.sampled_from([0.0, 0.0, 0.5, -0.25, 3 * LSB, 1 / 3, 1.0, 1.0, 1 - LSB, 1 - 2.0**-15, -1.0, 2.0, math.nan])


@given(
    st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(SAMPLES, min_size=n, max_size=n), min_size=1, max_size=60)),
    st.lists(st.integers(0, 60), max_size=8),
    st.sampled_from([PCM24, FLOAT, replace(PCM24, bits=16), replace(PCM24, sample_rate=1000)]),
)
def test_blocks_may_be_cut_anywhere(frames: list[list[float]], cuts: list[int], audio_format: AudioFormat) -> None:
    samples = np.array(frames).T
    whole, pieces = of(samples, audio_format), of(samples, audio_format, tuple(cuts))
    sums = ("rms_dbfs", "dc_offset", "correlation")
    for name in sums:  # float sums: equal up to the order of additions
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), abs=1e-12), name
    same = {name: getattr(whole, name) for name in sums}
    assert replace(pieces, **same) == whole


# ---- whole sets -----------------------------------------------------------------------------------------------


def write(path: Path, samples: np.ndarray) -> Stem:
    with WavWriter(path, 48_000, len(samples), 32, "float") as out:
        out.write(samples.astype(np.float32))
    return Stem(probe(path), "other", path.stem)


def run(stems: StemSet) -> tuple[list[Progress], StemSet]:
    measuring, seen = levels.measure_set(stems), []
    while True:
        try:
            seen.append(next(measuring))
        except StopIteration as end:
            return seen, end.value


def test_measure_set_fills_all_levels_in_place(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 600_000))
    stems = tuple(write(tmp_path / f"{gain}.wav", noise * gain) for gain in (0.1, 0.5, 1.0))
    mix = write(tmp_path / "mix.wav", noise * 0.7)
    seen, done = run(StemSet(Song("Song", 48_000), stems, mix))
    assert [(step.done, step.total) for step in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {step.subject for step in seen} == {"0.1.wav", "0.5.wav", "1.0.wav", "mix.wav"}
    assert [stem.name for stem in done.stems] == ["0.1", "0.5", "1.0"]
    for stem in done.everything:
        assert stem.levels == levels.measure(stem.file)
        assert stem.levels is not None
    assert done.mix is not None
    assert replace(done.mix, levels=None) == mix


@pytest.mark.parametrize("which", ["stem", "mix"])
def test_a_file_that_stops_in_the_middle_moves_to_unreadable(tmp_path: Path, which: str) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (1, 10_000))
    good, bad = write(tmp_path / "good.wav", noise), write(tmp_path / "bad.wav", noise)
    data = bad.file.path.read_bytes()
    bad.file.path.write_bytes(data[: len(data) // 2])
    stems = (
        StemSet(Song("Song", 48_000), (good, bad)) if which == "stem" else StemSet(Song("Song", 48_000), (good,), bad)
    )
    _, done = run(stems)
    assert [stem.name for stem in done.everything] == ["good"]
    (lost,) = done.unreadable
    assert (lost.path, lost.kind) == (bad.file.path, "damaged")
    assert "of 10000 frames" in lost.reason
    assert str(tmp_path) not in lost.reason


def test_a_set_can_be_left_half_measured(tmp_path: Path) -> None:
    stems = tuple(write(tmp_path / f"{index}.wav", np.zeros((1, 1000))) for index in range(5))
    measuring = levels.measure_set(StemSet(Song("Song", 48_000), stems))
    threads = threading.active_count()
    next(measuring)
    measuring.close()
    assert threading.active_count() == threads
