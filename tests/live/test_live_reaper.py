"""`stemwright live` as a user types it: hosts found, exit codes, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright import live
from support import tone, write_stems, write_wav

Run = Callable[..., Any]


def test_hosts_are_found(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(live.hosts()) >= {"reaper", "protools"}
    assert set(live.actions("reaper")) == {"build", "audit", "export", "doctor", "setup"}
    (tmp_path / "toy.py").write_text(
        "from contextlib import nullcontext\n"
        "from stemwright.live import Calls\n"
        "from stemwright.model import DawSession, DawTrack\n"
        "NAME = 'Toy'\n"
        "class Link:\n"
        "    calls = Calls()\n"
        "def connect(asked):\n"
        "    return nullcontext(Link())\n"
        "def state(link):\n"
        "    return DawSession('Toy 1', 'Song', sample_rate=48000, tracks=(DawTrack('Kick', soloed=True),))\n"
    )
    monkeypatch.setattr(live, "__path__", [*live.__path__, str(tmp_path)])
    made = run("live", "toy", "audit", "--fail-on", "warning")
    assert made.exit_code == 1
    assert "SES009" in made.stdout  # a soloed track
    assert run("live", "toy", "build", "x").exit_code == 2


def test_build_audit_export(run: Run, fake_reaper: Callable, tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Stems", {"Kick": tone(60), "LeadVox": tone(440)}, 48_000)
    port, song = ("--port", fake_reaper().port), ("--bpm", 120, "--key", "Am")
    assert run("live", "reaper", "build", stems, *port, *song, "--project", "One").exit_code == 2
    made = run("live", "reaper", "build", stems, *port, *song)
    assert (made.exit_code, "Stems.rpp: 2 tracks are there" in made.stdout) == (0, True), made.stderr
    made = run("live", "reaper", "build", stems, *port, *song, "--into", "--json")
    assert (made.exit_code, json.loads(made.stdout)["result"]["session"]) == (0, "Stems.rpp")
    made = run("live", "reaper", "audit", *port, "--no-media", "--json", "--report", "audit.html")
    assert "SES021" in Path("audit.html").read_text(encoding="utf-8")
    found = {finding["rule"] for finding in json.loads(made.stdout)["result"]["findings"]}
    assert (made.exit_code, "SES021" in found) == (1, True)
    made = run("live", "reaper", "export", *port, "-o", tmp_path / "Out")
    assert made.exit_code == 0, made.stderr
    assert sorted(path.name for path in (tmp_path / "Out").iterdir()) == ["Kick.wav", "LeadVox.wav"]
    assert run("live", "reaper", "doctor", *port).exit_code == 0
    assert Path("reaper-doctor.txt").is_file()


def test_setup_tells_steps(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("reapy")
    (tmp_path / "reaper.ini").write_text("[REAPER]\n")
    before = sorted(tmp_path.rglob("*"))
    for more in ((), ("--write", "--dry-run")):
        made = run("live", "reaper", "setup", "--folder", tmp_path, *more)
        assert made.exit_code == 0
        assert made.stdout.startswith("1. quit REAPER\n2. ")
        assert sorted(tmp_path.rglob("*")) == before


def test_no_host(run: Run) -> None:
    assert run("live", "cakewalk", "audit").exit_code == 2
    pytest.importorskip("reapy")
    made = run("live", "reaper", "audit", "--port", 1, "--progress", "none")
    assert (made.exit_code, made.stdout) == (1, "")
    assert made.stderr.startswith("error: no REAPER answers on port 1\n  help: start REAPER first")


def test_a_file_that_cannot_be_read_is_a_finding(run: Run, fake_reaper: Callable, tmp_path: Path) -> None:
    (tmp_path / "Bad.wav").write_text("no audio")
    good = write_wav(tmp_path / "Good.wav", tone(60))
    items = [{"file": str(path), "length": 2.0} for path in (good, tmp_path / "Bad.wav", good)]
    fake = fake_reaper(projects=[{"tracks": [{"name": "Kick", "items": items}]}])
    made = run("live", "reaper", "audit", "--port", fake.port, "--json", "--select", "INT")
    found = json.loads(made.stdout)["result"]
    assert (made.exit_code, found["files"]) == (1, 2)
    assert {Path(finding["subject"]).name for finding in found["findings"]} == {"Bad.wav"}
