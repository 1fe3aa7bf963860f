"""What an audit found and a repair did, as people read it in a terminal."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stemwright.cli.output import manners
from stemwright.model import Finding, Outcome
from stemwright.units import listed, many

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_ALIKE = 4
"""Findings of one rule, or files of one finding, that are shown before the others are only counted."""


def findings(console: Console, found: tuple[Finding, ...], rate: int, rates: Mapping[str, int] = {}) -> None:
    """Findings rule by rule, the gravest first; what is said of several files alike is said once.

    `rates` are those that the spans of a file count in, Hz, where they are not `rate`. Of findings with one cause
    the gravest names the others.
    """
    from rich.text import Text

    from stemwright.audit import causes
    from stemwright.handover.reports import by_cause, places, see_also

    judged = [finding for finding in found if not finding.waived]
    groups: dict[tuple[str, str], dict[tuple[str, str], list[str]]] = {}
    for finding, others in by_cause(judged, {} if manners.verbose else causes()):
        word: str = finding.severity if finding.verdict == "fail" else "unknown"
        name = str(finding.subject or "")
        place = places(finding, rates.get(name, rate), 12 if manners.verbose else 3)
        also = see_also(others)
        more = (f" ({place})" if place else "") + (f"; {also}" if also else "")
        alike = groups.setdefault((word, finding.rule), {})
        alike.setdefault((finding.message, more), []).append(name)
    for (word, rule), alike in groups.items():
        most = len(alike) if manners.verbose else _ALIKE
        for (message, more), names in list(alike.items())[:most]:
            colour = _COLOURS.get(word, "dim")
            some = listed(names, len(names) if manners.verbose else _ALIKE)
            some += ": each " if len(names) > 1 else ": " if some else ""
            said = Text(some + message, style=f"{colour} not bold").append(more, style="dim")
            _hung(console, Text(f"{word:8}", style=colour).append(rule, style="bold"), said)
        if len(alike) > most:
            left = sum(map(len, list(alike.values())[most:]))
            console.print(f"{'':16}and {left} more such files; -v names them", style="dim")
    failed: Counter[str] = Counter(finding.severity for finding in judged if finding.verdict == "fail")
    counts = [f"{n} {name}{'s' if n != 1 and name != 'info' else ''}" for name in _COLOURS if (n := failed[name])]
    beside = {"undecided": len(judged) - failed.total(), "let pass": len(found) - len(judged)}
    counts += [f"{count} {what}" for what, count in beside.items() if count]
    if judged:
        console.print(f"audit: {', '.join(counts)}; `stemwright rule CODE` explains one")
    else:
        let = f" ({counts[0]})" if counts else ""
        console.print(Text(f"audit: nothing to send back{let}", style="green"))


def _hung(console: Console, head: Text, said: Text) -> None:
    """One line; in a terminal that is too narrow for it the others are indented."""
    from rich.table import Table

    if console.soft_wrap:
        console.print(head.append("  ").append(said))
    else:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_row(head, said)
        console.print(grid)


def audit(console: Console, outcome: Outcome[Any]) -> None:
    """What `audit` found."""
    made = outcome.result
    rules = len(made.passed) + len({finding.rule for finding in made.findings})
    judged = [f"session {made.session!r}: {many(made.tracks, 'track')}"] if made.session else []
    judged += [f"{made.folder}: {many(made.files, 'audio file')}"] if made.folder else []
    about = f"{', '.join(judged)}, {many(rules, 'rule')}, profile {made.profile}"
    console.print(about)
    findings(console, made.findings, made.sample_rate, made.rates)
    fixes = (found.fix for found in made.findings if not found.waived)
    if made.folder and any(fix and fix.applicability == "lossless" for fix in fixes):
        fix = f"stemwright fix {shlex.quote(str(made.folder))}"
        console.print(f"`{fix}` repairs what needs no sample changed")
    for output in outcome.outputs:
        console.print(f"wrote {output.path}")


def fixed(console: Console, outcome: Outcome[Any]) -> None:
    """What `fix` did, or would do."""
    made = outcome.result
    if made.work:
        console.print(f"{'wrote' if outcome.outputs else 'would write'} {made.folder}")
    for t in made.treated:
        if not t.same:
            was = f" (was {t.was})" if t.was else ""
            console.print(f"  {t.name}{was}: {'; '.join(t.steps) or 'renamed'}")
    for name, why in made.aside:
        console.print(f"  {name}: put aside, {why}")
    for name in made.notes:
        console.print(f"  {name}: notes")
    alike: dict[tuple[str, str], list[str]] = {}
    for found, why in made.grave:
        alike.setdefault((found.rule, why), []).append(str(found.subject or "the set"))
    for (rule, why), names in alike.items():
        console.print(f"not repaired: {rule}  {listed(names, _ALIKE)}: {why}")
    for found in made.still:
        console.print(f"found again, which is a bug of stemwright: {found.rule}  {found.message}")
    errors = sum(found.severity == "error" for found, _ in made.grave)
    stays = f", {many(errors, 'error')} among them" if errors else ""
    stay = f"{many(len(made.grave), 'finding')} left{stays}" if made.grave else "nothing left to send back"
    files = many(sum(not t.same for t in made.treated), "file")
    done = f"{files} {'repaired' if outcome.outputs else 'to repair'}" if made.work else "nothing to repair"
    console.print(f"{done}, {stay}")


def rules(console: Console, outcome: Outcome[Any]) -> None:
    """All rules, a line each."""
    for code, severity, summary in outcome.result:
        console.print(f"{code}  {severity:8} {summary}")
