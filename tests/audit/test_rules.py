"""Every rule fires on what it is for and on nothing else: the tables of `tests/cases` on synthesised folders."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import synth

from stemwright import audit, resources
from stemwright.audio.folder import read_stems
from stemwright.measure.levels import measure_set
from stemwright.model import Finding, StemSet

CASES = Path(__file__).resolve().parents[1] / "cases"
TABLES: dict[str, list[dict[str, Any]]] = {
    path.stem: tomllib.loads(path.read_text("utf-8"))["case"] for path in sorted(CASES.glob("*.toml"))
}
ALL = [pytest.param(case, id=f"{code}: {case['what']}") for code, cases in TABLES.items() for case in cases]


def read(folder: Path, case: dict[str, Any]) -> StemSet:
    synth.build(folder, case)
    measuring = measure_set(read_stems(folder))
    while True:
        try:
            next(measuring)
        except StopIteration as end:
            return end.value


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return sorted(finding.rule for finding in findings)


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("case", ALL)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", case)
    findings = audit.audit(stems, case.get("profile", "protools"))
    assert codes(findings) == case["finds"], [finding.message for finding in findings]


def test_the_clean_set_is_clean(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {})
    assert len(stems.stems) == 3
    assert stems.mix is not None
    assert audit.audit(stems) == ()
    assert audit.audit(stems, "generic") == ()


@pytest.mark.parametrize("code", audit.catalogue())
def test_rule_is_documented_tested_and_in_a_profile(code: str) -> None:
    rule = audit.catalogue()[code]
    assert tuple(rule.sections()) == audit.HEADINGS
    assert all(rule.sections().values())
    assert rule.title.endswith(".")
    assert rule.check.__module__.rpartition(".")[2].startswith(f"{code.lower()}_")
    assert any(code in case["finds"] for case in TABLES[code]), "no case in which it fires"
    assert any(code not in case["finds"] for case in TABLES[code]), "no case in which it stays silent"
    assert code in resources.load("profiles", "protools")["rules"]


def test_every_case_table_belongs_to_a_rule() -> None:
    assert TABLES.keys() == audit.catalogue().keys()


def test_the_order_of_the_files_changes_nothing(tmp_path: Path) -> None:
    case = {
        "stems": {
            "Kick": {"frames": 11_000, "peak_dbfs": -1.0},
            "Bass": {"file": "KICK.wav"},
            "LeadVox": {"bext": False},
        }
    }
    stems = read(tmp_path / "Song", case)
    expected = audit.audit(stems)
    assert codes(expected) == ["LVL001", "MET001", "NAM005", "SET003"]
    for seed in range(5):
        shuffled = random.Random(seed).sample(stems.stems, k=len(stems.stems))
        assert audit.audit(replace(stems, stems=tuple(shuffled))) == expected


def test_a_finding_carries_number_limit_place_and_repair(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {"stems": {"Bass": {"full_scale": [[5000, 3, 8388607]]}}})
    clip, headroom = audit.audit(stems)
    assert (clip.rule, clip.severity, clip.message) == ("CLP001", "error", "is clipped at full scale in 1 place")
    assert [(span.start, span.end) for span in clip.spans] == [(5000, 5003)]
    assert clip.subject == tmp_path / "Song" / "Bass.wav"
    assert headroom.message == "peaks at 0.00 dBFS; the limit is −3.00 dBFS"
    assert headroom.evidence is not None
    assert (headroom.evidence.limit, headroom.evidence.unit) == (-3.0, "dBFS")
    assert headroom.fix is not None
    assert "one common amount" in headroom.fix.summary


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"used_bits": 16}, "BIT001", "error"),
        ({"used_bits": 20}, "BIT001", "warning"),
        ({"tail_dbfs": -39.9}, "TIM001", "error"),
        ({"tail_dbfs": -50.0}, "TIM001", "warning"),
        ({"peak_dbfs": float("-inf")}, "CHN001", "error"),
        ({"peak_dbfs": -95.0}, "CHN001", "warning"),
        ({"dc": 0.02}, "LVL006", "error"),
        ({"file": "a?b.wav"}, "NAM003", "error"),
    ],
)
def test_grave_cases_are_errors(tmp_path: Path, changes: dict[str, Any], code: str, severity: str) -> None:
    stems = read(tmp_path / "Song", {"stems": {"Bass": changes}})
    assert [(finding.rule, finding.severity) for finding in audit.audit(stems)] == [(code, severity)]


def test_messages_tell_the_number(tmp_path: Path) -> None:
    changes = {"Kick": {"frames": 11_520}, "Bass": {"start": 48}, "LeadVox": {"lost": 24_000}}
    findings = audit.audit(read(tmp_path / "Song", {"stems": changes}))
    assert [(finding.rule, finding.message) for finding in findings] == [
        ("SET004", "starts 48 frames (1.00 ms) after the other stems"),
        ("SET003", "is 480 frames (10.00 ms) shorter than the other stems (12000 frames)"),
        ("INT005", "is cut off: 0.500 s of audio are lost"),
    ]


def test_of_a_tie_the_longer_length_is_the_usual_one(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {"without": ["LeadVox.wav"], "stems": {"Kick": {"frames": 11_999}}})
    assert [(finding.rule, finding.subject.name) for finding in audit.audit(stems) if finding.subject] == [
        ("SET003", "Kick.wav")
    ]
