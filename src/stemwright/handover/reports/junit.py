"""JUnit XML: one suite a file, in it one test case a rule that ran; for CI servers.

Errors and warnings fail, remarks (infos) pass and are told, what is waived or undetermined is skipped.
"""

from __future__ import annotations

from xml.etree import ElementTree

from stemwright.handover import layout
from stemwright.handover.reports import AuditFacts, sentence
from stemwright.model import Finding

NAME = "JUnit"
SUFFIX = ".xml"


def render(facts: AuditFacts) -> str:
    """The document. A finding about the whole set, or a file that is no stem, has a suite of its own."""
    codes = sorted({*facts.passed, *(found.rule for found in facts.findings)})
    audio = (*facts.numbers, *(facts.name(bad.path) for bad in facts.stems.unreadable))
    by: dict[str, dict[str, list[Finding]]] = {name: {} for name in audio}
    for found in facts.findings:
        by.setdefault(facts.name(found.subject), {}).setdefault(found.rule, []).append(found)
    root = ElementTree.Element("testsuites", name=f"stemwright audit: {layout.visible(facts.folder)}")
    for name, findings in by.items():
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        for code in codes if name in audio else findings:
            title = layout.visible(f"{code} {facts.titles.get(code, '')}".strip())
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=title)
            _judge(case, facts, findings.get(code, []))
        for kind in ("failure", "skipped"):
            suite.set(f"{kind}s".replace("skippeds", "skipped"), str(len(suite.findall(f"testcase/{kind}"))))
        suite.set("tests", str(len(suite)))
    ElementTree.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _judge(case: ElementTree.Element, facts: AuditFacts, findings: list[Finding]) -> None:
    """One verdict a case: the gravest of what was found."""
    failing = [found for found in findings if found.verdict == "fail" and not found.waived]
    failed = [found for found in failing if found.severity != "info"]
    if failed:
        element = ElementTree.SubElement(case, "failure", type=failed[0].severity, message=sentence(facts, failed[0]))
        element.text = "\n".join(sentence(facts, found) for found in failed)
    elif failing:
        ElementTree.SubElement(case, "system-out").text = "\n".join(sentence(facts, found) for found in failing)
    elif findings:
        reason = f"waived: {findings[0].waived}" if findings[0].waived else "undetermined"
        text = layout.visible(f"{reason}; {sentence(facts, findings[0])}")
        ElementTree.SubElement(case, "skipped", message=text)
