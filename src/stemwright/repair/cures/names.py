"""Names that every system and DAW takes, none of them twice."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from stemwright.model import Finding, StemSet
from stemwright.naming import safe_name
from stemwright.repair.treatment import Plan, Treatment

CODES = ("INT002", "NAM002", "NAM003", "NAM004", "NAM005", "NAM006", "NAM007", "NAM009")
LOSSY = False
ORDER = 90

_SUFFIXES = {"rf64": ".wav", "bw64": ".wav"}


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Rename each file named; a suffix that lies is made true."""
    return plan.each(findings, _renamed)


def _renamed(t: Treatment, finding: Finding) -> dict[str, Any]:
    stem, suffix, evidence = PurePath(t.name).stem, PurePath(t.name).suffix, finding.evidence
    container = t.stem.file.format.container
    if finding.rule == "INT002" and not t.rewrite:
        suffix = _SUFFIXES.get(container, f".{container}")
    if finding.rule == "NAM009" and evidence:
        stem = stem.rpartition(str(evidence.measured))[0] or stem
    limit = int(evidence.limit) if finding.rule == "NAM004" and evidence else 50
    name = safe_name(stem.rstrip(" _-.("), limit)
    if finding.rule == "NAM005" and name.lower() == t.stem.file.path.stem.lower():
        name = f"{name[: limit - 2]}_2"
    return {"step": "", "name": name + suffix}
