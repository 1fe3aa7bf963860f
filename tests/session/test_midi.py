from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import mido
import pretty_midi
import pytest
from session_kit import band, damaged, moving_song, refused, song

from stemwright.errors import InputError, SessionError
from stemwright.model import Estimate, Session
from stemwright.session.arrange import arrange
from stemwright.session.formats import read_session, write_session
from stemwright.session.grid import grid
from stemwright.units import PITCH_CLASSES, key_signature_sharps


def written(session: Session, path: Path) -> list[tuple[int, float, mido.MetaMessage]]:
    """Tick, seconds and message of every event, by a reader's own arithmetic."""
    write_session("midi", session, path)
    file = mido.MidiFile(path, charset="utf-8")
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 960, 1)
    tick, at, tempo, found = 0, 0.0, 500000, []
    for message in file.tracks[0]:
        tick, at = tick + message.time, at + mido.tick2second(message.time, 960, tempo)
        tempo = message.tempo if message.type == "set_tempo" else tempo
        found.append((tick, at, message))
    return found


@pytest.mark.parametrize("bpm", [93.5, 151.2, 174.61])
def test_drift_stays_below_a_millisecond_in_ten_minutes(tmp_path: Path, bpm: float) -> None:
    session = replace(arrange(band(tmp_path)), song=song(bpm=Estimate(bpm, 1.0, "user")), frames=600 * 48000)
    events = written(session, tmp_path / "s.mid")
    tick, at, end = events[-1]
    points = grid(session.song)
    exact = float(points[-1].at) + (tick / 960 - float(points[-1].quarters)) * 60 / bpm
    assert end.type == "end_of_track" and abs(at - exact) < 1e-3 and abs(at - 600) < 1.5e-3
    downbeat = next(at for _, at, m in events if m.type == "marker" and m.text == "Bar 1")
    assert downbeat == pytest.approx(24577 / 48000, abs=2e-6)


def test_map_metre_key_markers(tmp_path: Path) -> None:
    session = arrange(replace(band(tmp_path), song=moving_song()))
    events = written(session, tmp_path / "s.mid")
    points = grid(session.song)
    tempos = [(tick / 960, at) for tick, at, m in events if m.type == "set_tempo"]
    assert [q for q, _ in tempos] == [float(p.quarters) for p in points]
    assert all(abs(at - float(p.at)) < 50e-6 for (_, at), p in zip(tempos, points, strict=True))
    meters = [(m.numerator, m.denominator) for _, _, m in events if m.type == "time_signature"]
    assert meters == [(3, 16), (3, 4), (7, 8)]
    assert [m.key for _, _, m in events if m.type == "key_signature"] == ["F#m"]
    marks = [(m.text, round(at * 48000)) for _, at, m in events if m.type == "marker"]
    for (name, at), marker in zip(marks, session.markers, strict=True):
        assert name == marker.name and abs(at - marker.at) <= 48000 * 0.5e-3
    assert events[0][2].name == "My Söng"


def test_every_key(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    path = tmp_path / "s.mid"
    for key in (f"{tonic} {mode}" for tonic in PITCH_CLASSES for mode in ("major", "minor")):
        events = written(replace(session, song=song(key=Estimate(key, 1.0, "user"))), path)
        raw = path.read_bytes()
        at = raw.index(b"\xff\x59\x02")
        assert [m.type for *_, m in events].count("key_signature") == 1
        assert int.from_bytes(raw[at + 3 : at + 4], signed=True) == key_signature_sharps(key)
        assert raw[at + 4] == key.endswith("minor")


@pytest.mark.parametrize("bpm", [93.5, 151.2, 174.61])
def test_an_independent_reader_sees_the_tempo(tmp_path: Path, bpm: float) -> None:
    """Tempo from the first to the last beat, and where the last beat of ten minutes falls."""
    path = tmp_path / "s.mid"
    session = replace(arrange(band(tmp_path)), song=song(bpm=Estimate(bpm, 1.0, "user")), frames=600 * 48000)
    write_session("midi", session, path)
    points = grid(session.song)
    file = pretty_midi.PrettyMIDI(str(path))
    first = float(points[-1].quarters) * 960
    beats = int(bpm * 9.9)
    start, end = (file.tick_to_time(round(first + 960 * beat)) for beat in (0, beats))
    assert abs(beats * 60 / (end - start) - bpm) < 1e-3
    assert abs(end - (float(points[-1].at) + beats * 60 / bpm)) < 1e-3
    assert [(s.numerator, s.denominator) for s in file.time_signature_changes][-1] == points[-1].meter
    assert file.key_signature_changes[0].key_number == 18  # F# minor, counted from C major over C minor


def test_an_independent_reader_sees_every_change(tmp_path: Path) -> None:
    path = tmp_path / "s.mid"
    session = arrange(replace(band(tmp_path), song=moving_song()))
    write_session("midi", session, path)
    times, tempos = pretty_midi.PrettyMIDI(str(path)).get_tempo_changes()
    points = grid(session.song)
    assert list(times) == pytest.approx([float(p.at) for p in points], abs=50e-6)
    assert list(tempos) == pytest.approx([float(p.bpm) for p in points], abs=1e-2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.mid"
    for facts in (moving_song(), song(), song(downbeat_frame=0), song(bpm=Estimate(174.61, 1.0, "user"))):
        session = replace(arrange(replace(band(tmp_path), song=facts)), frames=50 * 48000)
        write_session("midi", session, path)
        opened = read_session(path)
        read = opened.session
        assert opened.warnings == () and read.tracks == () and read.notes == session.notes
        assert read.song.bpm and facts.bpm and read.song.bpm.value == pytest.approx(facts.bpm.value, abs=1e-9)
        assert read.song.meter_map == facts.meter_map and abs(read.song.downbeat_frame - facts.downbeat_frame) <= 16
        for change, expected in zip(read.song.tempo_map, facts.tempo_map, strict=True):
            assert change.at == expected.at and change.bpm == pytest.approx(expected.bpm, abs=1e-2)
        assert read.song.key and read.song.key.value == "F# minor" and read.song.title == "My Söng"
        assert [m.name for m in read.markers] == [m.name for m in session.markers]
        assert all(abs(a.at - b.at) <= 24 for a, b in zip(read.markers, session.markers, strict=True))
        assert abs(read.frames - session.frames) <= 24
        write_session("midi", read, path)
        again = read_session(path).session
        assert (again.song, again.markers, again.notes) == (read.song, read.markers, read.notes)


def test_notes_and_changes_of_key_are_told(tmp_path: Path) -> None:
    track = mido.MidiTrack([mido.MetaMessage("key_signature", key=key) for key in ("Am", "C")])
    track += [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=480)]
    mido.MidiFile(tracks=[track]).save(tmp_path / "s.mid")
    opened = read_session(tmp_path / "s.mid")
    assert opened.warnings == ("MIDI notes are not read", "changes of key are not read")
    assert opened.session.song.key and opened.session.song.key.value == "A minor"


def test_real_files(shared: Path) -> None:
    paths = sorted((shared / "material/sessions/midi").rglob("*.mid"))
    assert len(paths) == 7
    for path in paths:
        read = read_session(path).session
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keys on other tracks than the first
            file = pretty_midi.PrettyMIDI(str(path))
        times, tempos = file.get_tempo_changes()
        assert read.song.bpm and read.song.bpm.value == pytest.approx(tempos[0], abs=1e-3)
        assert [float(p.at) for p in grid(read.song)][-1] == pytest.approx(times[-1], abs=1e-2)
        meter = file.time_signature_changes[0] if file.time_signature_changes else None
        found = read.song.meter_map[0]
        assert meter is None or (found.numerator, found.denominator) == (meter.numerator, meter.denominator)
        assert read.frames / 48000 >= file.get_end_time() - 0.01


def test_bytes_that_are_no_midi_file(tmp_path: Path) -> None:
    path = tmp_path / "s.mid"
    for data, kind, words in (
        (b"", InputError, "is no MIDI file"),
        (b"MThd\0\0\0\6\0\1\0\1", SessionError, "damaged"),
        (b"MThd\0\0\0\6\0\1\0\0\xe7\x28", SessionError, "counts timecode"),
    ):
        path.write_bytes(data)
        with pytest.raises(kind, match=words) as caught:
            read_session(path)
        assert caught.value.hint


@pytest.mark.parametrize(("sharps", "mode"), [(8, 0), (-8, 1), (74, 9), (127, 0), (2, 2), (0, 255), (-128, 7)])
def test_an_illegal_key_signature_is_told_and_passed_over(tmp_path: Path, sharps: int, mode: int) -> None:
    path = tmp_path / "a.mid"
    track = mido.MidiTrack([mido.MetaMessage("key_signature", key="D"), mido.MetaMessage("set_tempo", tempo=500_000)])
    track.append(mido.MetaMessage("marker", text="Verse", time=960))
    mido.MidiFile(ticks_per_beat=960, tracks=[track]).save(path)
    legal = read_session(path)
    assert legal.session.song.key and legal.session.song.key.value == "D major" and not legal.warnings
    data = path.read_bytes().replace(b"\xff\x59\x02\x02\x00", b"\xff\x59\x02" + bytes((sharps % 256, mode)))
    path.write_bytes(data)
    opened = read_session(path)
    assert opened.session.song.key is None and opened.session.song.bpm and opened.session.song.bpm.value == 120
    assert [marker.at for marker in opened.session.markers] == [24_000]
    assert any("key signature" in sentence for sentence in opened.warnings)


def test_mutations_give_nothing_but_house_errors(tmp_path: Path) -> None:
    path = tmp_path / "s.mid"
    write_session("midi", arrange(replace(band(tmp_path), song=moving_song())), path)
    words = (b"", b"\xff", b"\0", b"\x7f", b"\xff\x51\x03")
    assert 50 < refused(damaged(path.read_bytes(), words, most=2), path) < 450
