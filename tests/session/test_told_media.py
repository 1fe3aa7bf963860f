"""Kinds of files that hosts may not take are told; texts and names that were lost once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from session_kit import wav

from stemwright.audio.probe import probe
from stemwright.model import Session, Song, Stem, StemSet
from stemwright.naming import unused
from stemwright.session.arrange import arrange
from stemwright.session.formats import read_session, write_session
from support import tone


def session(folder: Path, *names: str) -> Session:
    stems = []
    for name in names:
        path = folder / name
        if path.suffix == ".wav":
            wav(path)
        else:
            soundfile.write(path, tone(220, 0.5).T, 48_000)
        stems.append(Stem(probe(path), "other", path.stem))
    return arrange(StemSet(Song("S", 48_000), tuple(stems)))


@pytest.mark.parametrize(
    ("name", "told"),
    [("reaper", {"b.mp3"}), ("dawproject", {"b.mp3", "f.caf"}), ("otio", {"b.mp3", "c.flac", "d.ogg", "f.caf"})],
)
def test_files_that_hosts_may_not_take_or_begin_elsewhere(name: str, told: set[str], tmp_path: Path) -> None:
    plan = session(tmp_path, "a.wav", "b.mp3", "c.flac", "d.ogg", "e.aiff", "f.caf")
    losses = [loss for loss in write_session(name, plan, tmp_path / "S").losses if loss.field == "audio"]
    assert {loss.subject for loss in losses} == told
    reasons = {loss.subject: loss.reason for loss in losses}
    assert "begins" in reasons["b.mp3"] and all("bounce it to WAV" in reason for reason in reasons.values())


def test_copies_are_wavs_of_which_nothing_is_told(tmp_path: Path) -> None:
    plan = session(tmp_path, "a.wav", "c.flac")
    for name in ("aaf", "ardour"):
        assert not [x for x in write_session(name, plan, tmp_path / "S").losses if x.field == "audio"]


def test_a_comment_of_a_track_without_clips_stays_in_a_project(tmp_path: Path) -> None:
    plan = session(tmp_path, "a.wav")
    bus = replace(plan.tracks[0], name="Bus", clips=(), is_group=True, comment="print the bus")
    empty = replace(bus, name="Empty", is_group=False, comment="to be recorded")
    full = replace(plan, tracks=(bus, replace(plan.tracks[0], group="Bus"), empty))
    written = write_session("reaper", full, tmp_path / "S")
    read = read_session(written.outputs[0].path).session
    assert not written.losses and read.frames == full.frames
    assert [(t.name, t.comment, t.is_group, len(t.clips)) for t in read.tracks] == [
        ("Bus", "print the bus", True, 0),
        ("a", "", False, 1),
        ("Empty", "to be recorded", False, 0),
    ]


def test_what_an_earlier_ardour_session_copied_goes_with_it(tmp_path: Path) -> None:
    """A stem that was renamed; nothing goes that Ardour or another session may use."""
    path = write_session("ardour", session(tmp_path, "Bass.wav", "Keys.wav"), tmp_path / "S").outputs[0].path
    audio = path.parent / "interchange" / path.parent.name / "audiofiles"
    wav(audio / "Recorded.wav")
    write_session("ardour", session(tmp_path, "Bas.wav", "Keys.wav"), path)
    assert sorted(file.name for file in audio.iterdir()) == ["Bas.wav", "Keys.wav", "Recorded.wav"]
    snapshot = path.with_name("Other.ardour")
    snapshot.write_bytes(path.read_bytes())
    write_session("ardour", session(tmp_path, "Bass.wav", "Keys.wav"), path)
    assert (audio / "Bas.wav").is_file()
    snapshot.unlink()
    path.write_text(
        path.read_text("utf-8").replace('modified-with="stemwright"', 'modified-with="Ardour 7.3"'), "utf-8"
    )
    write_session("ardour", session(tmp_path, "Keys.wav"), path)
    assert {"Bas.wav", "Bass.wav", "Keys.wav"} <= {file.name for file in audio.iterdir()}


def test_spellings_of_one_name_are_one_file(tmp_path: Path) -> None:
    used: set[str] = set()
    assert [unused(name, used) for name in ("Café", "Cafe\u0301", "CAFÉ")] == ["Café", "Cafe\u0301_2", "CAFÉ_3"]
