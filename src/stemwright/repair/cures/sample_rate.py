"""Stems at another sample rate than the others are resampled (soxr, very high quality)."""

from __future__ import annotations

from typing import Any

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment

CODES = ("SET001", "FMT010")
LOSSY = True
ORDER = 45


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Resample to the rate that the finding asks for, written with 24 bits or as float."""
    return plan.each(findings, _resampled)


def _resampled(t: Treatment, finding: Finding) -> dict[str, Any] | str:
    if finding.evidence is None:
        return "the rate that is asked for is not known"
    rate, old = int(finding.evidence.limit), t.stem.file.format.sample_rate
    return {
        "step": f"resampled from {old} to {rate} Hz",
        "rate": rate,
        "frames": round(t.stem.file.frames * rate / old),
        "start": None if t.start is None else round(t.start * rate / old),
        "bits": max(t.bits, 24),
        "lossy": True,
    }
