"""Reports of an audit: the same facts in every format, valid, and no name that can break one."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlparse
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_kit import FOLDER, facts, finding, spans, stem

from stemwright.errors import SettingsError
from stemwright.handover.notes import NotesFacts
from stemwright.handover.report import report_document
from stemwright.handover.reports import (
    AuditFacts,
    amount,
    by_cause,
    formats,
    headline,
    render,
    see_also,
    suffixes,
    summary,
    where,
)
from stemwright.measure.spans import joined
from stemwright.model import Evidence, Span

HOSTILE = (
    '<script>alert("1")</script>.wav',
    "a'b\"c&d]]>--%0A::error::x{0}[b](javascript:x).wav",
    "line\nbreak\r\t\x00\x1b[31m.wav",
    "\u202egpj.exe \u2066x.wav",
    "caf\udce9 \ufffe.wav",
    "x" * 196 + ".wav",
)


def named(name: str) -> AuditFacts:
    """An audit whose only stem, folder and findings bear a hostile name."""
    found = (
        finding("CLP001", name, f"is clipped like {name}", spans=spans(1), evidence=Evidence(name, name)),
        finding("BIT001", name, name, "info", verdict="undetermined"),
        finding("SET001", name, name, "warning", waived=name),
    )
    base = facts(0)
    return replace(
        base,
        folder=name,
        stems=replace(base.stems, stems=(stem(name),), mix=None),
        findings=found,
        profile_title=name,
        titles={"CLP001": name},
        why={"CLP001": name},
        fixes={"CLP001": name},
        steps={"CLP001": ((name, name),)},
        beside=True,
    )


@pytest.mark.parametrize("form", formats())
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_report(form: str, name: str) -> None:
    text = render(form, named(name))
    assert text.encode() and text == render(form, named(name))
    assert not [c for c in text if c < " " and c != "\n"] and ("\u202e" not in text or form == "json")
    if form in ("json", "sarif"):
        json.loads(text)
    if form == "junit":
        ElementTree.fromstring(text)
    if form == "github":
        assert [line[:8] for line in text.splitlines()] == ["::error ", "::notice"]


@pytest.mark.parametrize("form", formats())
def test_no_report_tells_of_the_machine(form: str) -> None:
    text = render(form, facts())
    assert "Bass.wav" in text and "anna" not in text and "Desktop" not in text
    everywhere = replace(
        facts(), findings=tuple(replace(f, subject=f.subject and FOLDER / f.subject) for f in facts().findings)
    )
    assert render(form, everywhere) == text, "subjects may be absolute"


def test_formats_are_found_by_name_and_suffix() -> None:
    expected = {".html": "html", ".json": "json", ".xml": "junit", ".md": "markdown", ".sarif": "sarif"}
    assert suffixes() == expected and set(formats()) == {*expected.values(), "github"}
    with pytest.raises(SettingsError, match="no report format 'pdf'") as told:
        render("pdf", facts())
    assert "junit" in told.value.hint


def test_the_verdict_says_what_to_do() -> None:
    whole = facts()
    assert headline(whole) == "Fix 2 files first." and "2 errors, 3 warnings and 1 remark in 6 files" in summary(whole)
    warned = replace(whole, findings=tuple(f for f in whole.findings if f.severity != "error"))
    assert headline(warned) == "Send it after a look at 2 files."
    remarks = replace(whole, findings=tuple(f for f in whole.findings if f.severity == "info" or f.waived))
    assert headline(remarks) == "Send it." and remarks.verdict == "info"
    assert headline(replace(whole, findings=(finding("SET001", None, "mixed rates"),))) == "Fix the set first."
    empty = replace(whole, findings=(), stems=replace(whole.stems, stems=(), mix=None, unreadable=()))
    assert headline(empty) == "There is nothing here to send."


def test_places_and_numbers_read_well() -> None:
    clipped = facts().findings[0]
    assert where(facts(), clipped) == "0:31.200 to 0:31.500, 1:02.000 to 1:02.100, 1:33.000 and 2 more"
    assert where(facts(), replace(clipped, channel=1, spans=clipped.spans[:1])) == "right, 0:31.200"
    texts = [
        amount(*v) for v in ((-2.994, "dBFS"), (44100, "Hz"), (float("-inf"), "LUFS"), (0.0001,), ("pcm",), (None,))
    ]
    assert texts == ["−2.99 dBFS", "44,100 Hz", "−∞ LUFS", "0.000100", "pcm", ""]
    texts = [amount(*v) for v in ((0.02, "dBTP"), (-0.004, "dBFS"), (1.0, "of the peaks"), (0.0123, "of the sound"))]
    assert texts == ["0.02 dBTP", "0.00 dBFS", "100 % of the peaks", "1.23 % of the sound"]


def test_of_more_places_than_are_kept_the_first_and_their_true_number_are_told() -> None:
    many = finding("CLP001", "Bass.wav", "is clipped", spans=spans(*(0.862 + n / 10 for n in range(100))))
    told = replace(many, channel=0, evidence=Evidence(4712, 0, "runs"))
    assert where(facts(), told) == "left, the first at 0:00.862 and 4711 more"
    assert where(facts(), replace(told, evidence=Evidence(100, 0, "runs"))) == "left, 0:00.862 to 0:10.762"


def test_one_fault_of_a_file_is_told_once() -> None:
    """A hot stem was an error and four warnings in five places."""
    causes = dict.fromkeys(("CLP001", "LVL001", "LVL004"), "headroom")
    hot = finding("CLP001", "Bass.wav", "is clipped")
    peak = finding("LVL001", "Bass.wav", "peaks", "warning", evidence=Evidence(-0.1, -3.0, "dBFS"))
    over = finding("LVL004", "Bass.wav", "goes over", "warning", evidence=Evidence(3, 0, "places"))
    other = finding("LVL001", "Kick.wav", "peaks", "warning")
    doubt = replace(over, verdict="undetermined")
    whole, tail = finding("LVL001", None, "too hot"), finding("TIM001", "Bass.wav", "rings")
    groups = by_cause([hot, tail, whole, peak, over, other, doubt, hot], causes)
    assert groups == [(hot, [peak, over, hot]), (tail, []), (whole, []), (other, []), (doubt, [])]
    assert see_also(groups[0][1][:2]) == "see also LVL001 (−0.10 dBFS), LVL004" and see_also(()) == ""


@given(
    st.lists(st.builds(lambda a, n: Span(a, a + n, a % 2), st.integers(0, 999), st.integers(1, 50))), st.integers(0, 40)
)
def test_joined_places_keep_every_span(given_: list[Span], gap: int) -> None:
    places = joined(given_, gap)
    assert sum(count for _, count in places) == len(given_)
    assert all(b.start > a.end + gap for (a, _), (b, _) in itertools.pairwise(places))
    assert all(any(p.start <= s.start and s.end <= p.end for p, _ in places) for s in given_)
    assert {p.start for p, _ in places} <= {s.start for s in given_}


def test_json_holds_all_and_shares_with_the_delivery() -> None:
    document = json.loads(render("json", facts()))
    assert document["schema"] == "stemwright.audit_report/1" and document["verdict"] == "error"
    assert document["counts"] == {"error": 2, "warning": 3, "info": 1}, "no waived, no undetermined"
    assert len(document["findings"]) == 8 and document["findings"][0]["spans"][0]["start"] == 1_497_600
    assert (
        document["stems"][1]["levels"]["sample_peak_dbfs"] == 0.0 and "overview" not in document["stems"][1]["levels"]
    )
    assert document["rules"]["LVL001"]["steps"]["REAPER"].startswith("Lower") and document["passed"] == [
        "FMT003",
        "SET001",
    ]
    delivery = report_document(NotesFacts(facts().stems, facts().findings))
    assert {key: document[key] for key in ("stems", "mix", "findings", "counts", "unreadable")} == {
        key: json.loads(json.dumps(delivery[key])) for key in ("stems", "mix", "findings", "counts", "unreadable")
    }


def test_junit_has_a_case_for_every_rule_and_file() -> None:
    root = ElementTree.fromstring(render("junit", facts()))
    rules, files = 9, 6
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {s.file.path.name for s in facts().stems.everything} | {"Strings.wav", "the whole set"}
    assert [suite.get("tests") for suite in root] == [str(rules)] * files + ["1"]
    assert {name: suite.get("failures") for name, suite in suites.items() if suite.get("failures") != "0"} == {
        "Bass.wav": "1", "LeadVox.wav": "1", "Piano room.wav": "1", "Strings.wav": "1", "the whole set": "1"
    }  # fmt: skip
    assert [case.get("message", "").split(";")[0] for case in suites["Kick.wav"].iter("skipped")] == [
        "undetermined", "waived: distorted on purpose"
    ]  # fmt: skip
    assert "has a space" in (suites["Piano room.wav"].findtext("testcase/system-out") or "")


def test_sarif_is_what_the_standard_asks() -> None:
    [run] = sarif(facts())["runs"]
    kinds = Counter((result["kind"], result["level"]) for result in run["results"])
    assert kinds == {("fail", "error"): 3, ("fail", "warning"): 3, ("fail", "note"): 1, ("open", "none"): 1}
    assert [r["suppressions"][0]["justification"] for r in run["results"] if "suppressions" in r] == [
        "distorted on purpose"
    ]
    assert run["results"][0]["properties"]["spans"][0]["start_s"] == 31.2
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted(
        {f.rule for f in facts().findings} | {"FMT003", "SET001"}
    )
    louder = replace(facts(), findings=tuple(replace(f, message="other", evidence=None) for f in facts().findings))
    prints = [r["partialFingerprints"] for r in run["results"]]
    assert prints == [r["partialFingerprints"] for r in sarif(louder)["runs"][0]["results"]], "numbers do not matter"
    assert len({json.dumps(p) for p in prints}) == len(prints)


@pytest.mark.parametrize("name", HOSTILE)
def test_sarif_locations_lead_to_the_file(name: str) -> None:
    uri = sarif(named(name))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert not urlparse(uri).scheme and unquote_to_bytes(uri) == os.fsencode(name)


def sarif(of: AuditFacts) -> dict[str, Any]:
    """The document, after the constraints of SARIF 2.1.0 that ours could break (sections 3.13 to 3.52)."""
    document: dict[str, Any] = json.loads(render("sarif", of))
    assert document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json") and document["runs"]
    for run in document["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert run["tool"]["driver"]["name"] and len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"] and result["message"]["text"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["kind"] == "fail" or result["level"] == "none", "3.27.9 and 3.27.10"
            assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
            for suppression in result.get("suppressions", ()):
                assert suppression["kind"] in ("inSource", "external")
    return document


@given(st.text(st.characters(), max_size=60))
def test_a_github_annotation_stays_one_command(text: str) -> None:
    [line] = render("github", replace(facts(0), findings=(finding("CLP001", f"{text}.wav", text),))).split("\n")[:-1]
    command, properties, message = line.split("::")[0], line[2:].split("::")[0], line[2:].partition("::")[2]
    assert command == "" and properties.startswith("error file=") and properties.count(",") == 1
    assert "%" not in message.replace("%25", "") and ":" not in properties.removeprefix("error ")


def test_markdown_reads_as_a_letter() -> None:
    text = render("markdown", facts())
    assert text.startswith(
        "# Stems of Nachtzug_124_Am: Fix 2 files first.\n\n2 errors, 3 warnings and 1 remark in 6 files"
    )
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Fix first", "## Look at", "## Good to know", "## Could not be decided", "## Let pass"]
    assert "- **Bass.wav** is clipped at full scale in 7 places (0:31.200 to" in text
    assert "  - REAPER: Lower the master fader, then File \\> Render" in text
    assert "(distorted on purpose)" in text and text.endswith("2 other rules found nothing.\n")
    assert "\\[b\\](javascript" in render("markdown", named(HOSTILE[1]))
    assert Path("Bass.wav") in {f.subject for f in facts().findings}


def test_markdown_tells_one_fault_of_a_file_once() -> None:
    clipped = finding("CLP001", "Bass.wav", "is clipped")
    peak = finding("LVL001", "Bass.wav", "peaks at −0.10 dBFS", "warning", evidence=Evidence(-0.1, -3.0, "dBFS"))
    other = finding("LVL001", "Kick.wav", "peaks at −0.20 dBFS", "warning")
    causes = dict.fromkeys(("CLP001", "LVL001"), "headroom")
    text = render("markdown", replace(facts(), findings=(clipped, peak, other), causes=causes))
    assert "- **Bass.wav** is clipped; see also LVL001 (−0.10 dBFS)\n" in text
    assert "peaks at −0.10" not in text and "- **Kick.wav** peaks at −0.20 dBFS\n" in text
