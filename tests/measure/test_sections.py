"""Parts of a song: found on bar lines where they are heard, none where there are none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from band import MAJOR, RATE, drum, finished, note

from stemwright.audio.probe import probe
from stemwright.measure.sections import section_markers
from stemwright.measure.song import measure_song
from stemwright.model import Estimate, MeterChange, Song

BPM, START_S = 120.0, 0.25
VERSE, CHORUS = (0, 5, 9, 7), (5, 0, 7, 2)


def played(form: str, bars: int = 8) -> np.ndarray:
    """A verse (V) of bass and chords, a chorus (C) with drums on other chords, in 4/4 from 0.25 s on."""
    beat = 60 / BPM
    total = np.zeros(int((START_S + len(form) * bars * 4 * beat + 1) * RATE), np.float32)

    def put(sound: np.ndarray, beats: float) -> None:
        at = round((START_S + beats * beat) * RATE)
        total[at : at + len(sound)] += sound[: len(total) - at]

    for place, part in enumerate(form):
        for bar in range(bars):
            root = (VERSE if part == "V" else CHORUS)[bar % 4]
            first = (place * bars + bar) * 4
            put(0.4 * note(36 + root, 1.9), first)
            for third in MAJOR:
                put(0.2 * note(60 + root + third, 1.9), first)
            for hit in range(4) if part == "C" else ():
                put(drum("kick" if hit % 2 == 0 else "snare"), first + hit)
    return total


def song(bpm: float | None = BPM, confidence: float = 0.9, beats: int = 4) -> Song:
    tempo = Estimate(bpm, confidence, "measured") if bpm else None
    metre = (MeterChange(Fraction(0), beats, 4),)
    return Song("Song", 48_000, bpm=tempo, meter_map=metre, downbeat_frame=round(START_S * 48_000))


def test_parts_begin_on_their_bar_lines_and_are_told_apart() -> None:
    found = section_markers(played("VCVC"), RATE, song())
    assert [(marker.name, marker.at) for marker in found] == [
        ("Section A", 12_000),
        ("Section B", 12_000 + 16 * 48_000),
        ("Section A2", 12_000 + 32 * 48_000),
        ("Section B2", 12_000 + 48 * 48_000),
    ]


def test_one_part_that_goes_on_has_no_sections() -> None:
    assert section_markers(played("VVVV"), RATE, song()) == ()


def test_nothing_is_said_where_the_bars_are_not_known() -> None:
    sound = played("VCVC")
    assert section_markers(sound, RATE, song(None)) == ()
    assert section_markers(sound, RATE, song(confidence=0.3)) == ()


def test_nothing_is_said_on_bars_of_a_tempo_that_is_not_heard(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "Song.wav", played("VCVC"), RATE, subtype="FLOAT")
    files = [probe(tmp_path / "Song.wav")]
    assert len(finished(measure_song(files, bpm=BPM)).markers) == 4
    assert finished(measure_song(files, bpm=111.0)).markers == ()


def test_noise_silence_and_a_short_song_have_no_sections() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(60 * RATE).astype(np.float32)
    assert section_markers(noise, RATE, song()) == ()
    assert section_markers(np.zeros(60 * RATE, np.float32), RATE, song()) == ()
    assert section_markers(played("VC", 4), RATE, song()) == ()


def test_the_level_changes_nothing() -> None:
    sound = played("VCVC")
    assert section_markers(0.01 * sound, RATE, song()) == section_markers(sound, RATE, song())
