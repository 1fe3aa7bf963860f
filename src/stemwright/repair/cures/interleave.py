"""Name.L and Name.R become one stereo file."""

from __future__ import annotations

from dataclasses import replace

from stemwright.model import Finding, StemSet
from stemwright.naming import half
from stemwright.repair.treatment import Plan, Treatment

CODES = ("SET007",)
LOSSY = False
ORDER = 20


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Interleave halves of one format, length and start; all other pairs are left to the user."""
    for finding in findings:
        left, side = plan.of(finding.subject), finding.subject and half(finding.subject.stem)
        name = str(finding.evidence.measured) if finding.evidence else ""
        right = plan.of(finding.subject.with_name(name)) if finding.subject and name else None
        if (
            left
            and right
            and side
            and side.sure
            and side.left
            and _alike(left) == _alike(right)
            and not (left.obstacle or right.obstacle)
        ):
            plan = replace(plan, treatments=tuple(t for t in plan.treatments if t is not right))
            both = {"sources": (left.stem, right.stem), "channels": (0, 1), "signs": (1, 1)}
            plan = plan.change(left, "two halves interleaved", (finding,), name=f"{side.base}.wav", **both)
        else:
            plan = plan.refuse((finding,), "only you can tell whether these are two sides of one sound")
    return plan


def _alike(half: Treatment) -> Treatment:
    return replace(half, sources=(), name="")
