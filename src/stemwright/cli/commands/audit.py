"""`stemwright audit`: what a mix engineer would send back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import found, options, output
from stemwright.model import Finding


@click.command()
@click.argument("folder", type=options.PATH, required=False)
@click.option(
    "--session-info",
    type=options.PATH,
    metavar="FILE",
    help='Judge the Pro Tools session too, or alone, by its exported "Session Info as Text".',
)
@options.audits
@options.talks
def command(folder: Path | None, session_info: Path | None, fail_on: str, watch: bool, **flags: Any) -> int:
    """Check a folder of stems against delivery rules; nothing in it is changed.

    \b
    stemwright audit Stems/
    stemwright audit Stems/ --select LVL,CLP --fail-on warning --json
    stemwright audit Stems/ --profile netflix --report audit.html --report markers.rpp
    stemwright audit --session-info "My Song.txt"
    """
    from stemwright.workflows import audit

    if not folder and (watch or not session_info):
        raise click.UsageError("give a folder of stems, or --session-info FILE; --watch needs the folder")
    asked = audit.AuditOptions(reports=flags.pop("report"), form=flags.pop("format"), **flags)
    if output.manners.json and asked.form:
        raise click.UsageError("--json and --format exclude each other")

    def once() -> tuple[int, tuple[Finding, ...]]:
        session = audit.session_info(session_info) if session_info else None
        outcome = output.run(audit.audit_folder(folder, asked, session))
        ok = not outcome.result.fails(fail_on) and not outcome.result.unwritten
        if outcome.result.text:
            output.result(outcome.result.text)
        else:
            output.show("audit", outcome, found.audit, ok=ok)
        return int(not ok), outcome.result.findings

    if watch and folder:
        from stemwright.cli.watch import watch as keep_watch

        return keep_watch(folder, once, [path for path in (*asked.reports, asked.write_baseline) if path])
    return once()[0]
