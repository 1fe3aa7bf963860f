"""Reports of an audit: one module per format, found here, listed nowhere.

A format module has `NAME`, as people call it, `SUFFIX` ("" for one that is only printed) and `render(facts) -> str`,
the same for the same facts. Files are named as seen from the audited folder, so that a report says nothing about the
machine that it was made on.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType

from stemwright import __version__
from stemwright.errors import UnknownName
from stemwright.handover import layout
from stemwright.handover.notes import local
from stemwright.measure.spans import MAX_SPANS, joined
from stemwright.model import SEVERITIES, DawSession, Finding, Severity, Span, StemSet
from stemwright.registry import discover
from stemwright.units import clock, listed, many


@dataclass(frozen=True)
class AuditFacts:
    """All that the reports of an audit tell. Mappings go from the codes of rules."""

    folder: str
    """Its name, without the way there."""
    stems: StemSet
    findings: tuple[Finding, ...]
    """The gravest first."""
    profile: str = ""
    profile_title: str = ""
    passed: tuple[str, ...] = ()
    """Rules that ran and found nothing."""
    titles: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    fixes: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """(DAW, what to do there)."""
    causes: Mapping[str, str] = field(default_factory=dict)
    """What rules have in common that tell of one and the same fault of a file."""
    prefix: str = ""
    """The way from where the audit was started to the folder, as `Stems/`; for tools that annotate files there."""
    beside: bool = False
    """The report will lie in the audited folder, so a page may play the stems."""
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    version: str = __version__
    session: DawSession | None = None
    """What is open in a DAW, where that was judged; findings name its tracks as if they were files."""

    @cached_property
    def failing(self) -> tuple[Finding, ...]:
        """What is wrong: neither waived nor undetermined."""
        return tuple(found for found in self.findings if found.verdict == "fail" and not found.waived)

    @cached_property
    def undetermined(self) -> tuple[Finding, ...]:
        """What could not be decided."""
        return tuple(found for found in self.findings if found.verdict != "fail" and not found.waived)

    @cached_property
    def waived(self) -> tuple[Finding, ...]:
        """What the user lets pass."""
        return tuple(found for found in self.findings if found.waived)

    @cached_property
    def verdict(self) -> Severity | None:
        """The gravest thing that is wrong; None when there is nothing."""
        return max((found.severity for found in self.failing), key=SEVERITIES.index, default=None)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Where each file stands in `stems.everything`, by the name that reports give it."""
        return {self.name(stem.file.path): number for number, stem in enumerate(self.stems.everything)}

    @property
    def only_session(self) -> bool:
        """Whether no stems were judged beside the session."""
        return self.session is not None and not self.stems.everything and not self.stems.unreadable

    @property
    def noun(self) -> str:
        """What the findings are about."""
        return "track" if self.session else "file"

    def name(self, path: Path | None) -> str:
        """A file as seen from the folder, visible and on one line; the whole set or session for None."""
        if path is None:
            return "the whole session" if self.only_session else "the whole set"
        return str(layout.visible(local(path, self.stems.folder)))

    def rate(self, path: Path | None) -> int:
        """The sample rate that the spans of a finding about this file count in, Hz."""
        number = self.numbers.get(self.name(path))
        song, everything = self.stems.song, self.stems.everything
        return (song.sample_rate if number is None else everything[number].file.format.sample_rate) or 48_000


def formats() -> dict[str, ModuleType]:
    """Every report format by the name of its module."""
    return discover("stemwright.handover.reports")


def render(name: str, facts: AuditFacts) -> str:
    """The report in one format. Raises UnknownName, and SettingsError for a broken template."""
    return str(require(name).render(facts))


def require(name: str) -> ModuleType:
    """The module of a format. Raises UnknownName."""
    if name not in formats():
        raise UnknownName(f"there is no report format {name!r}", f"known: {', '.join(formats())}", name, formats())
    return formats()[name]


def suffixes() -> dict[str, str]:
    """Suffix -> name of the format that is written to such files."""
    return {module.SUFFIX: name for name, module in formats().items() if module.SUFFIX}


# ---- what formats share ---------------------------------------------------------------------------------------


def headline(facts: AuditFacts) -> str:
    """What to do with the set or the session, in a few words: send it, or fix so many files first."""
    worst, files = facts.verdict, {facts.name(f.subject) for f in facts.failing if f.severity == facts.verdict}
    if not facts.stems.everything and not facts.stems.unreadable and not facts.session:
        return "There is nothing here to send."
    send, whole = ("Export it", "the session") if facts.only_session else ("Send it", "the set")
    if worst is None or worst == "info":
        return f"{send}."
    what = whole if files == {facts.name(None)} else many(len(files - {facts.name(None)}), facts.noun)
    return f"Fix {what} first." if worst == "error" else f"{send} after a look at {what}."


def summary(facts: AuditFacts) -> str:
    """What was found in how many files, as a sentence."""
    count = Counter(found.severity for found in facts.failing)
    counts = [many(count[kind], "remark" if kind == "info" else kind) for kind in SEVERITIES[::-1] if count[kind]]
    files = {*facts.numbers, *(facts.name(bad.path) for bad in facts.stems.unreadable)}
    files |= {facts.name(Path(track.name)) for track in facts.session.tracks} if facts.session else set()
    bad = {facts.name(found.subject) for found in facts.failing if found.subject and found.severity != "info"}
    clean = len(files - bad)
    told = f"{listed(counts)} in" if counts else "Nothing to fix in"
    fine = f"; {clean} {'is fine as it is' if clean == 1 else 'are fine as they are'}" if bad and clean else ""
    return f"{told} {many(len(files), facts.noun)}{fine}."


def sentence(facts: AuditFacts, found: Finding) -> str:
    """A finding with its file and its places, as one line."""
    place = where(facts, found)
    said = f"{facts.name(found.subject)} {found.message}" if found.subject else found.message
    return str(layout.visible(f"{said}{f' ({place})' if place else ''}"))


def by_rule(facts: AuditFacts) -> dict[str, list[tuple[Finding, list[Finding]]]]:
    """What fails by code, in the order in which the codes come first: the findings that `by_cause` gives."""
    groups: dict[str, list[tuple[Finding, list[Finding]]]] = {}
    for found, others in by_cause(facts.failing, facts.causes):
        groups.setdefault(found.rule, []).append((found, others))
    return groups


def where(facts: AuditFacts, found: Finding) -> str:
    """Channel and times of a finding, as `places` tells them."""
    return places(found, facts.rate(found.subject))


def places(found: Finding, rate: int, most: int = 3) -> str:
    """Channel and times at `rate` Hz: `left, 0:12.340, 0:15.000 to 0:16.250 and 4 more`; empty without either.

    Of more places than are kept, only the first is told: the others kept say nothing of where they end.
    """
    count = found.evidence.measured if found.evidence else 0
    if isinstance(count, int) and count > len(found.spans) >= MAX_SPANS:
        first = f"the first at {clock(min(span.start for span in found.spans), rate)}"
        return ", ".join(filter(None, (side(found.channel), f"{first} and {count - 1} more")))
    times = [_place(place, rate) for place, _ in joined(found.spans, rate // 2)]
    return ", ".join(filter(None, (side(found.channel), listed(times, most))))


def by_cause(findings: Iterable[Finding], causes: Mapping[str, str]) -> list[tuple[Finding, list[Finding]]]:
    """The first (gravest) finding of every file and cause, with the others: a hot stem is one thing to do, not five.

    `causes` go by code. A rule without one stands alone, as do findings about the whole set.
    """
    groups: list[tuple[Finding, list[Finding]]] = []
    known: dict[object, list[Finding]] = {}
    for found in findings:
        key = (found.subject, causes.get(found.rule), found.verdict)
        if key in known:
            known[key].append(found)
        else:
            groups.append((found, []))
            if all(key):
                known[key] = groups[-1][1]
    return groups


def see_also(others: Iterable[Finding]) -> str:
    """Further findings of one cause, with the levels that they tell: `see also LVL001 (−0.10 dBFS), LVL004`."""
    told = []
    for other in others:
        seen = other.evidence
        level = f" ({amount(seen.measured, seen.unit)})" if seen and seen.unit.startswith("dB") else ""
        told.append(other.rule + level)
    return f"see also {', '.join(told)}" if told else ""


def side(channel: int | None) -> str:
    """What people call a channel."""
    return "" if channel is None else ("left", "right")[channel] if channel < 2 else f"channel {channel + 1}"


def amount(value: float | str | None, unit: str = "", digits: int = 2) -> str:
    """A number as people read it, with its unit: `−2.99 dBFS`, `44,100 Hz`, `98.5 % of the peaks`."""
    if value is None or value == "":
        return ""
    value = float(value) if value in ("inf", "-inf") else value
    if isinstance(value, (int, float)) and unit.startswith("of the "):
        value = f"{100 * value:.3g} %"
    elif isinstance(value, (int, float)):
        tiny = 0 < abs(value) < 0.05 and not unit.startswith("dB")
        digits = 0 if isinstance(value, int) else 6 if tiny else digits
        text = f"{round(value, digits) + 0.0:,.{digits}f}" if math.isfinite(value) else f"{value}".replace("inf", "∞")
        value = text.replace("-", "−")
    return str(layout.visible(f"{value} {unit}")).strip()


def _place(span: Span, rate: int) -> str:
    start, end = clock(span.start, rate), clock(span.end, rate)
    return f"{start} to {end}" if span.end - span.start > rate // 20 else start
