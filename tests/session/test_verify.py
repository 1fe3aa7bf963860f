"""A session file is proved by reading and rendering it; whatever is wrong with it makes the proof fail."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from session_kit import band, moving_song, wav

from stemwright.errors import NotFoundInput, OutputError, SessionError, StemwrightError, UnknownName
from stemwright.model import Session
from stemwright.session import verify as verifying
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, write_session
from stemwright.session.verify import STEMS, prove, verify_session


@pytest.fixture
def plan(tmp_path: Path) -> Session:
    song = moving_song()
    made = arrange(band(tmp_path, tempo_map=song.tempo_map, meter_map=song.meter_map))
    tracks = tuple(replace(t, pan=-0.5, gain_db=-6.0) if t.name == "Bass" else t for t in made.tracks)
    return replace(made, tracks=tracks)


@pytest.fixture
def project(plan: Session, tmp_path: Path) -> Path:
    return write_session("reaper", plan, tmp_path / "s").outputs[0].path


@pytest.mark.parametrize("name", formats())
def test_what_is_written_is_proved(name: str, plan: Session, tmp_path: Path) -> None:
    found = prove(write_session(name, plan, tmp_path / "s").outputs[0].path, plan)
    states = dict(found.fields)
    expresses = formats()[name].EXPRESSES
    assert not found.skipped and "differs" not in states.values()
    assert {field for field, state in states.items() if state == "no place"} <= set(states) - expresses
    if "audio" in expresses:
        assert found.residual_dbfs is not None and found.residual_dbfs <= verifying.NULL_DBFS
    else:
        assert found.residual_dbfs is None


def edit(pattern: str, change: str) -> Callable[[str], str]:
    def made(text: str) -> str:
        edited, count = re.subn(pattern, change, text, count=1, flags=re.S)
        assert count == 1, pattern
        return edited

    return made


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("audio", edit(r"(NAME Bass.*?POSITION) 0\.0+\n", r"\1 0.000020833333333\n")),  # one frame late
        ("clip_gain", edit(r"(NAME \"Kick 🥁\"\n      VOLPAN) [0-9.]+", r"\1 1")),
        ("gain", edit(r"(NAME Bass.*?VOLPAN) [0-9.]+", r"\1 1")),
        ("pan", edit(r"(NAME Bass.*?VOLPAN [0-9.]+) -0.5", r"\1 0.5")),
        ("mute", edit(r"(NAME FullMix.*?MUTESOLO) 1", r"\1 0")),
        ("solo", edit(r"(NAME Bass.*?MUTESOLO 0) 0", r"\1 1")),
    ],
)
def test_a_wrong_session_is_found_by_field_and_by_ear(
    field: str, change: Callable[[str], str], plan: Session, project: Path
) -> None:
    text = (
        project.read_text(encoding="utf-8")
        .replace('NAME "Bass"', "NAME Bass")
        .replace('NAME "FullMix"', "NAME FullMix")
    )
    project.write_text(change(text), encoding="utf-8")
    found = verify_session(project, plan)
    assert {difference.field for difference in found.differences} == {field, "audio"}
    assert found.residual_dbfs is not None and found.residual_dbfs > -40 and dict(found.fields)[field] == "differs"
    with pytest.raises(OutputError, match=f"is not what was planned: {field}"):
        prove(project, plan)


def test_a_missing_medium_is_an_error_and_not_silence(plan: Session, project: Path, tmp_path: Path) -> None:
    (tmp_path / "Bass.wav").unlink()
    found = verify_session(project, plan)
    assert ("Bass", "missing") in {(d.subject, d.found) for d in found.differences} and not found.ok
    alone = verify_session(project)
    assert [d.subject for d in alone.differences] == ["Bass"] and alone.residual_dbfs is None and not alone.fields


def test_another_file_of_that_name_is_found(plan: Session, tmp_path: Path) -> None:
    """What a session names is what counts: a file of the planned name with other samples."""
    path = write_session("reaper", plan, tmp_path / "elsewhere" / "s").outputs[0].path
    assert verify_session(path, plan).ok
    wav(path.parent / "Bass.wav", 4801, 2)
    (path.parent / "Bass.wav").write_bytes((path.parent / "Bass.wav").read_bytes()[:-600] + bytes(600))
    assert verify_session(path, plan).ok
    path.write_text(path.read_text(encoding="utf-8").replace("../Bass.wav", "Bass.wav"), encoding="utf-8")
    found = verify_session(path, plan)
    assert any(d.field == "audio" and "Bass" in d.subject for d in found.differences) and not found.ok


def test_media_must_be_where_the_session_names_them(plan: Session, project: Path, tmp_path: Path) -> None:
    """The files are there, by name; the DAW would look elsewhere, so all of them are missing."""
    text = project.read_text(encoding="utf-8")
    for place in ("../../no/such/place/", "/no/such/place/", "C:\\\\no\\\\such\\\\", "deeper/"):
        project.write_text(re.sub(r'(FILE ["\'`]?)', rf"\1{place}", text), encoding="utf-8")
        found = verify_session(project, plan)
        assert len([d for d in found.differences if d.found == "missing"]) == 5 and not found.ok, place
    (tmp_path / "deeper").mkdir()
    for file in tmp_path.glob("*.wav"):
        file.rename(tmp_path / "deeper" / file.name)
    assert verify_session(project).ok


def test_links_are_followed_as_the_system_does(plan: Session, tmp_path: Path) -> None:
    """A stem that is a link, and a folder for the session that is one, deeper than it looks."""
    store, deep = tmp_path / "store", tmp_path / "far" / "deep" / "deeper"
    store.mkdir()
    deep.mkdir(parents=True)
    (tmp_path / "Bass.wav").rename(store / "b0001")
    (tmp_path / "Bass.wav").symlink_to(store / "b0001")
    (tmp_path / "out").symlink_to(deep)
    for name, module in formats().items():
        if "audio" in module.EXPRESSES:
            path = write_session(name, plan, tmp_path / "out" / "s").outputs[0].path
            assert prove(path, plan).ok, name
    text = (deep / "s.rpp").read_text(encoding="utf-8")
    for name in re.findall(r"^ +FILE \"?(.+?)\"?$", text, re.M):
        assert (deep / name).is_file(), name
    assert "../../../Bass.wav" in text and "b0001" not in text


def test_stems_that_changed_places_are_found_though_their_sum_is_the_same(plan: Session, tmp_path: Path) -> None:
    """AAF keeps copies: two of one length, exchanged."""
    stems = band(tmp_path / "even")
    snare = replace(stems.stems[2], file=wav(tmp_path / "even" / "Rim_and_hat_.wav", 4800))
    even = arrange(replace(stems, stems=(replace(stems.stems[1], gain_db=0.0), snare)))
    path = write_session("aaf", even, tmp_path / "even" / "out" / "s").outputs[0].path
    assert verify_session(path, even).ok
    one, other = sorted((path.parent / "Audio Files").glob("*.wav"))[-2:]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(first[:-14_400] + second[-14_400:])
    other.write_bytes(second[:-14_400] + first[-14_400:])
    assert any("samples" in d.planned for d in verify_session(path, even).differences)


def test_only_what_stems_decide_is_compared_with_stems(plan: Session, project: Path) -> None:
    other = replace(plan, song=replace(plan.song, key=None, bpm=None), notes=(), markers=())
    assert verify_session(project, other, STEMS).ok and not verify_session(project, other).ok


def test_files_that_are_no_sessions(plan: Session, project: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="names no session format"):
        verify_session(tmp_path / "Bass.wav", plan)
    with pytest.raises(NotFoundInput):
        verify_session(tmp_path / "gone.rpp", plan)
    project.write_bytes(b"\0" * 100)
    with pytest.raises(StemwrightError):
        verify_session(project, plan)
    with pytest.raises(OutputError, match="cannot be read back"):
        prove(project, plan)
    assert issubclass(SessionError, StemwrightError)


def test_a_file_of_another_rate_is_not_rendered_but_compared(plan: Session, tmp_path: Path) -> None:
    track = plan.tracks[-1]
    cd = wav(tmp_path / "Cd.wav", 4410, rate=44_100)
    mixed = replace(
        plan, tracks=(*plan.tracks[:-1], replace(track, clips=(replace(track.clips[0], file=cd, length=4800),)))
    )
    path = write_session("reaper", mixed, tmp_path / "mixed").outputs[0].path
    assert verify_session(path, mixed).residual_dbfs == -math.inf
    late = replace(mixed.tracks[-1], clips=(replace(mixed.tracks[-1].clips[0], at=5),))
    assert not verify_session(path, replace(mixed, tracks=(*mixed.tracks[:-1], late))).ok
