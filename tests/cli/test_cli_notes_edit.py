"""`notes --edit` on a real terminal, as a user types; and what settings files say of whom to ask."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stemwright
from stemwright.audio import stated
from stemwright.audio.folder import read_stems
from stemwright.model import Estimate
from support import run, run_json, tone, write_stems

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no ptys on Windows")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_stems(tmp_path / "Song_120_Am", {name: tone(110) for name in ("Vocals", "Bass")}, 44_100)


def typed(folder: Path, answers: list[str], *flags: str) -> tuple[int, str]:
    """Exit code of `notes --edit` at which these lines are typed, and what the terminal showed."""
    leader, follower = pty.openpty()
    argv = [sys.executable, "-m", "stemwright", "notes", str(folder), "--edit", *flags]
    environment = os.environ | {"PYTHONPATH": str(Path(stemwright.__file__).parents[1]), "COLUMNS": "100"}
    with subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        os.write(leader, "".join(f"{answer}\n" for answer in answers).encode())
        shown = b""
        while select.select([leader], [], [], 120)[0]:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # Linux says so when the other side is closed
                break
            if not piece:
                break
            shown += piece
        process.wait(60)
    os.close(leader)
    return process.returncode, shown.decode("utf-8", "replace")


# title, artist, tempo, key, tuning, click, comments, then effects and comment of each stem: Bass, Vocals
ANSWERS = ["Night Train", "Anna", "fast", "93.5", "", "", "yes", "", "", "DI only", "plate", "-"]


def test_answers_are_kept_and_enter_keeps_what_is_known(folder: Path) -> None:
    code, shown = typed(folder, ANSWERS)
    assert code == 0, shown
    for part in ("'fast' is not a tempo from 20 to 400 BPM", "Key [Am]", "Vocals: printed effects"):
        assert part in shown
    kept = tomllib.loads((folder / stated.NAME).read_text(encoding="utf-8"))
    assert kept == {
        "title": "Night Train",
        "artist": "Anna",
        "bpm": {"value": 93.5, "confidence": 1.0, "source": "user", "alternatives": []} | kept["bpm"],
        "click": "yes",
        "stems": {"Bass": {"comments": "DI only"}, "Vocals": {"printed_effects": "plate"}},
    }
    found = read_stems(folder)
    assert found.song.bpm == Estimate(93.5, 1.0, "user") and found.song.key == Estimate("A minor", 0.9, "filename")
    text = (folder / "Song_120_Am_notes.txt").read_text(encoding="utf-8")
    for fact in ("Night Train - Anna", "93.5 BPM (stated by the producer)", "Click     yes", "plate", "DI only"):
        assert fact in text
    before = (folder / stated.NAME).read_bytes()
    code, shown = typed(folder, [""] * 11, "--force")
    assert code == 0 and (folder / stated.NAME).read_bytes() == before, "Enter alone changed something"
    assert "[Night Train]" in shown and "[93.5]" in shown and "[plate]" in shown
    code, shown = typed(folder, ["", "-", "-", *[""] * 6, "-", ""], "--force")
    assert code == 0 and "artist" not in stated.read(folder).song.title
    assert stated.read(folder).song.bpm is None and stated.read(folder).song.artist == ""


def test_notes_that_are_there_are_told_before_a_question_is_asked(folder: Path) -> None:
    (folder / "Song_120_Am_notes.txt").write_text("mine")
    code, shown = typed(folder, ANSWERS)
    assert code == 1 and "--force" in shown and "Title" not in shown
    assert not (folder / stated.NAME).exists()


def test_a_folder_that_cannot_keep_answers_is_told_before_a_question_is_asked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, _, err = run(capsys, "notes", folder, "--edit")
    assert code == 1
    assert "cannot be written" in err and "--bpm" in err and "Title" not in err


def test_wrong_answers_are_told_what_is_wanted(folder: Path) -> None:
    code, shown = typed(folder, ["", "", "120,5", "H?", "fis-Moll", "900", "-7,5", *[""] * 6])
    assert code == 0 and "'H?' is not a key: write it like" in shown and "'900' is not a number from -100" in shown
    song = stated.read(folder).song
    assert song.bpm and song.key and (song.bpm.value, song.key.value, song.tuning_cents) == (120.5, "F# minor", -7.5)


def test_an_end_of_input_leaves_everything_as_it_was(folder: Path) -> None:
    before = sorted(folder.iterdir())
    code, _ = typed(folder, ["New", "\x04"])
    assert code == 130 and sorted(folder.iterdir()) == before


def test_without_a_terminal_it_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "notes", folder, "--edit")
    assert code == 2 and "no terminal" in err and not (folder / stated.NAME).exists()
    assert run(capsys, "notes", folder, "--edit", "--dry-run")[0] == 2


def test_a_wrong_notes_toml_is_told_by_every_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / stated.NAME).write_text("bpm = 120\ntempo = 3\n")
    for command in ("notes", "audit", "session", "prep"):
        code, _, err = run(capsys, command, folder)
        told = " ".join(err.split())
        assert code == 1 and "line 2: 'tempo' is not known here" in told and "Traceback" not in told


def test_contact_comes_from_the_settings_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Path("stemwright.toml")
    settings.write_text('[contact]\nemail = "anna@nord.example"\nname = "Anna | Berg"\n', encoding="utf-8")
    assert run(capsys, "notes", folder, "--bpm", 120)[0] == 0
    assert "Contact: Anna | Berg · anna@nord.example" in (folder / "Song_120_Am_notes.txt").read_text("utf-8")
    assert "Anna \\| Berg · anna@nord.example" in (folder / "Song_120_Am_notes.md").read_text("utf-8")
    code, document = run_json(capsys, "config", "show")
    rows = {(row["command"], row["option"]): row for row in document["result"]}
    assert code == 0
    assert rows["contact", "name"]["value"] == "Anna | Berg" and "stemwright.toml" in rows["contact", "name"]["origin"]
    assert rows["contact", "phone"]["value"] is None
    for wrong in ("[contact]\nname = 3", "[contact]\nfax = '1'"):
        settings.write_text(wrong)
        code, _, err = run(capsys, "notes", folder)
        assert code == 1 and "[contact]" in err


def test_nobody_is_asked_about_a_click(folder: Path) -> None:
    write_stems(folder, {"Click": tone(1000)}, 44_100)
    code, shown = typed(folder, [""] * 11)
    assert code == 0 and "Bass: printed effects" in shown and "Click: " not in shown
