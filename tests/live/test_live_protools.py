"""`stemwright live protools` and `stemwright audit --session-info` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ptsl")

from fake_protools import FakeProTools, FakeSession, FakeTrack, running

from support import tone, write_stems

Run = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeProTools]:
    fake = FakeProTools()
    with running(fake) as fake.port:
        yield fake


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Stems", {"Kick": tone(60), "Bass": tone(80), "LeadVox": tone(440)}, 48_000)


def test_build_audit_export_and_back(run: Run, fake: FakeProTools, stems: Path, tmp_path: Path) -> None:
    made = run("live", "protools", "build", stems, "--port", fake.port, "--bpm", 120, "--key", "Am", "--title", "T")
    assert made.exit_code == 0, made.stderr
    assert fake.session and len(fake.session.tracks) == 3 and "T: 3 tracks are there" in made.stdout
    assert "PTSL cannot set the tempo" in made.stderr
    fake.session.tracks[0].on |= {"soloed"}
    judged = run("live", "protools", "audit", "--port", fake.port, "--json", "--fail-on", "never")
    rules = {finding["rule"] for finding in json.loads(judged.stdout)["result"]["findings"]}
    assert "SES009" in rules and "SES003" not in rules
    fake.session.tracks[0].on.clear()
    out = tmp_path / "Out"
    assert run("live", "protools", "export", "-o", out, "--port", fake.port, "--fail-on", "never").exit_code == 0
    assert len(list(out.glob("*.wav"))) == 3


def test_verify_tells_what_pro_tools_made_otherwise(run: Run, fake: FakeProTools, stems: Path, tmp_path: Path) -> None:
    asked = ("--to", "aaf", "-o", tmp_path / "S", "--bpm", 120, "--key", "Am")
    assert run("session", stems, *asked).exit_code == 0
    (aaf,) = (tmp_path / "S").rglob("*.aaf")
    made = run("live", "protools", "verify", aaf, "--port", fake.port)
    assert made.exit_code == 0 and "3 tracks, all is as planned" in made.stdout, made.stderr
    original = fake._from_aaf

    def without_the_last(session: FakeSession, path: Path) -> None:
        original(session, path)
        session.tracks.pop()

    fake._from_aaf = without_the_last  # type: ignore[method-assign]
    made = run("live", "protools", "verify", aaf, "--port", fake.port)
    assert made.exit_code == 1 and "planned there, found missing" in made.stdout and "1 difference" in made.stdout
    assert run("live", "protools", "verify", tmp_path / "none.aaf", "--port", fake.port).exit_code == 1
    text, by_hand = tmp_path / "by hand.txt", FakeSession("S", tmp_path)
    original(by_hand, aaf)
    text.write_text("\n".join(fake._text(by_hand)), encoding="utf-8")
    made = run("live", "protools", "verify", aaf, "--session-info", text)
    assert made.exit_code == 0 and "all is as planned" in made.stdout


def test_the_doctor_writes_a_report(run: Run, fake: FakeProTools, tmp_path: Path) -> None:
    fake.session = FakeSession("Secret title", tmp_path / "secret", tracks=[FakeTrack("Secret track", "1")])
    report = tmp_path / "r.txt"
    assert run("live", "protools", "doctor", "-o", report, "--port", fake.port).exit_code == 0
    text = report.read_text("utf-8")
    assert "PTSL 2025.10" in text and "1 track at 48000 Hz" in text and "ecret" not in text


def test_the_doctor_does_not_repeat_what_pro_tools_says(
    run: Run, fake: FakeProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.session = FakeSession("Secret title", tmp_path, tracks=[FakeTrack("Secret track", "1")])
    monkeypatch.setattr(fake, "_text", lambda session: ["no text", session.name])
    made = run("live", "protools", "doctor", "--port", fake.port)
    text = Path("protools-doctor.txt").read_text("utf-8")
    assert made.exit_code == 1 and "what Pro Tools answered: is no session text" in text and "ecret" not in text
    fake.trouble["GetTrackList"] = "PT_UnknownError"
    monkeypatch.undo()
    run("live", "protools", "doctor", "--port", fake.port, "--force", "-o", tmp_path / "r.txt")
    text = (tmp_path / "r.txt").read_text("utf-8")
    assert "Pro Tools refused GetTrackList (PT_UnknownError)" in text and "Unable" not in text


def test_no_pro_tools_is_told_in_one_line(run: Run, fake: FakeProTools) -> None:
    fake.server.stop(0).wait()
    made = run("live", "protools", "audit", "--port", fake.port)
    assert made.exit_code == 1 and "no Pro Tools answers" in made.stderr and "Traceback" not in made.stderr


def test_the_session_text_is_judged_without_pro_tools(run: Run, stems: Path, tmp_path: Path) -> None:
    fake = FakeProTools()
    fake.session = FakeSession("Song", tmp_path, tracks=[FakeTrack("Audio 1", "1", plugins=["EQ3 (mono)"])])
    fake.session.add(stems / "Song_Kick.wav", 4800)
    text = tmp_path / "export.txt"
    text.write_text("\n".join(fake._text(fake.session)), encoding="utf-8")
    made = run("audit", "--session-info", text, "--report", tmp_path / "r.html")
    assert made.exit_code == 0 and "session 'Song': 2 tracks" in made.stdout and "SES013" in made.stdout
    assert "EQ3 (mono)" in (tmp_path / "r.html").read_text("utf-8")
    both = run("audit", stems, "--session-info", text, "--json", "--no-remember", "--select", "SES,NAM")
    result = json.loads(both.stdout)["result"]
    assert (result["files"], result["tracks"], result["folder"]) == (3, 2, str(stems))
    assert run("audit").exit_code == run("audit", "--session-info", text, "--watch").exit_code == 2
    assert run("audit", "--session-info", tmp_path / "none.txt").exit_code == 1
    assert "SES007" in run("rule", "SES").stdout and "Consolidate Clip" in run("rule", "SES003").stdout
