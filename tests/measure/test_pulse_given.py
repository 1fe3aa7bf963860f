"""A pulse that is heard elsewhere decides tempo, beat and bars in place of the built-in networks' own."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from band import RATE, clicks, finished

from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.measure.heard import Pulse
from stemwright.measure.onsets import Curve, Floats
from stemwright.measure.song import measure_song
from stemwright.measure.tempo import estimate_tempo
from stemwright.model import Progress

SECONDS, CLICK_S = 60.0, 1 / 3


def perfect(every: int, first: int, bar: int) -> Pulse:
    """What an ideal model gives where every so many of the clicks is a beat, and of these every so many a downbeat."""
    times = np.arange(first, int(SECONDS / CLICK_S), every) * CLICK_S
    curves = np.zeros((2, int(SECONDS * 50) + 1))
    for number, at in enumerate(times):
        curves[int(number % bar == 0), round(at * 50)] = 1.0
    return Curve(curves[0], 50.0), Curve(curves[1], 50.0)


@pytest.fixture(scope="module")
def even() -> Floats:
    """Three equal clicks a second over a little noise: nothing says which are beats, nor where bars start."""
    noise = np.random.default_rng(4).standard_normal(round(SECONDS * RATE)).astype(np.float32)
    return clicks(np.arange(0, SECONDS - 0.2, CLICK_S), SECONDS) + np.float32(0.003) * noise


@pytest.mark.parametrize(("every", "bpm"), [(1, 180), (2, 90)])
def test_the_pulse_says_which_onsets_are_beats(every: int, bpm: float, even: Floats) -> None:
    tempo = estimate_tempo(even, RATE, pulse=perfect(every, 0, 4))
    assert tempo is not None
    assert tempo.estimate.value == bpm


@pytest.mark.parametrize(("first", "bar"), [(0, 4), (2, 4), (1, 3)])
def test_the_pulse_says_where_bars_start(first: int, bar: int, even: Floats) -> None:
    tempo = estimate_tempo(even, RATE, bpm=180, pulse=perfect(1, first, bar))
    assert tempo is not None
    assert tempo.beats_a_bar == bar
    bars = tempo.downbeat_frame / RATE / CLICK_S - first
    assert abs(bars / bar - round(bars / bar)) * bar < 0.03


def test_a_song_is_heard_by_what_is_given(tmp_path: Path, even: Floats) -> None:
    with WavWriter(tmp_path / "x.wav", RATE, 1) as out:
        out.write(np.round(even[None] * 2**22).astype(np.int32))
    heard = []

    def hear(mono: Floats) -> Generator[Progress, None, Pulse]:
        heard.append(mono)
        yield Progress("beats", 0, 1)
        return perfect(2, 1, 3)

    song = finished(measure_song([probe(tmp_path / "x.wav")], hear=hear))
    assert len(heard) == 1 and len(heard[0]) == pytest.approx(SECONDS * RATE, abs=2)
    assert song.bpm is not None and song.bpm.value == 90
    assert song.meter_map[0].numerator == 3
