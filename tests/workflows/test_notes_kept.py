"""notes.toml through the workflows: what a delivery says is read again as it was, and the user's word wins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import resources
from stemwright.audio import stated
from stemwright.audio.folder import read_stems
from stemwright.audio.probe import probe
from stemwright.audit import audit
from stemwright.errors import AlreadyThere, MissingExtra, SettingsError
from stemwright.handover import _fonts, manifest
from stemwright.model import Estimate, Outcome, Song
from stemwright.session.formats import read_session
from stemwright.workflows import facts
from stemwright.workflows.audit import AuditOptions, audit_folder
from stemwright.workflows.deliver import NotesForm
from stemwright.workflows.facts import Given
from stemwright.workflows.notes import write_notes
from stemwright.workflows.prep import STEPS, Delivery, PrepOptions, prep
from stemwright.workflows.session import SessionOptions, build_sessions
from support import finish, pulse_song, tone, write_stems, write_wav


@pytest.fixture(autouse=True)
def nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path / "own")


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = write_stems(tmp_path / "My Song", pulse_song())
    (folder / stated.NAME).write_text(
        'artist = "Anna"\nkey = "F#m"\nclick = "yes"\ncomments = "Wide."\n[release]\nisrc = "DEXX12600001"\n'
        '[stems.bass]\nprinted_effects = "amp"\ncomments = "DI too"\n'
    )
    return folder


def deliver(source: Path, **changes: object) -> Outcome[Delivery]:
    return finish(prep(source, replace(PrepOptions(to=("reaper",)), **changes)))


def known(folder: Path) -> tuple[Song, dict[str, tuple[str, str]], stated.Stated]:
    """Song, effects and comments, and the other words, as they are read from a folder."""
    found = read_stems(folder)
    words = {stem.name: (stem.printed_effects, stem.comments) for stem in found.everything}
    return finish(facts.song_of(found, Given())), words, replace(stated.read(folder), stems={})


def test_a_delivery_is_read_again_as_it_was(stems: Path) -> None:
    outcome = deliver(stems, given=Given(title="Night Train"), effects=("Drums=room",))
    folder, song = outcome.result.folder, outcome.result.song
    assert song.artist == "Anna" and song.key == Estimate("F# minor", 1.0, "user") and song.bpm.source == "measured"
    (folder / manifest.NAME).rename(folder.parent / "manifest.json")  # notes.toml alone must tell
    again, words, rest = known(folder)
    assert again == song == stated.read(folder).song
    assert words["Bass"] == ("amp", "DI too") and words["Drums"] == ("room", "")
    assert (rest.click, rest.comments, rest.release.isrc) == ("yes", "Wide.", "DEXX12600001")
    twice = deliver(folder, out=folder.parent / "again")
    assert known(twice.result.folder)[:2] == (song, words)
    findings = audit(read_stems(folder), "protools", select=("PKG", "NAM"))
    assert not [found for found in findings if found.subject and found.subject.name == stated.NAME]


def test_a_second_run_redoes_nothing_and_an_edit_of_the_source_what_hangs_on_it(stems: Path) -> None:
    assert deliver(stems).skipped == ()
    assert len(deliver(stems).skipped) == len(STEPS)
    text = (stems / stated.NAME).read_text()
    (stems / stated.NAME).write_text(text.replace('"amp"', '"cabinet"'))
    again = deliver(stems)
    assert {"song", "stems", "tags", "audit"} <= set(again.skipped) and "notes" not in again.skipped
    assert "cabinet" in next(again.result.folder.glob("*_notes.txt")).read_text(encoding="utf-8")
    tracks = {
        track.name: track.comment for track in read_session(next(again.result.folder.glob("*.rpp"))).session.tracks
    }
    assert "cabinet" in tracks["Bass"] and "DI too" in tracks["Bass"]


def test_the_users_edit_of_a_delivery_wins_and_stays(stems: Path) -> None:
    folder = deliver(stems).result.folder
    path = folder / stated.NAME
    mine = path.read_text(encoding="utf-8").replace('title = "My Song"', 'title = "Night Train" # really')
    mine = mine.replace('"DI too"', '"re-amped"')
    path.write_text(mine, encoding="utf-8")
    outcome = deliver(stems)
    folder = outcome.result.folder
    assert outcome.result.song.title == "Night Train" and folder.name.startswith("Night_Train")
    assert (folder / stated.NAME).read_text(encoding="utf-8") == mine
    assert "re-amped" in next(folder.glob("*_notes.md")).read_text(encoding="utf-8")
    assert not list(folder.glob("*edited*")) and len(deliver(stems).skipped) == len(STEPS)
    louder = deliver(stems, given=Given(bpm=99, key="C"))  # options win, and the rest of the file stays
    assert louder.result.song.bpm.value == 99 and louder.result.song.title == "Night Train"
    assert (louder.result.folder / stated.NAME).read_text(encoding="utf-8") == mine
    (louder.result.folder / stated.NAME).unlink()  # given up: ours is made again
    assert deliver(stems).result.song.title == "My Song"
    assert known(deliver(stems).result.folder)[1]["Bass"] == ("amp", "DI too")


def test_notes_that_we_made_anew_in_a_delivery_are_nobodys_edit(stems: Path) -> None:
    folder = deliver(stems).result.folder
    finish(write_notes(folder, Given(), NotesForm("sync"), "protools", force=True))
    assert "For sync" in next(folder.glob("*_notes.txt")).read_text(encoding="utf-8")
    again = deliver(stems)
    assert not list(folder.glob("*_edited*")) and len(again.skipped) == len(STEPS) - 1
    assert "Stems for mixing" in next(folder.glob("*_notes.txt")).read_text(encoding="utf-8")
    (folder / f"{folder.name}_notes.txt").write_text("mine")
    assert deliver(stems).warnings and len(list(folder.glob("*_edited1.txt"))) == 1


def test_a_broken_edit_is_told_and_nothing_is_lost(stems: Path) -> None:
    folder = deliver(stems).result.folder
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / stated.NAME).write_text("title = \n")
    with pytest.raises(SettingsError, match=r"notes\.toml.*line 1"):
        deliver(stems)
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {stated.NAME}


def test_a_split_song_has_notes_too(tmp_path: Path, free_engine: list[str]) -> None:
    song = write_wav(tmp_path / "My Song.wav", sum(pulse_song().values()), 44_100)
    outcome = deliver(song)
    path = outcome.result.folder / stated.NAME
    assert path in [output.path for output in outcome.outputs] and stated.read(path.parent).song == outcome.result.song
    path.write_text(path.read_text(encoding="utf-8") + '[stems.bass]\nprinted_effects = "amp"\n', encoding="utf-8")
    again = deliver(song)
    assert free_engine == ["My Song.wav"], "an edited comment must split nothing again"
    assert "amp" in next(again.result.folder.glob("*_notes.txt")).read_text(encoding="utf-8")
    path = again.result.folder / stated.NAME
    path.write_text('artist = "Anna"\n', encoding="utf-8")  # all that the user leaves of it
    for given in (Given(), Given(bpm_range="100-140")):
        anew = deliver(song, given=given).result
        assert anew.song.artist == "Anna" and anew.song.bpm.value == pytest.approx(120, abs=0.1)
        assert (anew.folder / stated.NAME).read_text(encoding="utf-8") == 'artist = "Anna"\n'
        assert {probe(path).tag("artist") for path in anew.folder.glob("*.wav")} == {"Anna"}
    assert free_engine == ["My Song.wav"], "an artist splits nothing again"


def test_session_audit_and_notes_agree(tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "Song_120_Am", {name: tone(110) for name in ("Vocals", "Bass")}, 44_100)
    (folder / stated.NAME).write_text('bpm = 93.5\nkey = "C"\n[stems.vocals]\nprinted_effects = "plate"\n')
    song = finish(write_notes(folder, Given(), NotesForm(), "protools")).result.song
    assert (song.bpm, song.key) == (Estimate(93.5, 1.0, "user"), Estimate("C major", 1.0, "user"))
    made = finish(build_sessions(folder, SessionOptions(to=("reaper",)))).result
    assert made.song.bpm == song.bpm
    comments = [track.comment for track in read_session(folder / f"{folder.name}.rpp").session.tracks]
    assert any("plate" in comment for comment in comments)
    findings = finish(audit_folder(folder, AuditOptions())).result.findings
    assert not [found for found in findings if found.rule in ("PKG003", "PKG005", "PKG006")]
    assert finish(write_notes(folder, Given(bpm=99), NotesForm(), "protools", force=True)).result.song.bpm.value == 99
    ranged = finish(write_notes(folder, Given(bpm_range="60-90"), NotesForm(), "protools", force=True)).result.song
    assert ranged.bpm.value == 93.5, "what the producer states is not looked for"


def test_pdf_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fpdf")
    pytest.importorskip("manimgx_fonts")
    folder = write_stems(tmp_path / "Song_120_Am", {"Bass": tone(110)}, 44_100)
    outcome = finish(write_notes(folder, Given(), NotesForm("sync", pdf=True), "protools"))
    pdf = folder / "Song_120_Am_notes.pdf"
    assert pdf.read_bytes().startswith(b"%PDF") and pdf in [output.path for output in outcome.outputs]
    findings = finish(audit_folder(folder, AuditOptions())).result.findings
    assert not [found for found in findings if found.subject and found.subject.name == pdf.name]
    with pytest.raises(AlreadyThere):
        finish(write_notes(folder, Given(), NotesForm(pdf=True), "protools"))
    delivered = deliver(folder, pdf=True, out=tmp_path / "out").result.folder
    assert next(delivered.glob("*_notes.pdf")).read_bytes().startswith(b"%PDF")

    monkeypatch.setattr(_fonts, "_PACKAGES", ("no_such_fonts",))
    with pytest.raises(MissingExtra, match="no font") as caught:
        deliver(folder, pdf=True, out=tmp_path / "other")
    assert "stemwright[pdf]" in caught.value.hint and not (tmp_path / "other").exists()


def test_samples_are_never_touched_by_notes(stems: Path) -> None:
    before = {path.name: path.read_bytes() for path in stems.iterdir()}
    finish(write_notes(stems, Given(), NotesForm(), "protools", out=stems.parent / "out"))
    assert {path.name: path.read_bytes() for path in stems.iterdir()} == before


def test_one_dropped_template_is_enough(tmp_path: Path) -> None:
    own = tmp_path / "own" / "notes"
    own.mkdir(parents=True)
    folder = write_stems(tmp_path / "Song_120_Am", {"Bass": tone(110)}, 44_100)
    (own / "short.md.j2").write_text("# {{ song.title }}, {{ song.bpm }}\n")
    outcome = finish(write_notes(folder, Given(), NotesForm("short"), "protools"))
    assert [output.path.name for output in outcome.outputs] == ["Song_120_Am_notes.md"]
    assert (folder / "Song_120_Am_notes.md").read_text(encoding="utf-8") == "# Song, 120\n"
    (own / "plain.txt.j2").write_text("{{ song.title }}")
    with pytest.raises(SettingsError, match=r"plain\.md"):
        finish(write_notes(folder, Given(), NotesForm("plain", pdf=True), "protools"))
    (own / "broken.txt.j2").write_text("fine\n{% if %}")
    with pytest.raises(SettingsError, match=r"broken\.txt\.j2: line 2: .* in `\{% if %\}`"):
        next(prep(folder, PrepOptions(notes="broken")))  # before anything is read
    (own / "imports.toml").write_text("import = [3]")
    with pytest.raises(SettingsError, match=r"imports\.toml"):
        finish(write_notes(folder, Given(), NotesForm("plain"), "protools"))
