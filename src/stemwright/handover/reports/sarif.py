"""SARIF 2.1.0 (OASIS): findings for code-scanning services and editors.

Audio has no lines: a location is a file, and times stand in the properties. What could not be decided is a result of
the kind "open", what is waived is suppressed with its reason.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import Any
from urllib.parse import quote

from stemwright import serial
from stemwright.handover import layout
from stemwright.handover.notes import local
from stemwright.handover.reports import AuditFacts, sentence
from stemwright.model import Finding

NAME = "SARIF"
SUFFIX = ".sarif"

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(facts: AuditFacts) -> str:
    """One run with every rule that ran."""
    codes = sorted({*facts.passed, *(found.rule for found in facts.findings)})
    repeats: Counter[str] = Counter()
    results = []
    for found in facts.findings:
        about = "\n".join((found.rule, facts.name(found.subject), str(found.channel), found.verdict))
        # The numbers may change with every bounce: what makes it the same finding is rule, file, channel and order.
        print_ = hashlib.sha256(f"{about}\n{repeats[about]}".encode()).hexdigest()[:32]
        repeats[about] += 1
        results.append(_result(facts, found, codes.index(found.rule), print_))
    driver = {
        "name": "stemwright",
        "version": facts.version,
        "rules": [_rule(facts, code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"stemwright/{quote(facts.profile)}/"},
        "results": results,
        "properties": {"folder": facts.folder, "profile": facts.profile_title or facts.profile, "date": facts.date},
    }
    return serial.dumps(
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [layout.visible(run)]}
    )


def _rule(facts: AuditFacts, code: str) -> dict[str, Any]:
    title, fix = facts.titles.get(code, code), facts.fixes.get(code, "")
    steps = [f"{daw}: {step}" for daw, step in facts.steps.get(code, ())]
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": facts.why.get(code) or title},
        "help": {"text": " ".join([fix or title, *steps])},
    }


def _result(facts: AuditFacts, found: Finding, index: int, fingerprint: str) -> dict[str, Any]:
    rate = facts.rate(found.subject)
    evidence = serial.plain(found.evidence) or {}
    spans = [
        {"start_frame": s.start, "end_frame": s.end, "start_s": s.start / rate, "end_s": s.end / rate}
        for s in found.spans
    ]
    path = local(found.subject, facts.stems.folder) if found.subject else "."
    uri = quote(os.fsencode(facts.prefix + path), safe="/")
    result = {
        "ruleId": found.rule,
        "ruleIndex": index,
        "kind": found.verdict if found.verdict == "fail" else "open",
        "level": _LEVELS[found.severity] if found.verdict == "fail" else "none",
        "message": {"text": sentence(facts, found)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
        "partialFingerprints": {"stemwrightFinding/v1": fingerprint},
        "properties": {"confidence": found.confidence, "channel": found.channel, "spans": spans, **evidence},
    }
    if found.waived:
        result["suppressions"] = [{"kind": "external", "justification": found.waived}]
    return result
