from __future__ import annotations

import random
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import reaper_parser
import reaproj
import rpp
from hypothesis import given, settings
from hypothesis import strategies as st
from session_kit import band, damaged, moving_song, refused, song, wav

from stemwright.errors import InputError, SessionError
from stemwright.model import Clip, Estimate, Marker, MeterChange, Session, TempoChange, Track, end_of
from stemwright.session.arrange import arrange
from stemwright.session.formats import read_session, write_session
from stemwright.session.formats.reaper import chunks
from stemwright.session.formats.reaper.chunks import quote
from stemwright.session.grid import grid

QUOTES = "all \"three\" 'quotes' `here`"


def rich(folder: Path) -> Session:
    """Everything that a project can hold: three levels of groups, changes, regions, odd names, cut and faded clips."""
    changing = song(
        bpm=Estimate(120.0, 1.0, "user"),
        tempo_map=(TempoChange(Fraction(16), 95.5),),
        meter_map=(MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(32), 7, 8)),
    )
    plain = arrange(replace(band(folder), song=changing))
    file, stereo = wav(folder / "Öde 🎻.wav", 9000), wav(folder / "sub.wav", 9600, 2)
    tracks = (
        Track("Alles", is_group=True, colour="#0080ff", gain_db=-1.5, pan=-0.25, solo=True),
        Track("Drums", is_group=True, group="Alles"),
        Track("Zerre", is_group=True, group="Drums", mute=True),
        Track("n" * 200, clips=(Clip(file, 7, 8000, 33, -2.25, 100, 4000),), group="Zerre"),
        Track(QUOTES, clips=(Clip(stereo, 0, 9600), Clip(stereo, 20000, 99, 1)), group="Zerre", comment="one; two"),
        Track("Bass `x` \"y\"", clips=(Clip(stereo, 48000 * 3600 * 3, 9600),), group="Alles", gain_db=3.01, pan=0.5),
        Track("top", clips=(Clip(file, 0, 9000),), colour="#ffffff"),
    )  # fmt: skip
    markers = (*plain.markers, Marker(1, ""), Marker(3, 'a"b', 5), Marker(3, "> <", 50000, "#000001"))
    end = end_of(tracks)
    return replace(
        plain, tracks=tracks, markers=markers, frames=end, frame_rate=Fraction(24000, 1001), notes=("|x", "> ü")
    )


def again(session: Session, path: Path, *roots: Path) -> Session:
    """Written and read back; nothing may be missing."""
    write_session("reaper", session, path)
    opened = read_session(path, *roots)
    assert opened.warnings == ()
    return opened.session


def roleless(tracks: tuple[Track, ...]) -> list[Track]:
    return [replace(track, role="") for track in tracks]


def test_every_field_comes_back(tmp_path: Path) -> None:
    first = rich(tmp_path)
    second = again(first, tmp_path / "s.rpp")
    assert roleless(second.tracks) == roleless(first.tracks)
    for name in ("sample_rate", "frames", "markers", "frame_rate", "start_frame", "notes"):
        assert getattr(second, name) == getattr(first, name), name
    for name in ("title", "sample_rate", "artist", "tempo_map", "meter_map", "downbeat_frame"):
        assert getattr(second.song, name) == getattr(first.song, name), name
    assert second.song.bpm and second.song.key
    assert (second.song.bpm.value, second.song.key.value) == (120.0, "F# minor")
    bytes_of_first = (tmp_path / "s.rpp").read_bytes()
    assert again(second, tmp_path / "s.rpp") == second
    assert (tmp_path / "s.rpp").read_bytes() == bytes_of_first


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_arranged_stems_come_back_from_another_folder(tmp_path: Path, rate: int) -> None:
    for facts in (song(rate), moving_song(rate), song(rate, downbeat_frame=0), song(rate, downbeat_frame=99)):
        first = arrange(replace(band(tmp_path, rate), song=facts))
        second = again(first, tmp_path / "REAPER" / "s.rpp", tmp_path)
        assert roleless(second.tracks) == roleless(first.tracks) and second.markers == first.markers
        assert second.song.downbeat_frame == facts.downbeat_frame and second.song.markers == facts.markers
        assert second.song.tempo_map == facts.tempo_map and second.song.meter_map == facts.meter_map
    assert not read_session(tmp_path / "REAPER" / "s.rpp").warnings  # the stems lie in the folder above
    far = tmp_path / "REAPER" / "far" / "away"
    far.mkdir(parents=True)
    alone = read_session(Path(shutil.copy(tmp_path / "REAPER" / "s.rpp", far)))
    assert len(alone.warnings) == 5 and "is not beside the session" in alone.warnings[0]
    assert roleless(alone.session.tracks)[0].clips[0].length == first.tracks[0].clips[0].length


def test_three_independent_parsers_agree(tmp_path: Path) -> None:
    path = tmp_path / "s.rpp"
    session = rich(tmp_path)
    write_session("reaper", session, path)
    text = path.read_text(encoding="utf-8")
    ours = _tree(chunks.parse(path.read_bytes(), path))
    assert _of_rpp(rpp.loads(text)) == ours
    assert _of_reaper_parser(reaper_parser.parse(text)) == ours
    project = reaproj.Project.loads(text)
    clips = [clip for track in session.tracks for clip in track.clips]
    items = [item for track in project.tracks for item in track.items]
    assert [(round(i.position * 48000), round(i.length * 48000)) for i in items] == [(c.at, c.length) for c in clips]
    regions = [(r.name, round(r.start * 48000), round(r.end * 48000)) for r in project.regions]
    assert regions == [(m.name, m.at, m.end) for m in session.markers if m.length]


def test_real_projects(shared: Path) -> None:
    paths = sorted((shared / "material/sessions/rpp").rglob("*.[rR][pP][pP]"))
    assert len(paths) > 25
    for path in paths:
        session = read_session(path).session
        theirs = rpp.loads(path.read_bytes().decode("utf-8", "replace"))
        assert len([t for t in session.tracks if t.clips or t.name]) >= len(list(theirs.iterfind("TRACK")))
        assert _tree(chunks.parse(path.read_bytes(), path)) == _of_rpp(theirs), path


@pytest.mark.parametrize(
    "data", [b"", b"RIFF1234WAVE", b"<?xml version='1.0'?><REAPER_PROJECT/>", b"text\n", b"\0" * 99, b"<TRACK\n>\n"]
)
def test_what_is_no_project(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "s.rpp").write_bytes(data)
    with pytest.raises(InputError, match="is no REAPER project") as caught:
        read_session(tmp_path / "s.rpp")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<REAPER_PROJECT 0.1\n  <TRACK\n", "ends inside of TRACK"),
        ("<REAPER_PROJECT 0.1\n>\nTRACK 1\n", "line 3: goes on after its end"),
        ("<REAPER_PROJECT 0.1\n" + "<A\n" * 99999, "larger than any"),
        (
            "<REAPER_PROJECT 0.1\n  <TRACK\n    <ITEM\n POSITION 1e99\n<SOURCE WAVE\nFILE a\n>\n>\n>\n>\n",
            "no place in a",
        ),
        ("<REAPER_PROJECT 0.1\n  TEMPO -4 4 4\n>\n", "-4 BPM is no tempo"),
    ],
)
def test_what_is_damaged(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "s.rpp").write_text(text, encoding="utf-8")
    with pytest.raises(SessionError, match=reason) as caught:
        read_session(tmp_path / "s.rpp")
    assert caught.value.hint


def test_mutations_give_nothing_but_house_errors(tmp_path: Path) -> None:
    path = tmp_path / "s.rpp"
    write_session("reaper", rich(tmp_path), path)
    words = (b">", b"<", b"\n", b"-1", b"nan", b"1e308", b"\xff", b"\0", b'"', b"9" * 14, b"", b"<TRACK", b"2 -9")
    assert 50 < refused(damaged(path.read_bytes(), words), path) < 450  # both ways out are taken


ITEM = """<REAPER_PROJECT 0.1 "7.0" 0
  SAMPLERATE 44100 {use} 0
  TEMPO 100 3 4
  <TEMPOENVEX
    PT 0 100 0 262147 0 1
    PT 6 140 1
  >
  <TRACK
    NAME ""
    ISBUS 1 1
    <ITEM
      POSITION 1
      LENGTH {length}
      LOOP {loop}
      FADEIN 1 0.001 0 1 0 0 0
      FADEOUT 1 0.001 0.002 1 0 0 0
      VOLPAN 0.5 0 2 -1
      SOFFS {soffs}
      <SOURCE WAVE
        FILE "C:\\Users\\me\\a.wav"
      >
      TAKE SEL
      NAME b
      TAKEVOLPAN 0 -0.5 -1
      SOFFS {soffs}
      <SOURCE SECTION
        STARTPOS 0.05
        LENGTH 0.04
        <SOURCE WAVE
          FILE b.wav
        >
      >
    >
  >
  <TRACK
    NAME x
    ISBUS 2 -1
    <ITEM
      POSITION 0
      LENGTH 1
      MUTE 1 0
      <SOURCE WAVE
        FILE b.wav
      >
    >
  >
  <TRACK
    NAME x
    <FXCHAIN
      <VST "VST: ReaEQ"
      >
    >
  >
>
"""


def opened(path: Path, **values: Any) -> Any:
    path.write_text(ITEM.format(**{"use": 0, "length": 0.1, "loop": 0, "soffs": 0} | values), encoding="utf-8")
    return read_session(path)


def test_what_real_projects_do(tmp_path: Path) -> None:
    file = wav(tmp_path / "b.wav", 4800)
    found = opened(tmp_path / "s.rpp", length=0.1, loop=1, soffs=0.01)
    session = found.session
    assert session.sample_rate == 48000  # the project leaves it to the device; its media say it
    assert [(t.name, t.group, t.is_group) for t in session.tracks] == [
        ("Track", None, True), ("Track (2)", "Track", False), ("x", "Track", False), ("x (2)", None, False)
    ]  # fmt: skip
    clips = session.tracks[1].clips
    assert [(c.at, c.length, c.source_from) for c in clips] == [
        (48000, 1440, 2880), (49440, 1920, 2400), (51360, 1440, 2400)
    ]  # fmt: skip
    assert {c.file for c in clips} == {file} and {c.gain_db for c in clips} == {round(-12.041199827, 9)}
    assert [(c.fade_in, c.fade_out) for c in clips] == [(48, 0), (0, 0), (0, 96)]
    assert session.song.tempo_map == (TempoChange(Fraction(12), 140.0),)  # 6 s at a mean of 120 BPM
    assert session.song.bpm and session.song.bpm.value == 120 and session.song.meter_map[0].numerator == 3
    said = "\n".join(found.warnings)
    for words in ("ramps", "inverted", "muted items are left out: x", "plug-ins of tracks are not read: x (2)"):
        assert words in said
    (clip,) = opened(tmp_path / "s.rpp", length=0.1, soffs=-0.01).session.tracks[1].clips
    assert (clip.at, clip.length, clip.source_from, clip.fade_out) == (48480, 1920, 2400, 0)
    assert opened(tmp_path / "s.rpp", use=1).session.sample_rate == 44100


def test_endless_loops_are_refused(tmp_path: Path) -> None:
    wav(tmp_path / "b.wav", 4800)
    with pytest.raises(SessionError, match="more clips than any session"):
        opened(tmp_path / "s.rpp", length=100_000, loop=1)


SOUND = """<REAPER_PROJECT 0.1 "7.0" 0
  SAMPLERATE 48000 1 0
  MASTER_VOLUME 0.5 0.25 -1
  PANLAW 0.70794578
  <MASTERFXLIST
    <JS limiter
    >
  >
  <TRACK
    NAME cut
    MAINSEND 0 0
  >
  <TRACK
    NAME sent
    MAINSEND 0 0
    VOLPAN -1 0 -1 -1 1
    <FXCHAIN
      WNDRECT 0 0 0 0
    >
  >
  <TRACK
    NAME bus
    AUXRECV 1 0 1 0 0 0 0 0 0
    PLAYOFFS 0.01 1
    FREEMODE 2
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
    >
    <PANENV2
      ACT 0 -1
      PT 0 1 0
    >
    {items}
  >
  {tracks}
>
"""
SOUND_ITEM = """<ITEM
  POSITION {at}
  LENGTH 0.1
  ALLTAKES 1
  VOLPAN 1 0.5 1 -1
  CHANMODE 3
  PLAYRATE 1.5 1 2
  SM 0 0 + 1 1
  FADEIN 1 0.01 0 1 0 0 0
  <TAKEFX
    <VST x
    >
  >
  <SOURCE WAVE
    FILE b.wav
  >
>
"""


def test_what_changes_the_sound_is_told_once_a_kind(tmp_path: Path) -> None:
    wav(tmp_path / "b.wav", 4800)
    plain = [f"<TRACK\n NAME t{n}\n IPHASE 1\n>\n" for n in range(5)]
    items = "".join(SOUND_ITEM.format(at=at) for at in range(9))
    (tmp_path / "s.rpp").write_text(SOUND.format(items=items, tracks="".join(plain)), encoding="utf-8")
    found = read_session(tmp_path / "s.rpp")
    assert [track.name for track in found.session.tracks if track.mute] == ["cut"]
    assert set(found.warnings) == {
        "the volume of the master is not read",
        "the pan of the master is not read",
        "the pan law of the project is not 0 dB, as which it is read",
        "plug-ins of the master are not read",
        "tracks that are sent nowhere are read as muted: cut",
        "inverted polarity of tracks is not read: sent, t0, t1 and 3 more",
        "sends are not read: bus",
        "playback offsets of tracks are not read: bus",
        "items of all fixed lanes are read as if every lane played: bus",
        "automation is not read: bus",
        "items play all their takes, of which one is read: bus",
        "the pan of items is not read: bus",
        "items that play some channels of their files only are read with all: bus",
        "stretched items are read as they were recorded: bus",
        "transposed items are read as they were recorded: bus",
        "stretch markers in items are not read: bus",
        "curved fades are read as straight lines: bus",
        "plug-ins of items are not read: bus",
    }


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    session = rich(tmp_path)
    odd = replace(
        session,
        tracks=(Track("empty", is_group=True, comment="said"), *session.tracks),
        markers=(Marker(0, QUOTES),),
    )
    told = {(loss.subject, loss.field) for loss in write_session("reaper", odd, tmp_path / "s").losses}
    assert told == {("song", "key"), ("empty", "groups"), (QUOTES, "markers")}


def test_members_that_stand_apart(tmp_path: Path) -> None:
    session = rich(tmp_path)
    apart = (Track("A", is_group=True), Track("b", group="A"), Track("c"), Track("d", group="A"))
    read = again(replace(session, tracks=apart), tmp_path / "s.rpp").tracks
    assert [(t.name, t.group) for t in read] == [("A", None), ("b", "A"), ("d", "A"), ("c", None)]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12).filter(lambda t: not {*"\"'`"} <= {*t})))
def test_words_round_trip(texts: list[str]) -> None:
    words = chunks.split(" ".join(["NAME", *map(quote, texts)]))
    assert words == ["NAME", *(chunks.split(quote(text))[0] for text in texts)] and len(words) == len(texts) + 1


def _tree(chunk: chunks.Chunk) -> list[Any]:
    return [chunk.words, [_tree(part) if isinstance(part, chunks.Chunk) else _line(part) for part in chunk.parts]]


def _line(text: str) -> Any:
    return text if text.startswith("|") else chunks.split(text)


def _of_reaper_parser(document: Any) -> list[Any]:
    def tree(element: Any) -> list[Any]:
        parts = [
            tree(child) if isinstance(child, reaper_parser.Element) else _line(child.raw.strip())
            if child.raw.strip().startswith("|") else [child.key, *child.values]
            for child in element.children
        ]  # fmt: skip
        return [[element.tag, *element.attrs], parts]

    return tree(document.root)


def _of_rpp(element: Any) -> list[Any]:
    parts: list[Any] = []
    for child in element.children:
        if isinstance(child, rpp.Element):
            parts.append(_of_rpp(child))
        else:
            parts.append([str(word) for word in child] if isinstance(child, list) else _line(child))
    return [[element.tag, *map(str, element.attrib)], parts]


def test_a_tempo_map_alone_and_one_of_many_points(tmp_path: Path) -> None:
    """A session without tracks, as a MIDI file gives it; a click that follows a band changes at every beat."""
    bare = replace(rich(tmp_path), tracks=(), frames=53000)
    assert again(bare, tmp_path / "s.rpp").song.tempo_map == bare.song.tempo_map
    chance = random.Random(1)
    beats = tuple(TempoChange(Fraction(n), round(90 + 60 * chance.random(), 6)) for n in range(1, 2000))
    first = grid(replace(bare.song, tempo_map=beats, downbeat_frame=0))
    second = grid(
        again(replace(bare, song=replace(bare.song, tempo_map=beats, downbeat_frame=0)), tmp_path / "s.rpp").song
    )
    assert [(p.quarters, p.bpm) for p in first] == [(p.quarters, p.bpm) for p in second]
    assert all(abs(a.at - b.at) < Fraction(1, 10**9) for a, b in zip(first, second, strict=True))
