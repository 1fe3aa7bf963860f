"""The audit as a user runs it: reports beside it, a baseline for what is known, and watching."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from stemwright.errors import AlreadyThere, SettingsError
from stemwright.model import DawSession, DawTrack, PlacedClip
from stemwright.workflows import audit
from stemwright.workflows.audit import Audited, AuditOptions, audit_folder
from support import finish, tone, write_stems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stems, of which one has a space in its name."""
    return write_stems(tmp_path / "S", {"Drums": tone(100), "Bass DI": tone(60, level=0.25)}, 48_000)


def audited(folder: Path, **asked: object) -> Audited:
    return finish(audit_folder(folder, AuditOptions(remember=False, **asked))).result


def test_what_passed_is_told(folder: Path) -> None:
    made = audited(folder, select=("NAM00", "SET003"))
    assert [finding.rule for finding in made.findings] == ["NAM002"]
    assert "SET003" in made.passed and "NAM002" not in made.passed and "LVL001" not in made.passed
    assert made.counts == {"error": 0, "warning": 1, "info": 0}
    assert (made.fails("error"), made.fails("warning"), made.fails("info"), made.fails("never")) == (0, 1, 1, 0)


def test_a_baseline_makes_only_new_findings_fail(folder: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    first = audited(folder, write_baseline=known)
    assert first.fails("info") and not first.waived
    again = audited(folder, baseline=known)
    assert not again.fails("info") and again.waived == len(first.findings) == len(again.findings)
    (folder / "Song_Drums.wav").rename(folder / "Song_Drums new.wav")
    assert [f.rule for f in audited(folder, baseline=known, select=("NAM002",)).findings if not f.waived] == ["NAM002"]


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"schema": "stemwright.baseline/1"}', '{"schema": "x", "known": []}']
)
def test_a_baseline_that_is_none_is_named(folder: Path, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "known.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"known\.json"):
        audited(folder, baseline=path)


def test_reports_are_written_by_suffix(folder: Path, tmp_path: Path) -> None:
    names = ("a.html", "a.md", "a.json", "a.xml", "a.sarif", "a.rpp", "a.mid", "labelled")
    outcome = finish(audit_folder(folder, AuditOptions(reports=tuple(tmp_path / name for name in names))))
    assert {output.path for output in outcome.outputs} >= {tmp_path / name for name in names[:-1]}
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["schema"] == "stemwright.audit_report/1"
    assert "NAM002" in (tmp_path / "a.html").read_text("utf-8")
    assert (tmp_path / "labelled" / "Song_Bass DI.wav").is_file()
    assert str(tmp_path) not in "".join((tmp_path / name).read_text("utf-8") for name in names[:5])


def test_reports_of_a_folder_named_from_here_join_findings_and_stems(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`audit S` from beside it once called every file fine, because its stems were `S/Bass` and its findings `Bass`."""
    monkeypatch.chdir(tmp_path)
    texts = {}
    for name, given in (("here", Path("S")), ("full", folder), ("up", Path("S/../S"))):
        finish(audit_folder(given, AuditOptions(reports=(tmp_path / f"{name}.html",), remember=False)))
        texts[name] = (tmp_path / f"{name}.html").read_text("utf-8")
    assert texts["here"] == texts["full"] == texts["up"]
    assert "S/Song" not in texts["here"] and "fine as they are" not in texts["here"]


def test_a_report_of_no_known_kind_is_refused_before_the_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "read_stems", lambda folder: pytest.fail("the work began"))
    with pytest.raises(SettingsError, match=r"a\.pdf"):
        audited(folder, reports=(tmp_path / "a.pdf",))
    with pytest.raises(SettingsError, match="csv"):
        audited(folder, form="csv")


def test_nothing_but_an_older_report_is_replaced(folder: Path, tmp_path: Path) -> None:
    """`audit --report Song.rpp` once replaced the user's own session without asking."""
    for name in ("Song.rpp", "Song.mid", "a.md", "a.json"):
        path = tmp_path / name
        path.write_text("the user's own", encoding="utf-8")
        with pytest.raises(AlreadyThere, match=name):
            audited(folder, reports=(path,))
        assert path.read_text(encoding="utf-8") == "the user's own"
        path.unlink()
        assert not audited(folder, reports=(path,)).unwritten + audited(folder, reports=(path,)).unwritten
    stem = folder / "Song_Drums.wav"
    with pytest.raises(SettingsError, match="Song_Drums"):
        audited(folder, write_baseline=stem)
    assert stem.stat().st_size > 10_000


def test_a_report_that_cannot_be_made_costs_no_finding(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    reports = (tmp_path / "file" / "a.rpp", tmp_path / "a.md")
    made = finish(audit_folder(folder, AuditOptions(reports=reports, remember=False)))
    assert made.result.unwritten == 1 and "a.rpp" in made.warnings[0]
    assert [output.path.name for output in made.outputs] == ["a.md"]
    assert made.result.findings


def test_markers_go_into_a_session_of_two_sample_rates(folder: Path, tmp_path: Path) -> None:
    write_stems(folder, {"Keys": tone(200, rate=96_000)}, 96_000)
    made = finish(audit_folder(folder, AuditOptions(reports=(tmp_path / "a.rpp",), remember=False)))
    assert not made.result.unwritten and "SET001" in (tmp_path / "a.rpp").read_text(encoding="utf-8")


def test_tools_are_told_files_as_seen_from_here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "file=S/Song_Bass DI.wav" in audited(Path("S"), form="github").text
    assert '"uri": "S/Song_Bass%20DI.wav"' in audited(folder, form="sarif").text


def test_no_rule_left_is_no_all_clear(folder: Path) -> None:
    with pytest.raises(SettingsError, match="no rule"):
        audited(folder, select=("LVL001",), ignore=("LVL",))


def test_a_report_can_be_the_result(folder: Path) -> None:
    assert "::warning file=Song_Bass DI.wav" in audited(folder, form="github").text


def test_watching_ends_once_a_change_has_settled(folder: Path) -> None:
    looks = 0

    def write() -> None:
        (folder / "Song_Keys.wav").write_bytes(b"x")
        (folder / "Song_Bass DI.wav").write_bytes(b"y")
        (folder / "Song_Drums.wav").unlink()

    writer = threading.Thread(target=write)
    (folder / "report.html").write_text("ours", encoding="utf-8")
    watching = audit.changed(folder, audit.look(folder, [folder / "report.html"]), [folder / "report.html"], 0.02)
    while True:
        try:
            next(watching)
        except StopIteration as end:
            _, said = end.value
            break
        looks += 1
        if looks == 2:
            (folder / "report.html").write_text("ours again", encoding="utf-8")
        if looks == 3:
            writer.start()
    assert looks >= 4 and said == ("Song_Bass DI.wav changed", "Song_Keys.wav is new", "Song_Drums.wav is gone")
    writer.join()


SESSION = DawSession(
    "Test",
    "My Song",
    sample_rate=48_000,
    bits=16,
    tracks=(DawTrack("Kick", clips=(PlacedClip("a", 0, 100), PlacedClip("b", 200, 100))), DawTrack("Bass")),
)


def test_an_open_session_is_judged_alone_and_with_its_stems(folder: Path, tmp_path: Path) -> None:
    alone = finish(audit_folder(None, AuditOptions(), SESSION)).result
    assert [(f.rule, str(f.subject or "")) for f in alone.findings] == [("SES002", ""), ("SES003", "Kick")]
    assert (alone.folder, alone.files, alone.session, alone.tracks) == (None, 0, "My Song", 2)
    assert all(code.startswith("SES") for code in alone.passed) and "SES001" in alone.passed
    both = finish(audit_folder(folder, AuditOptions(select=("SES", "NAM002")), SESSION)).result
    assert [f.rule for f in both.findings] == ["SES002", "NAM002", "SES003"] and both.files == 2
    with pytest.raises(SettingsError, match="no rule is left"):
        audited(folder, select=("SES",))


@pytest.mark.parametrize("form", ["html", "markdown", "json", "junit", "sarif", "github"])
def test_every_report_tells_of_an_open_session(form: str) -> None:
    text = finish(audit_folder(None, AuditOptions(form=form), SESSION)).result.text
    assert "SES003" in text and "is not consolidated: 2 clips" in text and "Kick" in text
    if form in ("html", "markdown"):
        assert "Export it after a look at 1 track." in text and "in 2 tracks" in text and "Consolidate Clip" in text
    if form == "html":
        assert ">Track</th>" in text and 'id="stems"' not in text
    if form == "json":
        assert json.loads(text)["session"]["tracks"][0]["name"] == "Kick"


def test_a_session_without_faults_may_be_exported() -> None:
    clean = DawSession("Test", "My Song", sample_rate=48_000, bits=24, tracks=(DawTrack("Bass"),))
    text = finish(audit_folder(None, AuditOptions(form="markdown"), clean)).result.text
    assert "Export it." in text and "Nothing to fix in 1 track." in text
