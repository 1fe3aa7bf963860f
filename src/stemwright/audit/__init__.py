"""The audit: rules (`audit.rule`) over measured stems or an open session, as strict as a profile (`audit.profiles`)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from stemwright.audit.profiles import Profile, load_profile
from stemwright.audit.rule import HEADINGS, Finds, Found, Rule, catalogue, collect, explain, rule
from stemwright.model import SEVERITIES, DawSession, Evidence, Finding, Fix, Levels, Severity, Stem, StemSet
from stemwright.units import listed, many

__all__ = [
    "HEADINGS",
    "Finds",
    "Found",
    "Profile",
    "Rule",
    "audit",
    "catalogue",
    "causes",
    "collect",
    "explain",
    "listed",
    "load_profile",
    "many",
    "measured",
    "number",
    "rank",
    "relative",
    "rule",
]

Known = Collection[tuple[str, str]]
"""A baseline: (rule, name of the file or "") of findings that are known already."""


def audit(
    judged: StemSet | DawSession,
    profile: str | Profile = "protools",
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    baseline: Known = (),
) -> tuple[Finding, ...]:
    """All findings over a measured set or an open session, as `rank` sorts them.

    `select` and `ignore` are codes or their beginnings (`LVL`, `SET003`); selecting a full code also runs a rule
    that the profile turned off. Stems without levels pass all rules that need levels. Raises SettingsError.
    """
    policy = load_profile(profile) if isinstance(profile, str) else profile
    roles = {} if isinstance(judged, DawSession) else {stem.file.path: stem.role for stem in judged.everything}
    today = datetime.date.today()

    def waived(finding: Finding) -> str:
        role = roles.get(finding.subject, "") if finding.subject else ""
        known = (finding.rule, finding.subject.name if finding.subject else "") in baseline
        reasons = (waiver.reason for waiver in policy.waivers if waiver.covers(finding, role, today))
        return next(reasons, "known: it is in the baseline" if known else "")

    findings: list[Finding] = []
    for one in policy.rules(select, ignore, isinstance(judged, DawSession)):
        severity = policy.severities.get(one.code)
        override = None if severity == "off" else severity
        findings += (_finding(one, found, override, waived) for found in one.check(judged, **policy.settings(one)))
    return tuple(sorted(findings, key=rank))


def _finding(one: Rule, found: Found, override: Severity | None, waived: Callable[[Finding], str]) -> Finding:
    severity: Severity = override or ("error" if found.error else one.severity)
    if found.undetermined or found.minor:
        severity = "info"
    elif one.confidence == "heuristic" and severity == "error":
        severity = "warning"
    finding = Finding(
        rule=one.code,
        severity=severity,
        message=found.message,
        subject=found.path,
        spans=found.spans,
        evidence=None if found.measured is None else Evidence(found.measured, found.limit, found.unit),
        fix=Fix(one.sections()["Fix"], one.repair),
        confidence=one.confidence,
        verdict="undetermined" if found.undetermined else "fail",
        channel=found.channel,
    )
    return replace(finding, waived=waived(finding))


def rank(finding: Finding) -> tuple[bool, int, str, str, str]:
    """Sorts the gravest first, then by file or track and code; waived ones last."""
    path = finding.subject.as_posix() if finding.subject else ""
    return bool(finding.waived), -SEVERITIES.index(finding.severity), path, finding.rule, finding.message


def relative(finding: Finding, folder: Path) -> Finding:
    """A finding whose subject is named as seen from the folder."""
    inside = finding.subject and finding.subject.is_relative_to(folder)
    return replace(finding, subject=finding.subject.relative_to(folder)) if inside and finding.subject else finding


def causes() -> dict[str, str]:
    """Cause by code, of rules that tell one fault of a file in several ways: too hot, too coarse, lossy, dithered."""
    topics = ("headroom", "bit-depth", "file-format", "dither")
    return {code: one.daw for code, one in catalogue().items() if one.daw in topics and not one.of_session}


# ---- what rules share -----------------------------------------------------------------------------------------


def measured(stems: Iterable[Stem]) -> Iterator[tuple[Stem, Levels]]:
    """The stems that were measured and hold samples, with their levels."""
    return ((stem, stem.levels) for stem in stems if stem.levels and stem.file.frames)


def number(value: float, digits: int = 2) -> str:
    """A number as a message shows it, with a real minus sign and no minus zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
