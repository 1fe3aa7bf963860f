"""Headroom: ONE gain for all stems, as much as the loudest one needs. Gain per stem would destroy the balance."""

from __future__ import annotations

import math

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan

CODES = ("LVL001", "LVL003", "LVL004", "FMT006")
LOSSY = True
ORDER = 70


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Lower all stems, not the mix, by hundredths of a dB; integers get 24 bits, rounded without dither."""
    shown = [f.evidence for f in findings if f.evidence and f.evidence.unit in ("dBFS", "dBTP")]
    if not shown:
        return plan
    for t in plan.stems:
        if t.obstacle:
            return plan.refuse(findings, f"all stems would have to be lowered, but not {t.name}: {t.obstacle}")
    over = max(float(evidence.measured) - float(evidence.limit) for evidence in shown)
    gain_db = -math.ceil(over * 100 + 1) / 100  # one hundredth to spare: the figures are rounded
    for t in plan.stems:
        step = f"lowered by {-gain_db:.2f} dB, as all stems; raise by as much to undo it"
        plan = plan.change(t, step, gain_db=gain_db, bits=max(t.bits, 24), lossy=True)
    return plan.claim(findings)
