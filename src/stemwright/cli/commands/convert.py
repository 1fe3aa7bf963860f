"""`stemwright convert`: a session of one DAW as one of another."""

from __future__ import annotations

from pathlib import Path

import click

from stemwright.cli import options, output, session_views


@click.command()
@click.argument("source", type=options.PATH)
@click.argument("target", type=options.PATH)
@click.option("--media", type=options.PATH, multiple=True, help="Also look here for the session's media; repeat it.")
@click.option("--force", is_flag=True, help="Replace TARGET if it is there already.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing.")
@options.talks
def command(source: Path, target: Path, media: tuple[Path, ...], force: bool, dry_run: bool) -> int:
    """Convert a DAW session; the suffixes name the formats.

    Whatever the new format has no place for is told. Media that are missing keep their names, and the exit code is 1.

    \b
    stemwright convert Song.rpp Song.aaf
    stemwright convert Song.rpp Song.mid --force
    """
    from stemwright.workflows.convert import convert

    outcome = output.run(convert(source, target, media, force=force, dry_run=dry_run))
    return output.show("convert", outcome, session_views.converted, ok=not outcome.result.missing)
