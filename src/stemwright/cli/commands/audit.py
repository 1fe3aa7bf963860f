"""`stemwright audit`: what a mix engineer would send back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import options


@click.command()
@click.argument("folder", type=options.PATH)
@options.audits
@options.talks
def command(folder: Path, fail_on: str, watch: bool, **asked: Any) -> int:
    """Check a folder of stems against delivery rules; nothing in it is changed.

    \b
    stemwright audit Stems/
    stemwright audit Stems/ --select LVL,CLP --fail-on warning --json
    stemwright audit Stems/ --profile netflix --report audit.html --report markers.rpp
    """
    from stemwright.cli import found, output
    from stemwright.model import Finding
    from stemwright.workflows.audit import AuditOptions, audit_folder

    if output.manners.json and asked["form"]:
        raise click.UsageError("--json and --format exclude each other")

    def once() -> tuple[int, tuple[Finding, ...]]:
        outcome = output.run(audit_folder(folder, AuditOptions(**asked)))
        ok = not outcome.result.fails(fail_on) and not outcome.result.unwritten
        if outcome.result.text:
            output.result(outcome.result.text)
        else:
            output.show("audit", outcome, found.audit, ok=ok)
        return int(not ok), outcome.result.findings

    if watch:
        from stemwright.cli.watch import watch as keep_watch

        return keep_watch(folder, once, [path for path in (*asked["reports"], asked["write_baseline"]) if path])
    return once()[0]
