"""Markdown for an e-mail or a ticket: the verdict, what is wrong and how to mend it."""

from __future__ import annotations

from stemwright.handover import layout
from stemwright.handover.reports import AuditFacts, by_rule, headline, see_also, summary, where
from stemwright.model import SEVERITIES, Finding
from stemwright.units import many

NAME = "Markdown"
SUFFIX = ".md"

_HEADINGS = {"error": "Fix first", "warning": "Look at", "info": "Good to know"}


def render(facts: AuditFacts) -> str:
    """The text. Findings stand under the gravest severity that their rule has here, those of one cause as one."""
    what = "Session" if facts.only_session else "Stems of"
    lines = [f"# {what} {_text(facts.folder)}: {headline(facts)}", "", summary(facts)]
    profile = _text(facts.profile_title or facts.profile)
    lines += ["", f"Checked for {profile}, {facts.date}, stemwright {facts.version}."]
    rules = by_rule(facts)
    for severity in SEVERITIES[::-1]:
        codes = [code for code, rows in rules.items() if rows[0][0].severity == severity]
        lines += ["", f"## {_HEADINGS[severity]}"] if codes else []
        for code in codes:
            lines += ["", f"### {_text(facts.titles.get(code, code))} ({code})", ""]
            lines += [_item(facts, found, see_also(others)) for found, others in rules[code]]
            lines += [f"- How to mend it: {_text(facts.fixes[code])}"] if facts.fixes.get(code) else []
            lines += [f"  - {_text(daw)}: {_text(step)}" for daw, step in facts.steps.get(code, ())]
    for heading, others in (("Could not be decided", facts.undetermined), ("Let pass", facts.waived)):
        lines += ["", f"## {heading}", ""] if others else []
        lines += [_item(facts, found) for found in others]
    lines += ["", f"{many(len(facts.passed), 'other rule')} found nothing."] if facts.passed else []
    return "\n".join(lines) + "\n"


def _item(facts: AuditFacts, found: Finding, also: str = "") -> str:
    place = where(facts, found)
    more = "".join(f" ({_text(part)})" for part in (place, found.waived) if part)
    more += f"; {_text(also)}" if also else ""
    return f"- **{_text(facts.name(found.subject))}** {_text(found.message)}{more}"


def _text(text: str) -> str:
    return str(layout.markdown(layout.visible(text)))
