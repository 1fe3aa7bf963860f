"""JSON: everything that an audit knows, for programs; schema `stemwright.audit_report/1`, units in the names."""

from __future__ import annotations

from stemwright import serial
from stemwright.handover.report import set_document
from stemwright.handover.reports import AuditFacts

NAME = "JSON"
SUFFIX = ".json"


def render(facts: AuditFacts) -> str:
    """The document; every list keeps its order, file names are exact."""
    return serial.dumps(
        {
            "schema": serial.schema("audit_report"),
            "date": facts.date,
            "stemwright": facts.version,
            "folder": facts.folder,
            "profile": {"name": facts.profile, "title": facts.profile_title},
            "verdict": facts.verdict,
            **set_document(facts.stems, facts.findings),
            **({"session": serial.plain(facts.session)} if facts.session else {}),
            "rules": {
                code: {
                    "title": facts.titles.get(code, ""),
                    "why": facts.why.get(code, ""),
                    "fix": facts.fixes.get(code, ""),
                    "steps": dict(facts.steps.get(code, ())),
                }
                for code in dict.fromkeys(found.rule for found in facts.findings)
            },
            "passed": facts.passed,
        }
    )
