"""What the audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stemwright.model.measured import Span

Severity = Literal["error", "warning", "info"]
Confidence = Literal["exact", "measured", "heuristic"]
Verdict = Literal["fail", "undetermined"]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured, what the limit was, in which unit."""

    measured: float | str
    limit: float | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding can be put right."""

    summary: str
    applicability: Literal["lossless", "lossy", "manual"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a mix engineer would send back."""

    rule: str
    severity: Severity
    message: str
    subject: Path | None = None  # the file, or the track of an open session by its name; None: all of it
    spans: tuple[Span, ...] = ()
    evidence: Evidence | None = None
    fix: Fix | None = None
    confidence: Confidence = "exact"
    verdict: Verdict = "fail"  # undetermined: it could not be decided, and guessing would be worse
    channel: int | None = None  # counted from 0; None when all are meant
    waived: str = ""  # why the user lets it pass; a waived finding never fails a run
