"""Songs that change their tempo: recognised, mapped with few points, and those that do not left alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from band import MAJOR, RATE, drum, note, put, song

from stemwright.measure import family, grid
from stemwright.measure.bars import find_bars
from stemwright.measure.onsets import Curve
from stemwright.measure.tempo import Tempo, estimate_tempo
from stemwright.measure.tempomap import evened, fewest_knots


def played(beats_s: np.ndarray, seconds: float) -> np.ndarray:
    """Drums, bass and a chord a bar (4/4) on these beats."""
    out = (1e-4 * np.random.default_rng(1).standard_normal(round(seconds * RATE))).astype(np.float32)
    for number, (at, after) in enumerate(pairwise(beats_s)):
        root = (0, 5, 7, 9)[number // 4 % 4]
        put(out, at, note(36 + root, after - at), 0.25)
        put(out, at, drum("snare" if number % 2 else "kick"), 0.6)
        put(out, at, drum("hat"))
        put(out, (at + after) / 2, drum("hat"))
        for interval in MAJOR if number % 4 == 0 else ():
            put(out, at, note(60 + root + interval, 4 * (after - at)), 0.12)
    return out


def beats_at(tempi: np.ndarray) -> np.ndarray:
    return 0.5 + np.concatenate([[0], np.cumsum(60 / tempi)])


def mapped(tempo: Tempo, count: int) -> np.ndarray:
    """The first beats from bar 1 on, by the map."""
    changes = [(0.0, tempo.estimate.value), *((float(change.at), change.bpm) for change in tempo.changes)]
    bpm = np.array([[bpm for at, bpm in changes if at <= beat][-1] for beat in range(count - 1)])
    return tempo.downbeat_frame / RATE + np.concatenate([[0], np.cumsum(60 / bpm)])


def test_a_step_on_a_bar_line_is_one_change() -> None:
    beats = beats_at(np.repeat([110.0, 120.0], [64, 80]))
    tempo = estimate_tempo(played(beats, beats[-1]), RATE)
    assert tempo is not None
    assert tempo.estimate.value == pytest.approx(110, abs=0.15)
    assert tempo.changes[-1].bpm == pytest.approx(120, abs=0.15)
    assert len(tempo.changes) <= 2
    assert all(abs(change.at - 64) <= 4 for change in tempo.changes)
    assert np.median(np.abs(mapped(tempo, 140) - beats[:140])) < 0.008
    assert tempo.estimate.confidence > 0.6


def test_a_slight_step_late_in_the_song_is_told() -> None:
    beats = beats_at(np.repeat([104.0, 106.5], [128, 48]))
    tempo = estimate_tempo(played(beats, beats[-1]), RATE)
    assert tempo is not None
    assert tempo.changes
    assert tempo.changes[-1].bpm == pytest.approx(106.5, abs=0.2)


@pytest.mark.parametrize("to", [112.0, 146.0])
def test_a_ramp_is_followed_in_a_few_steps(to: float) -> None:
    beats = beats_at(np.linspace(128, to, 160))
    tempo = estimate_tempo(played(beats, beats[-1]), RATE)
    assert tempo is not None
    assert 2 <= len(tempo.changes) <= 16
    off = np.abs(mapped(tempo, 150) - beats[:150])
    assert np.median(off) < 0.008 and np.percentile(off, 95) < 0.03


def test_a_drummer_without_a_click() -> None:
    drift = 124 + 2.4 * np.sin(np.arange(180) / 24)
    beats = beats_at(drift)
    tempo = estimate_tempo(played(beats, beats[-1]), RATE)
    assert tempo is not None and tempo.changes
    assert np.median(np.abs(mapped(tempo, 170) - beats[:170])) < 0.008


def test_a_drummer_with_a_click_keeps_one_tempo() -> None:
    loose = 0.5 + np.arange(150) * 60 / 124 + 0.006 * np.random.default_rng(3).standard_normal(150)
    tempo = estimate_tempo(played(loose, loose[-1]), RATE)
    assert tempo is not None
    assert (tempo.estimate.value, tempo.changes) == (124, ())


def test_a_break_without_drums_is_no_change() -> None:
    audio = np.concatenate([song(120, 24), song(120, 16, drums=False), song(120, 24)])
    tempo = estimate_tempo(audio, RATE)
    assert tempo is not None
    assert (tempo.estimate.value, tempo.changes) == (120, ())


def test_the_range_of_the_user_decides_the_octave() -> None:
    audio = song(84, 30)
    found = [estimate_tempo(audio, RATE, within=within) for within in ((60, 110), (130, 200), (50, 54))]
    assert [tempo and tempo.estimate.value for tempo in found[:2]] == [84, 168]
    assert found[2] is None or 50 <= found[2].estimate.value <= 54


def test_drums_refine_the_grid_and_silent_ones_do_no_harm() -> None:
    beats = 0.5 + np.arange(80) * 60 / 118.37
    mix = played(beats, beats[-1])
    drums = np.zeros_like(mix)
    for number, at in enumerate(beats):
        put(drums, at, drum("snare" if number % 2 else "kick"), 0.6)
    silent = np.zeros_like(mix)
    alone, finer, fallen_back = (estimate_tempo(mix, RATE, drums=given) for given in (None, drums, silent))
    assert alone is not None and finer is not None
    assert finer.estimate.value == pytest.approx(118.37, abs=0.011)
    assert finer.downbeat_frame / RATE == pytest.approx(0.5, abs=0.008)
    assert fallen_back == alone


@pytest.mark.parametrize("beats", [3, 4, 5, 7])
def test_bars_of_any_length_are_found_in_accents(beats: int) -> None:
    rng = np.random.default_rng(beats)
    scores = rng.standard_normal(120)
    scores[2::beats] += 2.5
    found = find_bars(scores)
    assert (found.beats, found.first) == (beats, 2)
    assert found.confidence > 0.5


def test_without_accents_it_is_four_four_with_little_confidence() -> None:
    found = find_bars(np.random.default_rng(0).standard_normal(400))
    assert found.confidence < 0.3
    assert find_bars(np.zeros(40)).beats == 4


def test_knots_stand_on_bars_and_only_where_the_tempo_turns() -> None:
    beats = beats_at(np.repeat([100.0, 108.0, 96.0], [32, 40, 48])) + 0.004 * np.random.default_rng(0).normal(size=121)
    found = fewest_knots(beats, 4, 0)
    assert found.knots[1:-1].tolist() == [32, 72]
    np.testing.assert_allclose(found.tempi, [100, 108, 96], rtol=1e-3)
    bpm, later = found.from_beat(4)
    assert bpm == pytest.approx(100, rel=1e-3)
    assert [Fraction(at) for at, _ in later] == [28, 68]


def test_no_tempo_is_likelier_because_its_period_is_a_whole_number_of_frames() -> None:
    pulse = Curve(0.3 + 0.02 * np.random.default_rng(1).standard_normal(5000), 50.0)
    likely = family.likelihoods(pulse, 40, 300).values.mean(axis=0)
    assert likely.max() < 1.1 * np.median(likely)


def test_a_song_is_steady_by_its_own_beats() -> None:
    beats = beats_at(np.linspace(100, 130, 120))
    curve = Curve(np.histogram(beats, np.arange(0, beats[-1] + 1, 0.005))[0].astype(float), 200.0)
    even, bpm = evened(curve, beats)
    assert bpm == pytest.approx(115, abs=1)
    assert grid.steadiness(even, bpm) > 0.9 > 0.5 > grid.steadiness(curve, bpm)
