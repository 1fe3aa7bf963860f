"""A song's facts: the user before a tag before the file name before the measurement, and hostile values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from band import RATE, finished, song

from stemwright.audio.probe import probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import DamagedAudio, SettingsError
from stemwright.measure import song as song_room
from stemwright.measure.song import measure_song
from stemwright.model import AudioFile

FILE_RATE = 44_100


def file_of(path: Path, audio: np.ndarray, *tags: tuple[str, str]) -> AudioFile:
    stereo = np.tile(audio, (2, 1))
    with WavWriter(path, FILE_RATE, 2) as out:
        for block in resampled([stereo], RATE, FILE_RATE, 2 * len(audio)):
            out.write(quantise(block))
    return replace(probe(path), tags=tags)


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    return 0.5 * song(104, 16, tonic=9, minor=True, start_s=0.3)


def test_a_song_without_a_word_is_measured(tmp_path: Path, audio: np.ndarray) -> None:
    found = finished(measure_song([file_of(tmp_path / "My_Song.wav", audio)]))
    assert found.bpm is not None and found.key is not None
    assert (found.bpm.value, found.bpm.source, found.key.value) == (104, "measured", "A minor")
    assert (found.title, found.artist, found.sample_rate) == ("My Song", "", FILE_RATE)
    assert found.downbeat_frame == pytest.approx(0.3 * FILE_RATE, abs=0.008 * FILE_RATE)


def test_user_then_tag_then_file_name(tmp_path: Path, audio: np.ndarray) -> None:
    tags = (("artist", "The Band"), ("bpm", "104,0"), ("key", "8A"), ("title", "Tagged"))
    file = file_of(tmp_path / "Named_52bpm_F#m.wav", audio, *tags)
    by_user = finished(measure_song([file], bpm=104.0, key="Bbm", title="Mine", artist="Me"))
    by_tag, by_name = finished(measure_song([file])), finished(measure_song([replace(file, tags=())]))
    facts = [
        (s.bpm and (s.bpm.value, s.bpm.source), s.key and (s.key.value, s.key.source), s.title, s.artist)
        for s in (by_user, by_tag, by_name)
    ]
    assert facts == [
        ((104, "user"), ("A# minor", "user"), "Mine", "Me"),
        ((104, "tag"), ("A minor", "tag"), "Tagged", "The Band"),
        ((52, "filename"), ("F# minor", "filename"), "Named", ""),
    ]
    for s in (by_user, by_tag):  # the grid is fitted whoever named the tempo
        assert s.downbeat_frame == pytest.approx(0.3 * FILE_RATE, abs=0.008 * FILE_RATE)


def test_a_rounded_tag_keeps_its_word_and_tells_what_is_heard(tmp_path: Path) -> None:
    file = file_of(tmp_path / "x.wav", 0.5 * song(93.5, 30), ("bpm", "94"))
    found = finished(measure_song([file]))
    assert found.bpm is not None
    assert (found.bpm.value, found.bpm.source, found.bpm.alternatives) == (94, "tag", (93.5,))


@pytest.mark.parametrize("bpm", ["fast", "0", "-120", "999999", "nan", "inf", "", "1e400", "12 0"])
def test_hostile_tags_are_passed_over(tmp_path: Path, audio: np.ndarray, bpm: str) -> None:
    file = file_of(tmp_path / "x.wav", audio[: 8 * RATE], ("bpm", bpm), ("key", "H minor"))
    found = finished(measure_song([file]))
    assert found.bpm is not None and found.key is not None
    assert (found.bpm.source, found.key.source) == ("measured", "measured")


@pytest.mark.parametrize("bpm", [0.0, -1.0, 19.9, 1000.0, float("nan"), float("inf")])
def test_a_user_tempo_that_is_none_is_refused(tmp_path: Path, audio: np.ndarray, bpm: float) -> None:
    with pytest.raises(SettingsError, match="not a tempo"):
        finished(measure_song([file_of(tmp_path / "x.wav", audio[:RATE])], bpm=bpm))


def test_a_user_key_that_is_none_is_refused(tmp_path: Path, audio: np.ndarray) -> None:
    with pytest.raises(SettingsError, match="H minor"):
        finished(measure_song([file_of(tmp_path / "x.wav", audio[:RATE])], key="H minor"))


def test_stems_are_heard_together_whatever_their_length(tmp_path: Path) -> None:
    folder = tmp_path / "Night_Drive_126bpm"
    folder.mkdir()
    drums, band = song(126, 16), song(126, 16, tonic=4, drums=False)
    files = [file_of(folder / "Drums.wav", 0.3 * (drums - song(126, 16, drums=False))[: 12 * RATE])]
    files += [file_of(folder / "Keys.wav", 0.3 * band)]
    found = finished(measure_song(files))
    assert found.bpm is not None and found.key is not None
    assert (found.bpm.value, found.key.value, found.title) == (126, "E major", "Night Drive")


def test_silence_has_no_facts(tmp_path: Path) -> None:
    found = finished(measure_song([file_of(tmp_path / "s.wav", np.zeros(6 * RATE, np.float32))]))
    assert (found.bpm, found.key, found.downbeat_frame) == (None, None, 0)


def test_only_the_first_minutes_are_heard(tmp_path: Path, audio: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(tmp_path / "x.wav", audio)
    monkeypatch.setattr(song_room, "LONGEST_S", 5)
    assert len(finished(song_room.heard([file]))) == 5 * RATE


def test_a_file_that_has_shrunk_since_is_named(tmp_path: Path, audio: np.ndarray) -> None:
    file = file_of(tmp_path / "x.wav", audio)
    file.path.write_bytes(file.path.read_bytes()[:-50_000])
    with pytest.raises(DamagedAudio, match=r"x\.wav"):
        finished(measure_song([file]))


def test_drums_among_the_stems_are_read_once_and_the_rest_is_the_same(tmp_path: Path) -> None:
    beat, band = song(121.3, 24), song(121.3, 24, tonic=4, drums=False)
    drums = file_of(tmp_path / "Drums.wav", 0.3 * (beat - song(121.3, 24, drums=False)))
    files = [drums, file_of(tmp_path / "Keys.wav", 0.3 * band)]
    without, among = finished(measure_song(files)), finished(measure_song(files, drums=[drums]))
    beside = finished(measure_song(files[1:], drums=[drums]))
    for found in (without, among, beside):
        assert found.bpm is not None
        assert found.bpm.value == pytest.approx(121.3, abs=0.02)
    assert among.key is not None and without.key is not None
    assert among.key.value == without.key.value


def test_the_key_is_heard_without_the_drums_among_the_stems(tmp_path: Path) -> None:
    """Here the drums are tuned, louder and in another key."""
    drums = file_of(tmp_path / "Drums.wav", 0.8 * song(120, 20, tonic=6, drums=False, cents=40))
    keys = file_of(tmp_path / "Keys.wav", 0.1 * song(120, 20, tonic=2, minor=True, drums=False, cents=-20))
    found = finished(measure_song([drums, keys], drums=[drums]))
    assert found.key is not None
    assert found.key.value == "D minor"
    assert found.tuning_cents == pytest.approx(-20, abs=6)
    alone = finished(measure_song([drums], drums=[drums]))
    assert alone.key is not None and alone.key.value == "F# major"


def test_a_change_of_key_is_a_marker_on_a_bar(tmp_path: Path) -> None:
    bar_s = 4 * 60 / 120
    parts = [np.tile(song(120, 8 * bar_s, tonic=tonic), 3) for tonic in (9, 10)]
    file = file_of(tmp_path / "x.wav", 0.5 * np.concatenate(parts))
    found = finished(measure_song([file], bpm=120.0, sections=False))
    assert [(marker.name, marker.at / FILE_RATE) for marker in found.markers] == [
        ("Key: Bb major", pytest.approx(24 * bar_s, abs=0.02))
    ]
    assert finished(measure_song([file], bpm=120.0, key="C", sections=False)).markers == ()


def test_changes_of_tempo_reach_the_song(tmp_path: Path) -> None:
    audio = np.concatenate([song(104, 60 / 104 * 48), song(117, 60 / 117 * 60)])
    found = finished(measure_song([file_of(tmp_path / "x.wav", 0.5 * audio)]))
    assert found.bpm is not None and found.bpm.value == pytest.approx(104, abs=0.3)
    assert found.tempo_map[-1].bpm == pytest.approx(117, abs=0.3)
    assert abs(found.tempo_map[0].at - 48) <= 4
    assert [(change.numerator, change.denominator) for change in found.meter_map] == [(4, 4)]


@pytest.mark.parametrize("within", [(120.0, 80.0), (float("nan"), 100.0), (0.0, 100.0), (60.0, 5000.0)])
def test_a_range_of_tempi_that_is_none_is_refused(
    tmp_path: Path, audio: np.ndarray, within: tuple[float, float]
) -> None:
    with pytest.raises(SettingsError, match="no range"):
        finished(measure_song([file_of(tmp_path / "x.wav", audio[:RATE])], within=within))


def test_a_range_chooses_the_octave(tmp_path: Path, audio: np.ndarray) -> None:
    found = finished(measure_song([file_of(tmp_path / "x.wav", audio)], within=(150, 290)))
    assert found.bpm is not None and found.bpm.value == 208
