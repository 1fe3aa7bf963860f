"""`stemwright rule`: what a rule means."""

from __future__ import annotations

import click

from stemwright.cli import options


@click.command()
@click.argument("code", required=False)
@options.talks
def command(code: str | None) -> int:
    """Explain one audit rule, or list them all.

    \b
    stemwright rule
    stemwright rule LVL001
    """
    from stemwright import audit
    from stemwright.cli import output, views
    from stemwright.model import Outcome

    if code:
        output.show("rule", Outcome((), audit.explain(code)), lambda console, o: console.print(o.result, markup=False))
    else:
        rules = ((rule.code, rule.severity, rule.title) for rule in audit.catalogue().values())
        output.show("rules", Outcome((), tuple(rules)), views.rules)
    return 0
