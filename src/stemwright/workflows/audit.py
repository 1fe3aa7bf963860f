"""audit: a folder of stems in, findings out; nothing in the folder is changed."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright import audit, serial
from stemwright.audio.folder import read_stems
from stemwright.errors import SettingsError, StemwrightError
from stemwright.measure.sets import measure_set
from stemwright.model import SEVERITIES, Finding, Outcome, Output, Progress
from stemwright.safety import write_text
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What is asked of an audit."""

    profile: str = "protools"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: Path | None = None
    """Findings written there before are let pass."""
    write_baseline: Path | None = None
    reports: tuple[Path, ...] = ()
    """Files to write; the suffix chooses the kind."""
    form: str = ""
    """A kind of report to end up in `Audited.text`."""
    remember: bool = True
    """Do not measure files again that did not change."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found; subjects of findings are relative to the folder."""

    folder: Path
    profile: str
    files: int
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    """By severity, without what is waived or undetermined."""
    waived: int
    undetermined: int
    passed: tuple[str, ...]
    """Rules that ran and found nothing."""
    unwritten: int = 0
    """Reports that could not be made; the warnings say why."""
    text: str = ""
    """The report that `AuditOptions.form` asked for."""

    def fails(self, fail_on: str) -> bool:
        """Whether something of that severity (or `never`) or a graver one was found and not waived."""
        failing = SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on in SEVERITIES else ()
        return any(self.counts[severity] for severity in failing)


def audit_folder(folder: Path, options: AuditOptions = AuditOptions()) -> Workflow[Outcome[Audited]]:
    """Audit everything that lies in a folder. Raises NotFoundInput, SettingsError, OutputError."""
    if options.reports or options.form:
        from stemwright.workflows import reports  # formats of sessions and pages: a plain audit starts without them
    for path in options.reports:
        reports.check_free(path)  # what cannot be written is told before the work
    if options.form:
        reports.require(options.form)
    policy = audit.load_profile(options.profile)
    rules = policy.rules(options.select, options.ignore)
    if not rules:
        raise SettingsError("no rule is left to check", "--select and --ignore leave nothing; give other codes")
    if options.write_baseline and options.write_baseline.exists():
        _baseline(options.write_baseline)  # nothing else is ever replaced
    known = _baseline(options.baseline) if options.baseline else frozenset()
    stems = yield from measure_set(read_stems(folder), options.remember)
    findings = audit.audit(stems, policy, options.select, options.ignore, known)
    named = tuple(audit.relative(finding, folder) for finding in findings)
    judged = [finding for finding in named if not finding.waived]
    counts = Counter(finding.severity for finding in judged if finding.verdict == "fail")
    result = Audited(
        folder,
        options.profile,
        len(stems.everything) + len(stems.unreadable),
        named,
        {severity: counts[severity] for severity in reversed(SEVERITIES)},
        len(named) - len(judged),
        sum(finding.verdict == "undetermined" for finding in judged),
        tuple(rule.code for rule in rules if rule.code not in {finding.rule for finding in named}),
    )
    outputs: tuple[Output, ...] = ()
    unwritten: list[str] = []
    if options.reports or options.form:
        yield Progress("report", 0, 0)
        facts = reports.facts_of(stems, named, policy, result.passed)
        result = replace(result, text=reports.text(facts, options.form) if options.form else "")
        for path in options.reports:
            try:
                outputs += reports.write(facts, path)
            except StemwrightError as error:  # the findings are worth more than one of their reports
                unwritten.append(f"no report {path.name}: {error.message}; {error.hint}")
    if options.write_baseline:
        entries = sorted({(finding.rule, _name(finding)) for finding in named})
        write_text(options.write_baseline, serial.dumps({"schema": serial.schema("baseline"), "known": entries}))
    return Outcome(outputs, replace(result, unwritten=len(unwritten)), tuple(unwritten))


def _name(finding: Finding) -> str:
    return finding.subject.name if finding.subject else ""


def _baseline(path: Path) -> frozenset[tuple[str, str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != serial.schema("baseline"):
            raise ValueError
        return frozenset((str(rule), str(name)) for rule, name in document["known"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: is no baseline that can be read", "make one with --write-baseline FILE first"
        ) from error


def changed(folder: Path, every_s: float = 1.0) -> Workflow[None]:
    """Wait until something in the folder has changed and is still again; yields once in a while."""
    before = last = _look(folder)
    while True:
        yield Progress("watch", 0, 0)
        time.sleep(every_s)
        now = _look(folder)
        if now != before and now == last:
            return
        last = now


def _look(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            with suppress(OSError):
                status = path.stat()
                found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)
