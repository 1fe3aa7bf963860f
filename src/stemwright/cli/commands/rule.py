"""`stemwright rule`: what a rule means."""

from __future__ import annotations

import click

from stemwright.cli import found, options, output
from stemwright.model import Outcome


@click.command()
@click.argument("code", required=False)
@options.talks
def command(code: str | None) -> int:
    """Explain one audit rule, or list all of a family (LVL) or of all.

    \b
    stemwright rule LVL
    stemwright rule LVL001
    """
    from stemwright import audit

    catalogue = audit.catalogue()
    some = {known: rule for known, rule in catalogue.items() if known.startswith((code or "").upper())}
    if code and (len(some) < 2 or code.upper() in catalogue):
        return output.show("rule", Outcome((), audit.explain(code)), lambda console, o: console.print(o.result))
    rules = tuple((rule.code, rule.severity, rule.title) for rule in some.values())
    return output.show("rules", Outcome((), rules), found.rules)
