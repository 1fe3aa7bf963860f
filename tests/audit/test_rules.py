"""Every rule fires on what it is for and on nothing else: the tables of `tests/cases` on synthesised folders."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import synth
from confusion import TABLES, judge, measure, places

from stemwright import audit, resources
from stemwright.model import Finding, StemSet

ALL = [pytest.param(code, case, id=f"{code}: {case['what']}") for code, cases in TABLES.items() for case in cases]


def read(folder: Path, case: dict[str, Any]) -> StemSet:
    synth.build(folder, case)
    return measure(folder)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return sorted(finding.rule for finding in findings)


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(("code", "case"), ALL)
def test_each_planted_defect_is_found_in_its_place_and_nothing_else(
    code: str, case: dict[str, Any], tmp_path: Path
) -> None:
    verdict, findings = judge(code, case, tmp_path / "Song")
    assert verdict.right, [(finding.rule, finding.subject, finding.spans, finding.message) for finding in findings]


def test_the_clean_set_is_clean(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {})
    assert len(stems.stems) == 3
    assert stems.mix is not None
    assert audit.audit(stems) == ()
    assert audit.audit(stems, "generic") == ()


OF_STEMS = [code for code, rule in audit.catalogue().items() if not rule.of_session]
"""Rules over an open session have their cases in `test_daw_rules`."""


@pytest.mark.parametrize("code", OF_STEMS)
def test_rule_is_documented_tested_and_in_a_profile(code: str) -> None:
    rule = audit.catalogue()[code]
    assert tuple(rule.sections()) == audit.HEADINGS
    assert all(rule.sections().values())
    assert rule.title.endswith(".")
    assert rule.check.__module__.rpartition(".")[2].startswith(f"{code.lower()}_")
    fires = [case for case in TABLES[code] if code in case["finds"]]
    assert any(map(places, fires)), "no case in which it fires and that says on which file"
    assert len(fires) < len(TABLES[code]), "no case in which it stays silent"
    assert code in resources.load("profiles", "protools")["rules"]


def test_every_case_table_belongs_to_a_rule() -> None:
    assert TABLES.keys() == set(OF_STEMS)


def test_the_order_of_the_files_changes_nothing(tmp_path: Path) -> None:
    case = {
        "stems": {
            "Kick": {"frames": 95_000, "peak_dbfs": -2.0},
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
    clip, headroom = audit.audit(stems, select=("CLP001", "LVL001"))
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
        ({"bumps": [[0, 2000, -19.9]]}, "TIM002", "warning"),
        ({"peak_dbfs": -0.05}, "LVL003", "error"),
        ({"chunks": ["fmt ", "data", "bext"]}, "INT013", "info"),
        ({"filler": 2_147_000_000}, "INT021", "info"),
        ({"peak_dbfs": float("-inf")}, "CHN001", "error"),
        ({"peak_dbfs": -95.0}, "CHN001", "warning"),
        ({"dc": 0.02}, "LVL006", "error"),
        ({"file": "a?b.wav"}, "NAM003", "error"),
    ],
)
def test_grave_cases_are_errors(tmp_path: Path, changes: dict[str, Any], code: str, severity: str) -> None:
    stems = read(tmp_path / "Song", {"stems": {"Bass": changes}})
    assert [(finding.rule, finding.severity) for finding in audit.audit(stems, select=[code])] == [(code, severity)]


def test_messages_tell_the_number(tmp_path: Path) -> None:
    changes = {"Kick": {"frames": 95_520}, "Bass": {"start": 48}, "LeadVox": {"lost": 24_000}}
    findings = audit.audit(read(tmp_path / "Song", {"stems": changes}))
    assert [(finding.rule, finding.message) for finding in findings] == [
        ("SET004", "starts 48 frames (1.00 ms) after the other stems"),
        ("SET003", "is 480 frames (10.00 ms) shorter than the other stems (96000 frames)"),
        ("INT005", "is cut off: 0.500 s of audio are lost"),
    ]


def test_a_cut_tail_tells_how_much_is_missing(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {"stems": {"Bass": {"tail_dbfs": -42.0}}})
    for fall, told in ((20.0, "; it needs about 2.4 s more to die away"), (5.9, ""), (None, "")):
        levels = [replace(stem.levels, tail_fall_db_s=fall) for stem in stems.stems if stem.levels]
        made = tuple(replace(stem, levels=level) for stem, level in zip(stems.stems, levels, strict=True))
        (finding,) = audit.audit(replace(stems, stems=made), select=["TIM001"])
        assert finding.message.endswith("the limit is −60.00 dBFS" + told)


def test_of_a_tie_the_longer_length_is_the_usual_one(tmp_path: Path) -> None:
    stems = read(tmp_path / "Song", {"without": ["LeadVox.wav"], "stems": {"Kick": {"frames": 95_999}}})
    (finding,) = audit.audit(stems, select=["SET003"])
    assert finding.subject == tmp_path / "Song" / "Kick.wav"
