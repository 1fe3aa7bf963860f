"""GitHub annotations: workflow commands that mark files in a run of GitHub Actions.

Source: GitHub, "Workflow commands for GitHub Actions"; `%`, CR and LF are escaped, in properties `:` and `,` too.
"""

from __future__ import annotations

from stemwright.handover import layout
from stemwright.handover.reports import AuditFacts, sentence

NAME = "GitHub annotations"
SUFFIX = ""

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(facts: AuditFacts) -> str:
    """One command a line for every finding that is not waived."""
    lines = []
    for found in (*facts.failing, *facts.undetermined):
        file = f"file={_property(facts.prefix + facts.name(found.subject))}," if found.subject else ""
        title = _property(f"{found.rule} {facts.titles.get(found.rule, '')}".strip())
        lines.append(f"::{_COMMANDS[found.severity]} {file}title={title}::{_data(sentence(facts, found))}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return str(layout.visible(text)).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
