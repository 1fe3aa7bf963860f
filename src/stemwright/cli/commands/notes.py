"""`stemwright notes`: the notes a mix engineer reads first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options, output, views


@click.command()
@click.argument("folder", type=options.PATH)
@click.option("--edit", is_flag=True, help="Ask for what is missing first, and keep the answers in notes.toml.")
@named.notes("--template")
@named.profile(" for the audit summary")
@options.heard_song
@options.effects
@options.writes
@options.talks
def command(folder: Path, edit: bool, template: str, pdf: bool, profile: str, **flags: Any) -> int:
    """Write notes (.txt, .md and .pdf) for a folder of stems: BPM, key, lengths, peaks, effects, audit summary.

    \b
    stemwright notes Stems/
    stemwright notes Stems/ --edit --template sync --pdf
    stemwright notes Stems/ --bpm 93.5 --key F#m --title "My Song"
    """
    from stemwright.workflows.deliver import NotesForm
    from stemwright.workflows.notes import places, write_notes

    given, form = options.given(flags), NotesForm(template, pdf)
    if edit:
        if flags["dry_run"]:
            raise click.UsageError("--edit keeps answers, which --dry-run does not")
        from stemwright.cli.edit import edit as ask

        form.check()
        places(folder, form, flags["out"], force=flags["force"])  # what would be refused is told before the questions
        ask(folder, given)
    how = {name: flags[name] for name in ("effects", "out", "force", "dry_run")}
    work = write_notes(folder, given, form, profile, **how)
    return output.show("notes", output.run(work), views.files)
