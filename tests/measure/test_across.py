"""What the whole set tells: when it is read, the peak of the sum, sets that cannot be laid side by side."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from songs import RATE, band, measured, mixed, total

from stemwright.measure import across as room
from stemwright.measure import together
from stemwright.measure.fit import fit
from stemwright.model import Across, StemSet


def across(stems: StemSet) -> Across:
    assert stems.across is not None
    return stems.across


def peak_dbfs(samples: np.ndarray) -> float:
    return 20 * math.log10(np.abs(samples).max())


@pytest.mark.parametrize("mixed_down", [True, False])
def test_the_peak_of_the_sum_is_exact_with_and_without_a_mix(tmp_path: Path, mixed_down: bool) -> None:
    sounds = {name: sound * 3 / np.abs(total(band())).max() for name, sound in band().items()}
    sounds = {name: np.clip(sound, -0.99, 0.99) for name, sound in sounds.items()}
    stems = measured(tmp_path, sounds, 0.2 * total(sounds) if mixed_down else None)
    assert across(stems).sum_peak_dbfs == pytest.approx(peak_dbfs(total(sounds)), abs=1e-4)


def test_the_peak_of_stems_of_different_lengths(tmp_path: Path) -> None:
    long, short = np.full((2, 400_000), 0.3), np.full((2, 100_000), 0.8)
    short[:, 70_000] = 0.95
    assert across(measured(tmp_path, {"A": long, "B": short}, None)).sum_peak_dbfs == pytest.approx(
        20 * math.log10(1.25), abs=1e-4
    )


def test_without_a_mix_little_is_read_of_stems_whose_sum_cannot_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = {name: 0.05 * sound / np.abs(sound).max() for name, sound in band(60).items()}
    read = 0

    def counted(tracks: list[together.Track], spans: together.Spans) -> object:
        nonlocal read
        read += sum(frames for _, frames in spans)
        return side_by_side(tracks, spans)

    side_by_side = together.side_by_side
    monkeypatch.setattr(together, "side_by_side", counted)
    monkeypatch.setattr(room, "side_by_side", counted)
    found = across(measured(tmp_path, sounds, None))
    assert found.sum_peak_dbfs is None
    assert 0 < read < 0.05 * 60 * RATE


def test_a_mix_at_another_rate_is_not_compared(tmp_path: Path) -> None:
    sounds = band(2)
    found = across(measured(tmp_path, sounds, total(sounds), mix_rate=44_100))
    assert found.mixdown is None


def test_a_silent_mix_is_not_compared(tmp_path: Path) -> None:
    sounds = band(2)
    assert across(measured(tmp_path, sounds, 0 * total(sounds))).mixdown is None


def test_surround_stems_are_left_out_of_sums(tmp_path: Path) -> None:
    sounds = band(2)
    stems = measured(tmp_path, {**sounds, "Room": np.vstack([sounds["Part0"]] * 2)}, total(sounds))
    assert across(stems).sum_peak_dbfs is None
    assert across(stems).mixdown is None


@pytest.mark.parametrize("frames", [500, 20_000])
def test_very_short_sets(tmp_path: Path, frames: int) -> None:
    rng = np.random.default_rng(1)
    sounds = {name: 0.1 * rng.standard_normal((2, frames)) for name in "ABC"}
    assert len(mixed(measured(tmp_path, sounds, 0.7 * rng.standard_normal((2, frames)))).parts) == 3
    assert across(measured(tmp_path, sounds, None)).mixdown is None


def test_a_single_frame_is_no_more_than_a_dc_offset(tmp_path: Path) -> None:
    sounds = {name: np.full((2, 1), value) for name, value in (("A", 0.1), ("B", -0.2))}
    stems = across(measured(tmp_path, sounds, np.full((2, 1), 0.3)))
    assert stems.mixdown is None


def test_silent_stems_and_one_stem_alone(tmp_path: Path) -> None:
    sounds = band(2)
    stems = measured(tmp_path, {**sounds, "Silent": 0 * sounds["Part0"]}, total(sounds))
    assert mixed(stems).residual_db < -100
    assert [part.path.stem for part in mixed(stems).parts] == ["Part0", "Part1", "Part2", "Part3"]
    assert across(measured(tmp_path, {"A": sounds["Part0"]}, None)) == Across()
    assert across(measured(tmp_path, {"A": 0 * sounds["Part0"]}, None)) == Across()


def test_a_mono_mix_and_a_longer_mix(tmp_path: Path) -> None:
    sounds = band(3)
    assert mixed(measured(tmp_path, sounds, total(sounds).mean(axis=0, keepdims=True))).residual_db < -100
    assert mixed(measured(tmp_path, sounds, np.pad(total(sounds), ((0, 0), (0, RATE))))).residual_db < -100


@given(st.lists(st.floats(-1, 1).filter(lambda gain: abs(gain) > 0.01), min_size=2, max_size=6), st.integers(0, 99))
def test_gains_of_unlike_stems_are_exact_and_their_error_is_honest(gains: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((30, 2, len(gains), 400))
    noise = 0.1 * rng.standard_normal((30, 2, 1, 400))
    mix = np.einsum("i,kcin->kcn", gains, rows)[:, :, None]
    for extra in (0 * noise, noise):
        everything = np.concatenate((rows, mix + extra), axis=2)
        found = fit(everything @ everything.swapaxes(-1, -2), [False] * len(gains), seconds=30)
        assert np.all(np.abs(found.gain - gains) < 1e-9 + 6 * found.error)
        assert found.decided.all()
    assert found.decibels == pytest.approx(20 * math.log10(0.1 / np.sqrt(np.square(gains).sum() + 0.01)), abs=1)


def test_nothing_that_could_be_compared(tmp_path: Path) -> None:
    silence = np.zeros((2, RATE))
    rest = measured(tmp_path, {"A": silence, "B": silence}, silence)
    assert across(rest).mixdown is None
    assert room.measure_across(StemSet(rest.song, ())) == Across()
    assert room.measure_across(StemSet(rest.song, (), rest.mix)).mixdown is None


def test_a_stem_alone_is_no_copy_of_its_mix(tmp_path: Path) -> None:
    sounds = band(2)
    stems = measured(tmp_path, {"A": sounds["Part0"], "B": 0 * sounds["Part0"]}, sounds["Part0"])
    assert across(stems).twins == ()
    assert mixed(stems).residual_db < -100


def test_mono_stems_under_a_stereo_mix_and_their_mono_copy(tmp_path: Path) -> None:
    mono = {name: sound[:1] for name, sound in band(2).items()}
    mix = 0.5 * np.repeat(total(mono), 2, axis=0)
    assert mixed(measured(tmp_path, mono, mix)).fitted_db < -100
    (pair,) = across(measured(tmp_path, {**mono, "Song_v2": mix[:1]}, mix)).twins
    assert (pair.first.stem, pair.second.stem, pair.exact) == ("FullMix", "Song_v2", False)
