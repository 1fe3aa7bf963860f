"""What ends a watch: Ctrl-C, which in the middle of work is an interrupt, and a place that cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from stemwright.model import Progress
from stemwright.workflows.audit import Look
from stemwright.workflows.steps import Workflow
from support import pulse_song, run, write_stems


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_in_the_middle_of_a_delivery(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stems(tmp_path / "In" / "Raw", pulse_song(3))
    monkeypatch.setattr("stemwright.workflows.batch.each", interrupted)
    code, _, err = run(capsys, "watch", tmp_path / "In", "--settle", "0.2")
    assert code == 130 and "interrupted: " in err


def test_deliveries_that_cannot_be_written_are_told_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "In").mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path / "out")
    code, _, err = run(capsys, "watch", tmp_path / "In", "-o", tmp_path / "out")
    assert code == 1 and "out: cannot be written" in err and "watching" not in err


def test_in_the_middle_of_an_audit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> Workflow[tuple[Look, tuple[str, ...]]]:
        monkeypatch.setattr("stemwright.workflows.audit.audit_folder", interrupted)
        yield Progress("watch", 0, 0)
        return {}, ("Bass.wav changed",)

    monkeypatch.setattr("stemwright.cli.watch.changed", changed)
    code, out, err = run(capsys, "audit", write_stems(tmp_path / "Raw", pulse_song(3)), "--watch")
    assert code == 130 and "Bass.wav changed" in err and "interrupted: " in err and out
