"""The reports of an audit, put together of what the audit knows and what the formats show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stemwright import audit
from stemwright.audit import daws
from stemwright.errors import AlreadyThere, WrongOption
from stemwright.handover import reports
from stemwright.handover.reports import AuditFacts
from stemwright.model import DawSession, Finding, Output, StemSet
from stemwright.safety import write_text
from stemwright.session import findings as markers
from stemwright.session.formats import formats as session_formats
from stemwright.session.formats import write_session
from stemwright.session.labels import write_labelled

_SESSIONS = ("reaper", "midi")
"""Formats that carry markers and need no media of their own."""
_MARK = "made by stemwright audit"


def kind_of(path: Path) -> str:
    """The report or session format that a suffix stands for; a folder is for labelled copies. Raises WrongOption."""
    if not path.suffix:
        return "labels"
    kinds = {suffix: name for name in _SESSIONS for suffix in session_formats()[name].SUFFIXES} | reports.suffixes()
    for suffix in sorted(kinds, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return kinds[suffix]
    hint = f"end its name with one of {', '.join(sorted(kinds))}; a folder gets copies of the stems with cue labels"
    raise WrongOption(f"{path}: no report is called so", hint)


def check_free(path: Path) -> None:
    """Raise AlreadyThere when something that no audit wrote would be replaced, WrongOption as `kind_of`."""
    labels = kind_of(path) == "labels"
    ours = not path.exists() or (labels and path.is_dir() and not any(path.iterdir()))
    if path.is_file() and not labels:
        with path.open("rb") as file:
            ours = b"stemwright" in file.read(1 << 16)
    if not ours:
        raise AlreadyThere(f"{path}: is there already and no report of ours", "give another name, or remove it first")


def facts_of(
    stems: StemSet,
    findings: tuple[Finding, ...],
    profile: audit.Profile,
    passed: tuple[str, ...],
    session: DawSession | None = None,
) -> AuditFacts:
    """What the formats need; `findings` name their files as seen from the folder."""
    rules = {code: audit.catalogue()[code] for code in (*passed, *(finding.rule for finding in findings))}
    sections = {code: rule.sections() for code, rule in rules.items()}
    return AuditFacts(
        folder=stems.folder.resolve().name if stems.folder else stems.song.title,
        stems=stems,
        session=session,
        findings=findings,
        profile=profile.name,
        profile_title=profile.title,
        passed=passed,
        prefix=_prefix(stems.folder),
        titles={code: rule.title for code, rule in rules.items()},
        why={code: texts["Why the mix engineer cares"] for code, texts in sections.items()},
        fixes={code: texts["Fix"] for code, texts in sections.items()},
        steps={code: daws.steps(rule.daw) for code, rule in rules.items() if rule.daw},
        causes=audit.causes(),
    )


def _prefix(folder: Path | None) -> str:
    here = Path.cwd()
    inside = folder and folder.resolve().is_relative_to(here)
    return "".join(f"{part}/" for part in folder.resolve().relative_to(here).parts) if folder and inside else ""


def write(facts: AuditFacts, path: Path) -> tuple[Output, ...]:
    """Write what `kind_of` says. Raises WrongOption, AlreadyThere, SessionError, OutputError, DiskFull."""
    kind = kind_of(path)
    if kind in _SESSIONS:
        session = markers.session_of(facts.stems, facts.findings)
        session = replace(session, notes=(_MARK, *session.notes))
        return write_session(kind, session, path).outputs
    if kind == "labels":
        return write_labelled(facts.stems, facts.findings, path).outputs
    folder = facts.stems.folder
    beside = folder is not None and path.resolve().parent == folder.resolve()
    write_text(path, reports.render(kind, replace(facts, beside=beside)))
    return (Output(path, "report"),)
