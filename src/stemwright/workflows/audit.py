"""audit: a folder of stems in, or the session that is open in a DAW, and findings out; nothing is changed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from stemwright import audit, serial
from stemwright.audio.folder import read_stems
from stemwright.errors import SettingsError, StemwrightError, WrongOption
from stemwright.measure.sets import measure_set
from stemwright.model import SEVERITIES, DawSession, Finding, Outcome, Output, Progress, Song, StemSet, Workflow
from stemwright.safety import PART, write_text


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
    beside: bool = False
    """That report will lie in the folder, so a page may play the stems."""
    remember: bool = True
    """Do not measure files again that did not change."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found; subjects of findings are relative to the folder."""

    folder: Path | None
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
    sample_rate: int = 48_000
    """Hz, of most files and of the timeline that they share; the spans of findings count in it."""
    rates: Mapping[str, int] = field(default_factory=dict)
    """Files whose spans count in another rate, Hz."""
    session: str = ""
    """Name of the open session that was judged."""
    tracks: int = 0
    """Of that session."""

    def fails(self, fail_on: str) -> bool:
        """Whether something of that severity (or `never`) or a graver one was found and not waived."""
        failing = SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on in SEVERITIES else ()
        return any(self.counts[severity] for severity in failing)


def session_info(path: Path) -> DawSession:
    """The session that Pro Tools' "Session Info as Text" tells of. Raises NotFoundInput, SessionError."""
    from stemwright.session.protools_info import read_info

    return read_info(path)


def audit_folder(
    folder: Path | None,
    options: AuditOptions = AuditOptions(),
    session: DawSession | None = None,
    media: StemSet | None = None,
) -> Workflow[Outcome[Audited]]:
    """Audit all that lies in a folder (or in `media` instead), an open session, or both.

    Raises NotFoundInput, SettingsError, OutputError.
    """
    if options.reports or options.form:
        from stemwright.handover.reports import render, require
        from stemwright.workflows import reports  # formats of sessions and pages: a plain audit starts without them
    for path in options.reports:
        reports.check_free(path)  # what cannot be written is told before the work
    if options.form:
        require(options.form)
    policy = audit.load_profile(options.profile)
    heard = read_stems(folder) if folder else media
    rules = policy.rules(options.select, options.ignore) if heard else ()
    rules += policy.rules(options.select, options.ignore, of_session=True) if session else ()
    if not rules:
        raise WrongOption("no rule is left to check", "--select and --ignore leave nothing; give other codes")
    if options.write_baseline and options.write_baseline.exists():
        _baseline(options.write_baseline)  # nothing else is ever replaced
    known = _baseline(options.baseline) if options.baseline else frozenset()
    stems = (yield from measure_set(heard, options.remember)) if heard else _no_stems(session)
    findings: list[Finding] = []
    for subject in (*((stems,) if heard else ()), *((session,) if session else ())):
        findings += audit.audit(subject, policy, options.select, options.ignore, known)
    named = tuple(
        audit.relative(finding, folder) if folder else finding for finding in sorted(findings, key=audit.rank)
    )
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
        sample_rate=stems.song.sample_rate,
        rates=_rates(stems),
        session=session.name if session else "",
        tracks=len(session.tracks) if session else 0,
    )
    outputs: tuple[Output, ...] = ()
    unwritten: list[str] = []
    if options.reports or options.form:
        yield Progress("report", 0, 0)
        facts = reports.facts_of(stems, named, policy, result.passed, session)
        if options.form:
            result = replace(result, text=render(options.form, replace(facts, beside=options.beside)))
        for path in options.reports:
            try:
                outputs += reports.write(facts, path)
            except StemwrightError as error:  # the findings are worth more than one of their reports
                unwritten.append(f"no report {path.name}: {error.message}; {error.hint}")
    if options.write_baseline:
        entries = sorted({(finding.rule, finding.subject.name if finding.subject else "") for finding in named})
        write_text(options.write_baseline, serial.dumps({"schema": serial.schema("baseline"), "known": entries}))
    return Outcome(outputs, replace(result, unwritten=len(unwritten)), tuple(unwritten))


def _no_stems(session: DawSession | None) -> StemSet:
    """What stands for the stems where only a session is judged."""
    return StemSet(Song(session.name, session.sample_rate or 48_000) if session else Song("", 48_000), ())


def _rates(stems: StemSet) -> dict[str, int]:
    files = [stem.file for stem in stems.everything]
    return {f.path.name: f.format.sample_rate for f in files if f.format.sample_rate not in (0, stems.song.sample_rate)}


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


Look = Mapping[str, tuple[int, int]]
"""Name -> size and time of everything in a folder."""


def look(folder: Path, but: Collection[Path] = ()) -> Look:
    """What lies in a folder now, but for these files and what is being written."""
    found = {}
    ours = {path.name for path in but if path.resolve().parent == folder.resolve()}
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            with suppress(OSError):
                if path.name not in ours and not path.name.endswith(PART):
                    status = path.stat()
                    found[path.name] = (status.st_size, status.st_mtime_ns)
    return found


def changed(
    folder: Path, before: Look, but: Collection[Path] = (), every_s: float = 1.0
) -> Workflow[tuple[Look, tuple[str, ...]]]:
    """Wait until the folder is no more as it was `before`, and still again; yields once in a while.

    Returns what lies there now, and what became of it: `Kick.wav changed`.
    """
    last = before
    while True:
        yield Progress("watch", 0, 0)
        time.sleep(every_s)
        now = look(folder, but)
        if now != before and now == last:
            said = [(name, "changed") for name in now if name in before and now[name] != before[name]]
            said += [(name, "is new") for name in now if name not in before]
            said += [(name, "is gone") for name in before if name not in now]
            return now, tuple(f"{name} {what}" for name, what in said)
        last = now
