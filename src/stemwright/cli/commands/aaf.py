"""`stemwright aaf`: what keeps an AAF from opening."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import options, output


@click.group()
def command() -> None:
    """Look into AAF files.

    \b
    stemwright aaf lint Song.aaf
    stemwright aaf lint Song.aaf --json
    """


@command.command()
@click.argument("file", type=options.PATH)
@options.talks
def lint(file: Path) -> int:
    """Say what keeps an AAF of any origin from opening in Pro Tools and other hosts, and what to do."""
    from stemwright.workflows.lint import lint as check

    def view(console: Any, outcome: Any) -> None:
        for found in outcome.result.findings:
            line = f"{found.severity:8}{found.rule}  {found.message}\n{'':16}{found.fix.summary}"
            console.print(line)
        console.print(f"{file}: findings: {len(outcome.result.findings)}")

    outcome = check(file)
    return output.show("aaf-lint", outcome, view, ok=not outcome.result.fails)
