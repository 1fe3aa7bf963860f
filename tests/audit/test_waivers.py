"""What a user lets pass is shown with its reason, fails nothing, and comes back when its time is over."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import audit
from stemwright.audit.rule import families
from stemwright.errors import SettingsError
from stemwright.model import AudioFile, AudioFormat, Finding, Song, Stem, StemSet

TODAY = datetime.date.today()


def a_set() -> StemSet:
    """Two stems by hand with a space in their names (NAM002)."""
    form = AudioFormat("wav", "pcm", 24, 48_000, 1)
    names = {"Bass DI": "bass", "Kick In": "drums.kick"}
    files = {name: AudioFile(Path(f"{name}.wav"), form, 48_000, start_frame=0) for name in names}
    return StemSet(Song("Song", 48_000), tuple(Stem(files[name], role, name) for name, role in names.items()))


def waived(tmp_path: Path, waive: str) -> list[tuple[str, str]]:
    """(file, reason) of what a profile with this waiver finds."""
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "protools"\n[[waive]]\n{waive}\n', encoding="utf-8")
    findings = audit.audit(a_set(), str(path), select=("NAM002",))
    return [(finding.subject.stem, finding.waived) for finding in findings if finding.subject]


@pytest.mark.parametrize(
    ("waive", "passed"),
    [
        ("rule = 'NAM002'", ["Bass DI", "Kick In"]),
        ("rule = 'nam'", ["Bass DI", "Kick In"]),
        ("rule = 'LVL'", []),
        ("rule = 'NAM002'\nfile = 'Bass*.wav'", ["Bass DI"]),
        ("rule = 'NAM002'\nrole = 'drums.*'", ["Kick In"]),
        ("rule = 'NAM002'\nrole = 'drums.*'\nfile = 'Bass*'", []),
        (f"rule = 'NAM002'\nuntil = {TODAY}", ["Bass DI", "Kick In"]),
        (f"rule = 'NAM002'\nuntil = {TODAY - datetime.timedelta(days=1)}", []),
    ],
)
def test_a_waiver_covers_what_it_says(tmp_path: Path, waive: str, passed: list[str]) -> None:
    found = waived(tmp_path, waive + "\nreason = 'agreed'")
    assert sorted(name for name, reason in found if reason == "agreed") == passed
    assert len(found) == 2
    assert [bool(reason) for _, reason in found] == sorted(bool(reason) for _, reason in found), "waived ones go last"


@pytest.mark.parametrize(
    "waive",
    [
        "rule = 'NAM002'",
        "rule = 'NAM002'\nreason = ' '",
        "reason = 'x'",
        "rule = 'XYZ'\nreason = 'x'",
        "rule = 'NAM002'\nreason = 'x'\nfiel = 'x'",
        "rule = 'NAM002'\nreason = 'x'\nuntil = 'tomorrow'",
    ],
)
def test_a_waiver_without_sense_is_refused(tmp_path: Path, waive: str) -> None:
    with pytest.raises(SettingsError) as error:
        waived(tmp_path, waive)
    assert error.value.hint


def test_waivers_are_inherited(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[[waive]]\nrule = 'NAM'\nfile = 'Bass*'\nreason = 'base'\n")
    (tmp_path / "mine.toml").write_text(
        f"extends = '{tmp_path / 'base.toml'}'\n[[waive]]\nrule = 'NAM'\nfile = 'Kick*'\nreason = 'mine'\n"
    )
    findings = audit.audit(a_set(), str(tmp_path / "mine.toml"), select=("NAM002",))
    assert sorted(finding.waived for finding in findings) == ["base", "mine"]


def test_a_baseline_lets_pass_only_what_it_knows() -> None:
    findings = audit.audit(a_set(), select=("NAM002",), baseline={("NAM002", "Bass DI.wav"), ("LVL001", "Kick In.wav")})
    assert [(finding.subject.stem, bool(finding.waived)) for finding in findings if finding.subject] == [
        ("Kick In", False),
        ("Bass DI", True),
    ]


def found_by(rule: audit.Rule, found: audit.Found) -> Finding:
    """What an audit makes of it, when the rule yields that."""
    rule = replace(rule, check=lambda stems, **options: iter([found]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stemwright.audit.profiles.catalogue", lambda: {rule.code: rule})
        patch.setattr(type(rule), "sections", lambda self: {"Fix": ""})
        (finding,) = audit.audit(a_set(), audit.Profile("none"))
    return finding


def test_a_heuristic_is_never_an_error(tmp_path: Path) -> None:
    heuristic = next(rule for rule in audit.catalogue().values() if rule.confidence == "heuristic")
    assert all(r.severity != "error" for r in audit.catalogue().values() if r.confidence == "heuristic")
    path = tmp_path / "mine.toml"
    path.write_text(f'[rules]\n{heuristic.code} = "error"\n')
    with pytest.raises(SettingsError, match="heuristic"):
        audit.load_profile(str(path))
    assert found_by(heuristic, audit.Found("x", error=True)).severity == "warning"


def test_undetermined_is_an_info_and_no_failure() -> None:
    finding = found_by(audit.catalogue()["NAM002"], audit.Found("x", error=True, undetermined=True))
    assert (finding.severity, finding.verdict) == ("info", "undetermined")


def test_families_are_short() -> None:
    assert families(["LVL001", "LVL006", "BIT001"]) == "BIT001, LVL001-006"
