from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mido
import pytest
from session_kit import band, moving_song, song

from stemwright.model import Estimate, Session
from stemwright.session.arrange import arrange
from stemwright.session.formats import write_session
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
    assert meters == [(2, 8), (3, 4), (7, 8)]
    assert [m.key for _, _, m in events if m.type == "key_signature"] == ["F#m"]
    marks = [(m.text, round(at * 48000)) for _, at, m in events if m.type == "marker"]
    for (name, at), marker in zip(marks, session.markers, strict=True):
        assert name == marker.name and abs(at - marker.at) <= 48000 * 0.5e-3
    assert events[0][2].name == "My Söng"


def test_every_key_and_byte_identity(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    path = tmp_path / "s.mid"
    for key in (f"{tonic} {mode}" for tonic in PITCH_CLASSES for mode in ("major", "minor")):
        events = written(replace(session, song=song(key=Estimate(key, 1.0, "user"))), path)
        raw = path.read_bytes()
        at = raw.index(b"\xff\x59\x02")
        assert [m.type for *_, m in events].count("key_signature") == 1
        assert int.from_bytes(raw[at + 3 : at + 4], signed=True) == key_signature_sharps(key)
        assert raw[at + 4] == key.endswith("minor")
    write_session("midi", replace(session, song=song(key=Estimate(key, 1.0, "user"))), path)
    assert path.read_bytes() == raw
