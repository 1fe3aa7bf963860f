"""Tempo, beat and bar 1 of synthesised bands, of things without a beat, and of real music with known tempo."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from band import RATE, clicks, finished, song
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.audio.probe import probe
from stemwright.measure.candidates import Candidate, rounder
from stemwright.measure.grid import snap
from stemwright.measure.key import estimate_key
from stemwright.measure.onsets import levelled, moving_max, moving_mean
from stemwright.measure.song import heard
from stemwright.measure.tempo import estimate_tempo
from stemwright.units import parse_key

OCTAVES = (1, 2, 0.5, 3, 1 / 3)


@pytest.mark.parametrize("bpm", [60, 72, 84, 93.5, 100, 110.25, 120, 128, 140, 151.2, 160, 174])
def test_the_tempo_of_a_clear_song_is_exact_and_bar_1_is_found(bpm: float) -> None:
    tempo = estimate_tempo(song(bpm, 40, start_s=0.5), RATE)
    assert tempo is not None
    assert tempo.estimate.value == bpm
    assert tempo.exact_bpm == pytest.approx(bpm, rel=2e-5)
    assert tempo.estimate.confidence > 0.8
    assert tempo.downbeat_frame / RATE == pytest.approx(0.5, abs=0.008)
    period = 60 / tempo.estimate.value
    assert math.remainder(tempo.beat_frame / RATE - 0.5, period) == pytest.approx(0, abs=0.008)


def test_swing_does_not_bend_the_tempo() -> None:
    tempo = estimate_tempo(song(112, 40, swing=0.66), RATE)
    assert tempo is not None
    assert tempo.estimate.value == 112


def test_a_tempo_that_is_surely_no_round_number_is_kept() -> None:
    tempo = estimate_tempo(song(120.037, 60), RATE)
    assert tempo is not None
    assert tempo.estimate.value == pytest.approx(120.037, abs=0.01)
    assert tempo.estimate.value != 120


def test_level_and_polarity_do_not_matter() -> None:
    audio = song(97, 20)
    found = [estimate_tempo(gain * audio, RATE) for gain in (np.float32(1), np.float32(-1e-3), np.float32(40))]
    assert {tempo.estimate.value for tempo in found if tempo} == {97}


def test_a_known_tempo_is_kept_and_the_one_heard_beside_it_told() -> None:
    audio = song(93.5, 40, start_s=0.25)
    right, rounded, half = (estimate_tempo(audio, RATE, bpm=bpm) for bpm in (93.5, 94.0, 46.75))
    assert right and rounded and half
    assert right.estimate.value == 93.5 and right.estimate.alternatives == ()
    assert rounded.estimate.value == 94 and rounded.estimate.alternatives == (93.5,)
    assert half.estimate.value == 46.75
    for tempo in (right, rounded, half):
        assert math.remainder(tempo.downbeat_frame / RATE - 0.25, 60 / 93.5) == pytest.approx(0, abs=0.008)


def test_a_known_tempo_that_is_not_heard_has_no_grid() -> None:
    assert estimate_tempo(song(100, 30), RATE, bpm=113.0) is None


@pytest.mark.parametrize("bpm", [20.0, 30.0, 999.0])
def test_extreme_known_tempi_on_a_short_clip(bpm: float) -> None:
    tempo = estimate_tempo(song(120, 4.1), RATE, bpm=bpm)
    assert tempo is None or (tempo.estimate.value == bpm and 0 <= tempo.downbeat_frame <= 4.1 * RATE)


@pytest.mark.parametrize("seconds", [4.0, 4.6, 9.0])
def test_a_slow_range_on_a_clip_of_one_beat(seconds: float) -> None:
    click = np.zeros(int(seconds * RATE), np.float32)
    click[len(click) // 2] = 1
    assert estimate_tempo(click, RATE, within=(20, 41)) is None


def test_where_there_is_no_beat_there_is_no_tempo() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(60 * RATE).astype(np.float32)
    nothing = {
        "empty": np.zeros(0, np.float32),
        "silence": np.zeros(20 * RATE, np.float32),
        "nan": np.full(20 * RATE, np.nan, np.float32),
        "a second": song(120, 1),
        "noise": noise,
        "short noise": noise[: 5 * RATE],
        "sine": np.sin(np.arange(20 * RATE) * 0.1).astype(np.float32),
        "one hit": clicks(np.array([1.0]), 8),
        "rain": clicks(np.cumsum(rng.exponential(0.3, 200)), 60),
    }
    assert {name: estimate_tempo(audio, RATE) for name, audio in nothing.items()} == dict.fromkeys(nothing)


def test_a_tempo_that_wanders_is_not_trusted() -> None:
    rng = np.random.default_rng(5)
    wandering = [0.5 * np.exp(np.cumsum(0.05 * rng.standard_normal(130))) for _ in range(3)]
    found = [estimate_tempo(clicks(np.cumsum(steps), 60), RATE) for steps in wandering]
    assert max(tempo.estimate.confidence if tempo else 0.0 for tempo in found) < 0.3


def test_a_human_drummer_is_trusted() -> None:
    jitter = 0.01 * np.random.default_rng(2).standard_normal(119)
    tempo = estimate_tempo(clicks(np.arange(1, 120) * 0.5 + jitter, 60), RATE)
    assert tempo is not None
    assert tempo.estimate.value == 120 and 60 in tempo.estimate.alternatives  # no snare tells
    assert tempo.estimate.confidence > 0.7


def test_nan_samples_count_as_silence() -> None:
    audio = song(128, 20)
    audio[5000:5100] = np.nan
    audio[9000] = np.inf
    tempo = estimate_tempo(audio, RATE)
    assert tempo is not None
    assert tempo.estimate.value == 128


def test_short_songs_are_rounded_to_what_they_can_be_told_from() -> None:
    assert snap(133.512, 0.003, 75) == 133.51  # 7 ms off 133.5 by the end, three times that after four minutes
    assert snap(85.014, 0.005, 80) == 85  # loose playing: 13 ms, but within three standard errors
    assert snap(150.013, 0.0012, 240) == 150.01  # a clock of its own


@given(st.floats(40, 300), st.floats(1e-4, 0.2), st.floats(4, 600))
def test_snapping_never_moves_a_grid_by_more_than_40_ms(bpm: float, error: float, duration_s: float) -> None:
    assert abs(snap(bpm, error, duration_s) / bpm - 1) * duration_s < 0.0401


@settings(max_examples=30)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.sampled_from([3, 5, 41]))
def test_moving_mean_and_maximum(values: list[float], width: int) -> None:
    padded = np.pad(np.array(values), width // 2, mode="edge")
    windows = [padded[at : at + width] for at in range(len(values))]
    np.testing.assert_allclose(moving_mean(np.array(values), width), [w.mean() for w in windows], atol=1e-9)
    np.testing.assert_array_equal(moving_max(np.array(values), width), [w.max() for w in windows])


def test_levelling_gives_one_rms() -> None:
    audio = levelled(song(120, 4) * np.float32(1e-2))
    assert audio is not None
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.07, rel=1e-3)


def test_real_music_with_known_tempo_and_key(shared: Path) -> None:
    """17 pieces; the table has the grid of a karaoke file for two, which neither its own lyric onsets keep nor we."""
    material = shared / "material"
    with (material / "bpm_key_truth.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    same = related = exact = right_keys = keys = 0
    for row in rows:
        path = material / row["path"]
        stems = "sum" in row["source"] + row["note"]
        audio = finished(heard([probe(p) for p in (sorted(path.parent.glob("*.*")) if stems else [path])]))
        tempo, key, truth = estimate_tempo(audio, RATE), estimate_key(audio, RATE), float(row["bpm"])
        if tempo:
            ratio = min((tempo.estimate.value / truth / ratio for ratio in OCTAVES), key=lambda r: abs(r - 1))
            same += abs(tempo.estimate.value / truth - 1) < 0.04
            related += abs(ratio - 1) < 0.04
            exact += abs(ratio - 1) * truth < 0.005
        if row["key"]:
            keys += 1
            right_keys += key is not None and key.estimate.value == parse_key(row["key"])
    assert related >= 15 and exact >= 14 and same >= 12
    assert right_keys == keys == 7


@pytest.mark.parametrize(
    ("exact", "other", "behind", "best"),
    [
        (66.6665, 100, 2.5, 100),  # two thirds of a round tempo
        (66.6665, 100, 3.5, 66.6665),  # heard too clearly
        (60.0005, 90, 0.5, 60.0005),  # both are round
        (63.2501, 126.5, 0.5, 63.2501),  # an octave is as round
        (93.7501, 125, 1.5, 125),  # half of 187.5: halves are rare
        (97.031, 145.55, 0.5, 97.031),  # neither is
        (66.6665, 101.5, 0.5, 66.6665),  # another tempo, not another count
    ],
)
def test_two_thirds_of_a_round_tempo_are_hardly_a_tempo(exact: float, other: float, behind: float, best: float) -> None:
    heard = [Candidate(exact, 20.0), Candidate(other, 20.0, score=-behind)]
    assert rounder(heard, exact, 0.001, 240)[0].bpm == best
