from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from session_kit import band

from stemwright.errors import OutputError, SessionError, UnknownName
from stemwright.model import Loss, Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.fields import FIELDS, in_short, losses
from stemwright.session.formats import formats, nested, readers, write_session

NAMES = ("aaf", "ableton", "ardour", "dawproject", "midi", "otio", "reaper")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return arrange(band(tmp_path))


def test_formats_keep_the_contract() -> None:
    found = formats()
    assert tuple(found) == NAMES and found.keys() <= readers().keys()
    for module in found.values():
        assert set(FIELDS) >= module.EXPRESSES and module.SUFFIXES[0].startswith(".") and module.NAME
        assert module.PROVED.endswith(".") and isinstance(module.OPTIONS, frozenset)


def test_nothing_is_lost_silently(session: Session, tmp_path: Path) -> None:
    tracks = tuple(replace(t, gain_db=-6.0, pan=0.5, solo=True) for t in session.tracks)
    full = replace(
        session,
        tracks=tracks,
        frame_rate=Fraction(25),
        song=replace(session.song, meter_map=(replace(session.song.meter_map[0], numerator=3),)),
    )
    for module in formats().values():
        told = {loss.field for loss in losses(full, module)}
        assert told == set(FIELDS) - module.EXPRESSES - {"tempo_map", "fades"}  # the two it does not use
    assert [(x.field, x.subject) for x in write_session("reaper", full, tmp_path / "s").losses] == [("key", "song")]
    midi = {loss.field: loss for loss in write_session("midi", full, tmp_path / "s").losses}
    assert midi["mute"].subject == "FullMix" and midi["groups"].reason == "MIDI has no place for group tracks"


def test_suffix_options_and_unknown_formats(session: Session, tmp_path: Path) -> None:
    written = write_session("reaper", session, tmp_path / "Song v1.2")
    assert written.outputs[0].path == tmp_path / "Song v1.2.rpp" and written.outputs[0].path.is_file()
    with pytest.raises(UnknownName, match="no session format 'ptx'") as caught:
        write_session("ptx", session, tmp_path / "s")
    assert "reaper" in caught.value.hint
    with pytest.raises(SessionError, match="no option 'embed'"):
        write_session("midi", session, tmp_path / "s", embed=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_cannot_be_written(session: Session, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError):
        write_session(name, session, tmp_path / "file" / "s")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.geteuid():
        with pytest.raises(OutputError):
            write_session(name, session, closed / "s")
    assert list(closed.iterdir()) == []


def test_losses_in_a_line(session: Session, tmp_path: Path) -> None:
    full = replace(session, frame_rate=Fraction(25))
    aaf = write_session("aaf", full, tmp_path / "s")
    assert aaf.told.startswith("s.aaf has no place for the tempo, group tracks (DRUMS) and colours (FullMix, ")
    assert "and 3 more)" in aaf.told and "the key" not in aaf.told and "\n" not in aaf.told
    assert {loss.field for loss in aaf.losses} > {"key"}
    assert write_session("reaper", full, tmp_path / "s").told == ""  # a marker tells the key
    unmarked = replace(full, markers=())
    assert write_session("reaper", unmarked, tmp_path / "s").told == "s.rpp has no place for the key"
    assert write_session("midi", full, tmp_path / "s").told == (
        "s.mid has no place for regions (Verse 🎤), colours of markers (Verse 🎤), the frame rate "
        "and the timecode of the session start"
    )
    joined = Loss(", ".join("abcde"), "audio", "is foreign")
    assert in_short("s", full, formats()["reaper"], [joined]) == "s: a, b, c and 2 more: is foreign"
    more = [Loss(name, "audio", "is rounded") for name in "abcde"]
    assert in_short("s", full, formats()["reaper"], more) == "s: a, b, c and 2 more: is rounded"
    assert (
        in_short("s", full, formats()["reaper"], [*more[:1], Loss("song", "x", "is odd")]) == "s: a: is rounded; is odd"
    )


def test_groups_are_followed_by_what_is_in_them() -> None:
    a, b, inner = Track("A", is_group=True), Track("B", is_group=True), Track("C", group="A", is_group=True)
    mixed = (Track("in C", group="C"), a, b, Track("in A", group="A"), inner, Track("in B", group="B"), Track("free"))
    assert [t.name for t in nested(mixed)] == ["A", "in A", "C", "in C", "B", "in B", "free"]
    for lost in ("free", "nowhere", "x"):
        with pytest.raises(SessionError, match=lost):
            nested((*mixed, Track("x", group=lost)))
    with pytest.raises(SessionError, match="inside itself: A, B"):
        nested((replace(a, group="B"), replace(b, group="A"), Track("c")))
