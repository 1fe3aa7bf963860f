"""Long digital silence that all files share at the start or the end is cut by the same length, when asked for."""

from __future__ import annotations

from stemwright.model import Finding, StemSet
from stemwright.repair import timeline
from stemwright.repair.treatment import Plan

CODES = ("TIM004",)
LOSSY = False
ORDER = 60
UNASKED = "it moves the stems on the grid; ask for it with --select TIM004"

_KEPT = 1.0
"""Seconds of silence that stay at either end."""


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Cut whichever end is silent for longer than allowed; the new start becomes the time stamp."""
    if not findings or findings[0].evidence is None:
        return plan
    heard = [(sound[0], t.frames - sound[1]) for t in plan.treatments if (sound := t.sound)]
    rates = {t.rate for t in plan.treatments}
    if len(rates) != 1 or not heard:
        return plan.refuse(findings, "the files have no rate in common")
    rate, limit = rates.pop(), float(findings[0].evidence.limit)
    start, end = (
        round(room - _KEPT * rate) if room > limit * rate else 0 for room in map(min, zip(*heard, strict=True))
    )
    if not (start or end):
        return plan.refuse(findings, "the reference mix is not silent there")
    return timeline.cut(plan, findings, start, end)
