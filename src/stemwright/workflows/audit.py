"""audit: a folder of stems in, findings out; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright import audit
from stemwright.audio.folder import read_stems
from stemwright.measure.levels import measure_set
from stemwright.model import Finding, Outcome, StemSet
from stemwright.workflows.deliver import relative
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found; subjects of findings are relative to the folder."""

    folder: Path
    profile: str
    files: int
    findings: tuple[Finding, ...]
    counts: dict[str, int]


def audit_folder(
    folder: Path, profile: str, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> Workflow[Outcome[Audited]]:
    """Audit everything that lies in a folder. Raises NotFoundInput, SettingsError."""
    _, findings, files = yield from measured_and_audited(read_stems(folder), profile, select, ignore)
    named = tuple(relative(finding, folder) for finding in findings)
    counts = {severity: sum(f.severity == severity for f in named) for severity in ("error", "warning", "info")}
    return Outcome((), Audited(folder, profile, files, named, counts))


def measured_and_audited(
    stems: StemSet, profile: str, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> Workflow[tuple[StemSet, tuple[Finding, ...], int]]:
    """The set with levels, its findings, and the number of audio files."""
    audit.audit(StemSet(stems.song, ()), profile, select, ignore)  # a wrong profile or code is told before the work
    measured = yield from measure_set(stems)
    return measured, audit.audit(measured, profile, select, ignore), len(stems.everything) + len(stems.unreadable)
