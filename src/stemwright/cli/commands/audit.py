"""`stemwright audit`: what a mix engineer would send back."""

from __future__ import annotations

from pathlib import Path

import click

from stemwright.cli import options


@click.command()
@click.argument("folder", type=options.PATH)
@click.option("--profile", default="protools", show_default=True, help="Delivery rules: a name or a .toml file.")
@click.option(
    "--select",
    default="",
    callback=options.comma_list,
    metavar="CODES",
    help="Only these rules (prefixes, with commas).",
)
@click.option("--ignore", default="", callback=options.comma_list, metavar="CODES", help="All rules but these.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="error",
    show_default=True,
    help="Exit with 1 from this severity on.",
)
@options.talks
def command(folder: Path, profile: str, select: tuple[str, ...], ignore: tuple[str, ...], fail_on: str) -> int:
    """Check a folder of stems against delivery rules; nothing is changed.

    \b
    stemwright audit Stems/
    stemwright audit Stems/ --select LVL,CLP --fail-on warning --json
    """
    from stemwright.cli import output, views
    from stemwright.model import SEVERITIES
    from stemwright.workflows.audit import audit_folder

    outcome = output.run(audit_folder(folder, profile, select, ignore))
    failing = SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on != "never" else ()
    ok = not any(finding.severity in failing for finding in outcome.result.findings)
    output.show("audit", outcome, views.audit, ok=ok)
    return 0 if ok else 1
