"""Markers and click from end to end: edited lists win and are kept, a click is nobody's stem."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stemwright import audit
from stemwright.audio.folder import read_stems
from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.errors import InputError
from stemwright.measure.sets import measure_set
from stemwright.model import Marker, Outcome
from stemwright.session.formats import read_session
from stemwright.workflows.audit import audit_folder
from stemwright.workflows.facts import Given
from stemwright.workflows.guides import Guides
from stemwright.workflows.prep import Delivery, PrepOptions, prep
from stemwright.workflows.session import SessionOptions, build_sessions
from support import finish, pulse_song, tone, write_stems, write_wav

GIVEN = Given(bpm=120, key="Am")
RATE = 44_100


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    parts = pulse_song(20.0)
    folder = write_stems(tmp_path / "Song", parts)
    write_wav(folder / "Song_FullMix.wav", sum(parts.values()), RATE)
    return folder


def deliver(stems: Path, *, to: tuple[str, ...] = ("reaper", "midi"), **wanted: object) -> Outcome[Delivery]:
    options = PrepOptions(given=GIVEN, to=to, guides=Guides(**wanted), out=stems.parent / "out")
    return finish(prep(stems, options))


def listed(text: str, path: Path) -> Path:
    path.write_text("time,name\n" + text, encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    """The markers in the delivered project, without the facts."""
    found = read_session(next(folder.glob("*.rpp"))).session.song.markers
    return [marker.name for marker in found]


def test_what_is_edited_in_a_delivery_counts_in_the_next_run(stems: Path) -> None:
    folder = deliver(stems).result.folder
    path = folder / "markers.csv"
    edited = path.read_text("utf-8-sig") + "5|1,,,Chörus,,\r\n"
    path.write_text(edited, encoding="utf-8-sig")
    second = deliver(stems)
    beat = second.result.song.downbeat_frame + 16 * RATE // 2
    assert second.result.song.markers == (Marker(beat, "Chörus"),) and names(folder) == ["Chörus"]
    assert {"song", "stems", "tags", "audit"} <= set(second.skipped) and "sessions" not in second.skipped
    third = deliver(stems)
    assert third.result.song.markers == second.result.song.markers and "sessions" in third.skipped
    assert path.read_text("utf-8-sig").replace("\r\n", "\n") == edited.replace("\r\n", "\n")
    assert "Chörus" in next(folder.glob("*_notes.txt")).read_text("utf-8")


def test_another_list_puts_an_edited_one_aside(stems: Path, tmp_path: Path) -> None:
    first = listed("1.0,One\n", tmp_path / "list.csv")
    folder = deliver(stems, markers=first).result.folder
    assert names(folder) == ["One"]
    listed("2.0,Mine\n", folder / "markers.csv")
    assert names(deliver(stems, markers=first).result.folder) == ["Mine"]
    told = deliver(stems, markers=listed("3.0,Other\n", first))
    assert names(folder) == ["Other"] and any("markers_edited1.csv" in warning for warning in told.warnings)
    assert "Mine" in (folder / "markers_edited1.csv").read_text("utf-8")


def test_a_list_among_the_stems_is_taken_by_itself(stems: Path, tmp_path: Path) -> None:
    listed("1.0,Verse\nsoon,Chorus\n", stems / "markers.csv")
    outcome = deliver(stems)
    assert names(outcome.result.folder) == ["Verse"]
    assert any("markers.csv" in warning and "'soon' is no time" in warning for warning in outcome.warnings)
    built = finish(build_sessions(stems, SessionOptions(("reaper",), given=GIVEN)))
    assert names(stems) == ["Verse"] and any("'soon'" in warning for warning in built.warnings)
    cue = tmp_path / "list.cue"
    cue.write_text('FILE "a.wav" WAVE\nTRACK 01 AUDIO\nTITLE "Solo"\nINDEX 01 00:01:00\n', encoding="utf-8")
    again = SessionOptions(("reaper",), given=GIVEN, guides=Guides(cue), force=True)
    assert finish(build_sessions(stems, again)).result.song.markers == (Marker(RATE, "Solo"),)


def test_an_emptied_list_means_no_markers(stems: Path, tmp_path: Path) -> None:
    folder = deliver(stems, markers=listed("1.0,One\n", tmp_path / "list.csv")).result.folder
    listed("", folder / "markers.csv")
    again = deliver(stems, markers=tmp_path / "list.csv")
    assert again.result.song.markers == () and names(folder) == []


def test_a_list_that_was_asked_for_must_hold_something(stems: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no markers"):
        deliver(stems, markers=listed("", tmp_path / "list.csv"))


def test_a_click_lies_beside_the_stems_and_in_no_sum(stems: Path) -> None:
    outcome = deliver(stems, click=True)
    folder = outcome.result.folder
    click = probe(folder / "Song_Click.wav")
    others = [probe(folder / f"Song_{name}.wav") for name in ("Drums", "Bass", "Keys", "FullMix")]
    assert {click.frames} == {other.frames for other in others} and click.format.channels == 1
    tracks = {track.name: track for track in read_session(next(folder.glob("*.rpp"))).session.tracks}
    assert tracks["Click"].mute
    assert "click on every beat" in next(folder.glob("*_notes.txt")).read_text("utf-8")
    assert "Click" not in outcome.result.stems

    measured = finish(measure_set(read_stems(folder)))
    assert measured.across and measured.across.mixdown and measured.across.mixdown.residual_db < -60
    about = [f for f in audit.audit(measured, "protools") if f.subject and f.subject.name == "Song_Click.wav"]
    assert {finding.rule for finding in about} <= {"MET001"}  # the other stems have no bext chunk either
    assert not {f.rule for f in audit.audit(measured, "protools") if f.rule.startswith(("MIX", "SET"))}

    without = deliver(stems)
    assert not click.path.exists() and "Click" not in {t.name for t in read_session(_rpp(folder)).session.tracks}
    assert "stems" in without.skipped


@pytest.mark.parametrize("bits", [16, 24])
def test_what_prep_found_is_what_an_audit_of_the_delivery_finds(tmp_path: Path, bits: int) -> None:
    """The click comes after prep's audit: it must give an audit of the finished folder, as `pack` makes, no more."""
    stems = tmp_path / "Song"
    for name, sound in pulse_song(20.0).items():
        write_wav(stems / f"Song_{name}.wav", sound, RATE, bits)
    delivered = deliver(stems, click=True, count_in=2).result
    audited = finish(audit_folder(delivered.folder)).result
    assert {(f.rule, str(f.subject)) for f in audited.findings} == {
        (f.rule, str(f.subject)) for f in delivered.findings
    }
    assert ("FMT003" in {f.rule for f in audited.findings}) is (bits == 16)


def test_a_split_song_with_a_click_adds_up_all_the_same(tmp_path: Path, free_engine: list[str]) -> None:
    mix = sum(pulse_song(12.0).values())
    song = write_wav(tmp_path / "My Song.wav", mix, RATE)
    folder = finish(prep(song, PrepOptions(given=GIVEN, to=("midi",), guides=Guides(click=True)))).result.folder
    click = probe(folder / "My_Song_Click.wav")
    assert click.start_frame == 0 and click.frames == mix.shape[1] and click.tag("bpm") == "120"
    parts = [quantise(read_all(probe(folder / f"My_Song_{n}.wav"))) for n in ("Vocals", "Drums", "Bass", "Other")]
    assert (sum(parts) == quantise(mix)).all()
    found = audit.audit(finish(measure_set(read_stems(folder))), "protools")
    assert not [f for f in found if f.rule.startswith("MIX") or f.subject == click.path]


def _rpp(folder: Path) -> Path:
    return next(folder.glob("*.rpp"))


def test_a_click_is_not_heard_as_music(stems: Path) -> None:
    deliver_to = stems.parent / "clicked"
    deliver_to.mkdir()
    for path in stems.glob("*.wav"):
        if "FullMix" not in path.name:
            (deliver_to / path.name).write_bytes(path.read_bytes())
    finish(build_sessions(deliver_to, SessionOptions(("midi",), given=GIVEN, guides=Guides(click=True))))
    click = next(deliver_to.glob("*Click.wav"))
    assert np.abs(read_all(probe(click))).max() > 0.2
    again = SessionOptions(("midi",), force=True, guides=Guides(click=True))
    built = finish(build_sessions(deliver_to, again))
    assert built.result.song.key and built.result.song.key.value == "A minor"
    assert any("no click was made" in warning for warning in built.warnings)


def test_a_count_in_without_room_is_told(stems: Path) -> None:
    delivered = deliver(stems, click=True, count_in=2)
    short = "0 of 2 bars of count-in fit before bar 1: stems are not moved"
    assert short in next(delivered.result.folder.glob("*_notes.md")).read_text("utf-8")
    asked = Guides(click=True, count_in=2)
    built = finish(build_sessions(stems, SessionOptions(("midi",), given=GIVEN, guides=asked)))
    for outcome in (delivered, built):
        assert [warning for warning in outcome.warnings if "click" in warning or "count-in" in warning] == [short]


def test_markers_behind_the_end_are_told(stems: Path, tmp_path: Path) -> None:
    late = listed("1.0,One\n0:12:30,Chorus\n99:00,Outro\n", tmp_path / "list.csv")
    outcome = deliver(stems, markers=late)
    assert "list.csv: 'Chorus' and 1 more stand behind the end of the stems" in outcome.warnings
    assert names(outcome.result.folder) == ["One", "Chorus", "Outro"]


def test_without_a_tempo_there_is_no_click(tmp_path: Path) -> None:
    silent = write_stems(tmp_path / "Quiet", {"Pad": tone(220.0, 3.0, RATE)})
    options = replace(PrepOptions(to=("midi",)), guides=Guides(click=True))
    outcome = finish(prep(silent, options))
    assert not list(outcome.result.folder.glob("*Click*"))
    assert any("tempo is not known" in warning for warning in outcome.warnings)
