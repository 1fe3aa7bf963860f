"""Junk, exact duplicates and silent stems are not taken over; they are told, and never deleted."""

from __future__ import annotations

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan

CODES = ("PKG005", "PKG006", "CHN001", "SET009")
LOSSY = False
ORDER = 10


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Put aside what the findings name. Of twins the first one stays."""
    for finding in findings:
        path, treatment = finding.subject, plan.of(finding.subject)
        if treatment and len(plan.stems) == 1:
            plan = plan.refuse((finding,), "nothing would be left of the set")
        elif path and (finding.rule.startswith("PKG") or (treatment and treatment.levels.silent)):
            plan = plan.put_aside(path, finding.message, finding)
        elif finding.rule == "CHN001":
            plan = plan.refuse((finding,), "it holds faint noise; whether it is meant, only you can tell")
    for twins in stems.compared.twins:
        answers = [f for f in findings if f.rule == "SET009" and f.subject in (twins.first, twins.second)]
        if answers and twins.exact and twins.gain == 1 and plan.of(twins.first) and plan.of(twins.second):
            plan = plan.put_aside(twins.second, f"holds the same samples as {twins.first.name}", *answers)
    return plan
