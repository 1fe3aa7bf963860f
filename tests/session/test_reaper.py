from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import rpp
from hypothesis import given
from hypothesis import strategies as st
from session_kit import band, moving_song, wav

from stemwright.errors import SessionError
from stemwright.model import Clip, Session, Track
from stemwright.naming import one_line
from stemwright.session.arrange import arrange
from stemwright.session.formats import write_session
from stemwright.session.formats.reaper.chunks import quote
from stemwright.session.grid import grid


def parsed(session: Session, path: Path) -> Any:
    write_session("reaper", session, path)
    return rpp.loads(path.read_text(encoding="utf-8"))


def value(element: Any, name: str) -> list[str]:
    return element.find(name)[1:]


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_reader_finds_every_stem_where_it_belongs(tmp_path: Path, rate: int) -> None:
    session = arrange(band(tmp_path, rate))
    before = {p.name: hashlib.sha256(p.read_bytes()).digest() for p in tmp_path.iterdir()}
    (tmp_path / "REAPER").mkdir()
    project = parsed(session, tmp_path / "REAPER" / "s.rpp")
    assert value(project, "SAMPLERATE") == [str(rate), "1", "0"]
    tracks = list(project.iterfind("TRACK"))
    assert [value(t, "NAME")[0] for t in tracks] == [t.name.replace("`", "'") for t in session.tracks]
    assert [" ".join(value(t, "ISBUS")) for t in tracks] == ["0 0", "1 1", "0 0", "2 -1", "0 0", "0 0"]
    assert [value(t, "MUTESOLO")[0] for t in tracks] == ["1", "0", "0", "0", "0", "0"]
    for element, track in zip(tracks, session.tracks, strict=True):
        assert element.attrib[0] == value(element, "TRACKID")[0] and track.colour
        red, green, blue = bytes.fromhex(track.colour[1:])
        assert int(value(element, "PEAKCOL")[0]) == 0x1000000 + red + 256 * green + 65536 * blue
        items = list(element.iterfind("ITEM"))
        for item, clip in zip(items, track.clips, strict=True):
            assert round(float(value(item, "POSITION")[0]) * rate) == clip.at
            assert round(float(value(item, "LENGTH")[0]) * rate) == clip.length == clip.file.frames
            assert [value(item, n)[1] for n in ("FADEIN", "FADEOUT")] == ["0.000000000000000"] * 2
            assert float(value(item, "VOLPAN")[0]) == pytest.approx(10 ** (clip.gain_db / 20), rel=1e-12)
            media = value(item.find("SOURCE"), "FILE")[0]
            assert not Path(media).is_absolute() and "\\" not in media
            assert (tmp_path / "REAPER" / media).samefile(clip.file.path)
    after = {p.name: hashlib.sha256(p.read_bytes()).digest() for p in tmp_path.iterdir() if p.is_file()}
    assert after == before and [p.name for p in (tmp_path / "REAPER").iterdir()] == ["s.rpp"]


def test_tempo_markers_notes(tmp_path: Path) -> None:
    session = arrange(replace(band(tmp_path), song=moving_song()))
    project = parsed(session, tmp_path / "s.rpp")
    points = grid(session.song)
    rows = [row[1:] for row in project.find("TEMPOENVEX").findall("PT")]
    assert [float(row[0]) for row in rows] == pytest.approx([float(p.at) for p in points], abs=1e-14)
    assert [float(row[1]) for row in rows] == pytest.approx([float(p.bpm) for p in points], rel=1e-11)
    assert [row[2:] for row in rows] == [
        ["1", "1048579", "0", "1"],  # 3/16
        ["1", "262147", "0", "1"],
        ["1", "524295", "0", "1"],
        ["1"],
    ]
    marks = [row[1:] for row in project.findall("MARKER")]
    assert [(m[0], round(float(m[1]) * 48000), m[2], m[3]) for m in marks] == [
        ("1", 0, "Key: F# minor", "0"), ("2", 24577, "Bar 1", "0"), ("3", 48000, "Verse 🎤", "1"),
        ("3", 57600, "", "1"), ("4", 60000, "Solo", "0"),
    ]  # fmt: skip
    assert marks[2][4] == str(0x1000000 + 0xFF + 256 * 0x80)
    assert tuple(line[1:] for line in project.find("NOTES").children) == session.notes
    vocal = list(project.iterfind("TRACK"))[-1].find("ITEM")
    assert vocal.find("NOTES").children == ["|Printed effects: plate, 1/4 delay"]
    assert float(value(project, "PROJOFFS")[0]) == 3600


@pytest.mark.parametrize(("downbeat", "bars"), [(0, 0), (100, 0), (24577, 1), (300_000, 4), (48000 * 60, 32)])
def test_the_transport_opens_on_the_song_and_the_ruler_counts_from_bar_one(
    tmp_path: Path, downbeat: int, bars: int
) -> None:
    session = arrange(replace(band(tmp_path), song=replace(moving_song(), downbeat_frame=downbeat)))
    project = parsed(session, tmp_path / "s.rpp")
    assert value(project, "TEMPO")[:3] == ["93.5", "3", "4"]
    assert value(project, "PROJOFFS")[1:] == [str(-bars), "0"]
    measures, end = 0, downbeat / 48000  # as REAPER counts them: a metre begins a measure
    rows = [[float(word) for word in row[1:]] for row in project.find("TEMPOENVEX").findall("PT")]
    for row, following in pairwise(rows):
        if row[0] < end - 0.004:
            whole = int(row[3]) & 0xFFFF, int(row[3]) >> 16
            measures += round((following[0] - row[0]) * row[1] / 60 / (4 * whole[0] / whole[1]))
    assert measures == bars


def test_only_keys_that_reaper_writes(tmp_path: Path, shared: Path) -> None:
    text = write_session("reaper", arrange(band(tmp_path)), tmp_path / "s").outputs[0].path.read_text("utf-8")
    real: set[str] = {"TITLE", "AUTHOR"}  # written by REAPER only when they are not empty
    for found in (shared / "material/sessions/rpp").rglob("*.[rR][pP][pP]"):
        real |= {
            line.split()[0].strip("<") for line in found.read_text("utf-8", "replace").splitlines() if line.strip()
        }
    lines = (line.strip() for line in text.splitlines())
    ours = {line.split()[0].strip("<") for line in lines if not line.startswith(("|", ">", "ZXZ"))}
    assert ours - real == set()


def test_folders_close_as_many_levels_as_end(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    tree = {"A": None, "B": "A", "c": "B", "D": "A", "e": "D", "f": None}
    tracks = tuple(Track(name, group=group, is_group=name.isupper()) for name, group in tree.items())
    found = list(parsed(replace(session, tracks=tracks), tmp_path / "s.rpp").iterfind("TRACK"))
    assert [" ".join(value(t, "ISBUS")) for t in found] == ["1 1", "1 1", "2 -1", "1 1", "2 -2", "0 0"]


@given(st.text(alphabet=st.one_of(st.sampled_from("\"'` <>|\n\r\t\u2028\x85é🥁"), st.characters()), max_size=40))
def test_quoting_round_trip(text: str) -> None:
    read = rpp.loads(f"<REAPER_PROJECT 0.1\n  NAME {quote(text)}\n  END 1\n>")
    all_three = all(mark in text for mark in "\"'`")
    expected = one_line(text).replace("`", "'") if all_three else one_line(text)
    assert read.find("NAME") == ["NAME", expected] and read.find("END") == ["END", "1"]


@given(st.integers(0, 24 * 3600 * 192000), st.sampled_from([44100, 48000, 88200, 96000, 192000]))
def test_seconds_give_the_frame_back(frame: int, rate: int) -> None:
    assert round(float(f"{frame / rate:.15f}") * rate) == frame


def test_media_names(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    for name, fine in (("a 'b' \"c\".wav", True), ("  ü `.wav", True), ("a'b\"c`.wav", False), ("a\nb.wav", False)):
        odd = Track("t", clips=(Clip(wav(tmp_path / name), 0, 10),))
        if fine:
            project = parsed(replace(session, tracks=(odd,)), tmp_path / "s.rpp")
            assert value(project.find("TRACK").find("ITEM").find("SOURCE"), "FILE") == [name]
            (tmp_path / "s.rpp").unlink()
        else:
            with pytest.raises(SessionError, match="cannot hold this file name"):
                write_session("reaper", replace(session, tracks=(odd,)), tmp_path / "s.rpp")
            assert not (tmp_path / "s.rpp").exists()
