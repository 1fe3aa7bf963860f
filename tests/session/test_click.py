"""The click track: every onset on its frame, through changes of tempo and metre; its length, format and count-in."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from session_kit import song, wav

from stemwright.audio.probe import probe
from stemwright.audio.stream import BLOCK, read_all
from stemwright.measure.beats import beats
from stemwright.model import Estimate, MeterChange, Song, Stem, StemSet, TempoChange
from stemwright.session.arrange import arrange
from stemwright.session.click import write_click
from stemwright.session.grid import bar_start
from stemwright.units import frames

RATE = 44_100
SONGS = {
    "plain": {},
    "6/8": {"meter_map": (MeterChange(Fraction(0), 6, 8),)},
    "tempo and metre changes": {
        "tempo_map": (TempoChange(Fraction(12), 120.25), TempoChange(Fraction(24), 61.7)),
        "meter_map": (MeterChange(Fraction(0), 3, 4), MeterChange(Fraction(12), 7, 8)),
    },
}


def clicked(folder: Path, seconds: float, count_in: int = 0, start: int | None = None, **facts: object):
    stem = Stem(wav(folder / "Bass.wav", round(seconds * RATE), 2, RATE, start), "bass", "Bass")
    session = arrange(StemSet(song(RATE, **facts), (stem,)))
    made = write_click(folder / "Click.wav", session, count_in=count_in)
    return session.song, made, probe(folder / "Click.wav")


def onsets(samples: np.ndarray) -> np.ndarray:
    """First frames of sounds after at least 20 ms of silence."""
    sounding = np.flatnonzero(samples)
    return sounding[np.diff(sounding, prepend=-RATE) > RATE // 50]


@pytest.mark.parametrize("facts", SONGS.values(), ids=SONGS)
def test_every_click_stands_on_its_beat(tmp_path: Path, facts: dict[str, object]) -> None:
    seconds = 1.5 * BLOCK / RATE + 20  # clicks lie on the edges of blocks, too
    made, _, file = clicked(tmp_path, seconds, **facts)
    assert (file.frames, file.format.channels, file.format.bits) == (round(seconds * RATE), 1, 24)
    samples = read_all(file)[0]
    expected = [b.frame(RATE) for b in beats(made, Fraction(0), Fraction(seconds)) if b.bar >= 1]
    heard = onsets(samples)
    assert heard.tolist() == [at for at in expected if at + 1764 <= file.frames]
    bars = [frames(bar_start(made, bar), RATE) for bar in range(1, 40)]
    louder = [at for at in heard if np.abs(samples[at : at + 1000]).max() > 0.2]
    assert louder == [at for at in bars if at in set(heard.tolist())] and len(louder) > 5


def test_a_count_in_goes_where_there_is_room(tmp_path: Path) -> None:
    four = {"bpm": Estimate(120.0, 1.0, "user"), "downbeat_frame": 5 * RATE}
    _, made, file = clicked(tmp_path, 12, count_in=2, **four)
    assert made.count_in == 2 and onsets(read_all(file)[0])[0] == RATE == made.first
    _, made, file = clicked(tmp_path, 12, count_in=3, **four)
    assert made.count_in == 2
    _, made, file = clicked(tmp_path, 12, count_in=1, **(four | {"downbeat_frame": RATE}))
    assert made.count_in == 0 and onsets(read_all(file)[0])[0] == RATE


def test_it_lies_where_the_stems_do(tmp_path: Path) -> None:
    _, _, file = clicked(tmp_path, 3, start=RATE * 3600)
    assert file.start_frame == RATE * 3600
    session = arrange(StemSet(song(RATE), (Stem(file, "click", "Click"),)))
    assert session.tracks[0].mute and session.tracks[0].clips[0].at == 0


def test_no_tempo_no_click(tmp_path: Path) -> None:
    _, _, file = clicked(tmp_path, 3, bpm=None)
    assert not read_all(file).any()


def test_a_song_of_another_rate_is_clicked_at_that_of_the_stems(tmp_path: Path) -> None:
    stem = Stem(wav(tmp_path / "Bass.wav", 3 * RATE, 1, RATE), "bass", "Bass")
    other: Song = replace(song(48_000), bpm=Estimate(120.0, 1.0, "user"), downbeat_frame=24_000)
    write_click(tmp_path / "Click.wav", arrange(StemSet(other, (stem,))))
    assert onsets(read_all(probe(tmp_path / "Click.wav"))[0])[:2].tolist() == [RATE // 2, RATE]
