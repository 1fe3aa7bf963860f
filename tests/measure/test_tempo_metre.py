"""Compound metre, beats among syncopation, and tempi that drums, tags or a range put in doubt."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from band import MAJOR, RATE, Floats, drum, note, put, song

from stemwright.measure import phase
from stemwright.measure.grid import snap
from stemwright.measure.heard import listen
from stemwright.measure.tempo import Tempo, estimate_tempo
from stemwright.model import Estimate, Song, TempoChange
from stemwright.workflows.facts import bpm_doubts

ROOTS = (0, 5, 7, 9)


def in_six_eight(beat_s: float, bars: int, *, shuffled: bool = False) -> Floats:
    """Two dotted beats a bar: kick, snare, hats on all eighths (or without the second, as in a shuffle)."""
    out = (1e-4 * np.random.default_rng(1).standard_normal(round((2 * bars * beat_s + 2) * RATE))).astype(np.float32)
    for bar in range(bars):
        at, root = 0.5 + 2 * bar * beat_s, ROOTS[bar // (2 if shuffled else 1) % 4]
        put(out, at, drum("kick"), 0.7)
        put(out, at + beat_s, drum("snare"), 0.5)
        for interval in MAJOR:
            put(out, at, note(60 + root + interval, 2 * beat_s), 0.12)
        for beat in (at, at + beat_s):
            put(out, beat, note(36 + root, beat_s), 0.3)
            for third in (0, 2) if shuffled else (0, 1, 2):
                put(out, beat + third * beat_s / 3, drum("hat"), 1.5)
    return out


def found_in(audio: Floats, **known: float) -> Tempo:
    tempo = estimate_tempo(audio, RATE, **known)
    assert tempo is not None
    return tempo


@pytest.mark.parametrize("bpm", [78.0, 84.0])
def test_six_eight_is_named_and_counted_in_quarters(bpm: float) -> None:
    audio = in_six_eight(90 / bpm, 24)
    for tempo in (found_in(audio), found_in(audio, bpm=bpm)):
        assert tempo.metre == (6, 8)
        assert tempo.estimate.value == bpm
        assert tempo.exact_bpm == pytest.approx(bpm, rel=1e-3)
        bar_s = 180 / bpm
        assert math.remainder(tempo.downbeat_frame / RATE - 0.5, bar_s) == pytest.approx(0, abs=0.015)


def test_quarters_of_six_eight_are_round_where_its_beats_are_not() -> None:
    assert found_in(in_six_eight(90 / 80.004, 24)).estimate.value == 80


def test_a_shuffle_stays_in_four_four() -> None:
    tempo = found_in(in_six_eight(60 / 104, 32, shuffled=True))
    assert tempo.metre == (4, 4) and not tempo.compound
    assert tempo.estimate.value == 104


def test_new_harmony_tells_the_beat_from_a_louder_off_beat() -> None:
    out = np.zeros(40 * RATE, np.float32)
    for beat in range(72):
        at, root = 0.5 + beat / 2, ROOTS[beat // 4 % 4]
        put(out, at, note(36 + root, 0.5), 0.4)
        put(out, at, note(60 + root, 0.5), 0.2)
        put(out, at + 0.25, drum("snare"), 0.5)
        put(out, at + 0.25, note(64 + root, 0.25), 0.2)
    heard = listen(out, RATE)
    assert heard is not None
    assert math.remainder(phase.first_beat(heard, 120) - 0.5, 0.5) == pytest.approx(0, abs=0.02)


def test_a_chord_is_new_where_it_sets_in() -> None:
    audio = np.zeros(16 * RATE, np.float32)
    for number in range(8):
        for interval in MAJOR:
            put(audio, 2.0 * number, note(60 + ROOTS[number % 4] + interval, 2.0))
    heard = listen(audio, RATE)
    assert heard is not None
    for late in (0.25, 0.5, 1.0):
        new, old = heard.harmony.newness(np.arange(2, 14, 2) + np.array([[0.0], [late]])).mean(axis=1)
        assert new > 1.2 * old


def test_drums_that_count_otherwise_lower_the_confidence_and_are_told() -> None:
    mix, other = song(100, 40), np.zeros(40 * RATE, np.float32)
    for number, at in enumerate(np.arange(0.5, 39, 60 / 150)):
        put(other, at, drum("snare" if number % 2 else "kick"), 0.6)
    agreed, disagreed = (estimate_tempo(mix, RATE, drums=drums) for drums in (mix, other))
    assert agreed is not None and agreed.estimate.confidence > 0.8
    assert disagreed is not None and disagreed.estimate.value == 100
    assert disagreed.estimate.alternatives[0] in (75, 150)
    assert disagreed.estimate.confidence < 0.5


def test_a_known_tempo_that_is_another_than_the_one_heard_is_told() -> None:
    audio = in_six_eight(60 / 104, 32, shuffled=True)
    tempo = estimate_tempo(audio, RATE, bpm=156.0)
    assert tempo is None or tempo.estimate.alternatives == (104.0,)


def test_thirds_of_a_beat_are_round_tempi() -> None:
    assert snap(200 / 3 + 1e-5, 1e-4, 240) == 66.6667  # the dotted quarter at 100 quarters a minute
    assert snap(66.68, 1e-4, 240) == 66.68


def test_what_is_doubtful_about_a_tempo_is_said() -> None:
    sure = Song("Song", 48_000, bpm=Estimate(120.0, 0.9, "measured", (60.0,)))
    doubtful = replace(sure, bpm=Estimate(120.0, 0.3, "measured", (80.0, 60.0)))
    tagged = replace(sure, bpm=Estimate(120.0, 0.95, "tag", (93.5,)))
    mapped = replace(doubtful, tempo_map=(TempoChange(Fraction(8), 130.0),))
    nothing = replace(sure, bpm=None)
    assert bpm_doubts(sure) == ()
    assert "perhaps 80 or 60" in bpm_doubts(doubtful)[0]
    assert bpm_doubts(tagged) == ("the music sounds like 93.5 BPM; taken is 120 (tag)",)
    assert "map" in bpm_doubts(mapped)[0]
    assert "between 50-54 BPM; widen --bpm-range" in bpm_doubts(nothing, "50-54")[0]
