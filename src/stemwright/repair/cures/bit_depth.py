"""Mixed sample formats: nothing of its own, but what the other cures wrote may have made them one."""

from __future__ import annotations

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan

CODES = ("SET002",)
LOSSY = False
ORDER = 88


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Claim the findings where all stems come out alike. Widening the narrow ones would only hide them."""
    written = {(t.encoding, t.bits) for t in plan.stems if t.rewrite}
    copied = {(t.stem.file.format.encoding, t.stem.file.format.bits) for t in plan.stems if not t.rewrite}
    return plan.claim(findings) if len(written | copied) == 1 else plan
