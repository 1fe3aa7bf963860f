"""Headroom: ONE gain for all stems, as much as the loudest one needs. Gain per stem would destroy the balance."""

from __future__ import annotations

import math

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment
from stemwright.units import db, linear

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
    over += max((_offset_db(t) for t in plan.stems), default=0.0)
    gain_db = -math.ceil(over * 100 + 1) / 100  # one hundredth to spare: the figures are rounded
    for t in plan.stems:
        step = f"lowered by {-gain_db:.2f} dB, as all stems; raise by as much to undo it"
        step += "; 24 bits hold the result, but its sound is that of 16" if t.bits < 24 else ""
        plan = plan.change(t, step, gain_db=gain_db, bits=max(t.bits, 24), lossy=True)
    return plan.claim(findings)


def _offset_db(t: Treatment) -> float:
    """What taking off an offset later can add to a peak, dB."""
    peak, offset = linear(t.levels.sample_peak_dbfs), abs(t.levels.dc_offset)
    return db(1 + offset / peak) if offset > 5e-4 and peak else 0.0
