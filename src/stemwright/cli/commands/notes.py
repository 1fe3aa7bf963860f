"""`stemwright notes`: the notes a mix engineer reads first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options


@click.command()
@click.argument("folder", type=options.PATH)
@named.notes("--template")
@named.profile(" for the audit summary")
@options.heard_song
@options.effects
@options.writes
@options.talks
def command(folder: Path, template: str, profile: str, **flags: Any) -> int:
    """Write notes (.txt and .md) for a folder of stems: BPM, key, lengths, peaks, effects, audit summary.

    \b
    stemwright notes Stems/
    stemwright notes Stems/ --bpm 93.5 --key F#m --title "My Song"
    """
    from stemwright.cli import output, views
    from stemwright.workflows.notes import write_notes

    given, out, force, dry_run = options.given(flags), flags["out"], flags["force"], flags["dry_run"]
    work = write_notes(
        folder, given, template, profile, effects=flags["effects"], out=out, force=force, dry_run=dry_run
    )
    outcome = output.run(work)
    output.show("notes", outcome, views.files)
    return 0
