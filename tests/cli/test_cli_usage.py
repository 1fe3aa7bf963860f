"""Wrong usage: numbers as people write them, and errors that a script can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from support import pulse_song, run, write_stems


def test_a_number_may_have_a_decimal_comma(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    code, out, _ = run(capsys, "session", stems, "--bpm", "120,5", "--dry-run")
    assert code == 0 and "120.5 BPM (user)" in out
    for wrong in ("fast", "nan", "0", "999"):
        code, _, err = run(capsys, "session", stems, "--bpm", wrong)
        assert code == 2 and "float" not in err and wrong in err


@pytest.mark.parametrize(
    "argv",
    [
        ("session", "Song", "--bpm", "fast", "--json"),
        ("prep", "--json"),
        ("audit", "--json", "--nonsense"),
    ],
)
def test_wrong_usage_is_json_too(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *argv)
    assert code == 2 and err
    document = json.loads(out)
    assert document["schema"] == "stemwright.error/1" and not document["ok"]
    assert document["error"]["type"] == "UsageError" and document["error"]["message"] in err


def test_the_profile_of_pack_is_the_deliverys(capsys: pytest.CaptureFixture[str]) -> None:
    told = " ".join(run(capsys, "pack", "--help")[1].split())
    assert "(default: the delivery's own)" in told and "default: protools" not in told


def test_settings_that_are_not_set_are_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "config", "show")[1]
    assert "prep.bpm is not set" in out and "None" not in out


@pytest.mark.skipif(os.name == "nt", reason="users of POSIX")
def test_a_user_without_a_home_folder(tmp_path: Path) -> None:
    """As in a container that runs under a number; what would be kept there is not."""
    stems = write_stems(tmp_path / "Song", pulse_song(2.0))
    probe = f"""
import os, pwd
def nobody(number): raise KeyError(number)
pwd.getpwuid = nobody
os.environ.pop("HOME", None)
from stemwright.cli import main
main(["audit", {str(stems)!r}, "--fail-on", "never"])
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0 and "audit: " in done.stdout and "error" not in done.stderr
    assert list(tmp_path.iterdir()) == [stems]


def test_a_file_that_is_refused_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was not foreseen: it is not stdout that failed."""

    def refused(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "/there/Kick.wav")

    monkeypatch.setattr("stemwright.workflows.audit.read_stems", refused)
    code, _, err = run(capsys, "audit", ".")
    assert code == 1 and "error: /there/Kick.wav: Permission denied" in err


@pytest.mark.parametrize("command", ["notes", "prep", "session"])
def test_a_folder_of_which_no_file_can_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "Song").mkdir()
    (tmp_path / "Song" / "Kick.wav").write_bytes(b"RIFFnothing")
    code, _, err = run(capsys, command, tmp_path / "Song")
    assert code == 1 and "Kick.wav: " in err and "`stemwright audit`" in err
    assert [path.name for path in tmp_path.rglob("*")] == ["Song", "Kick.wav"]
