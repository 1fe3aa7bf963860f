"""`stemwright split`: a mix becomes stems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import options, output, views


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=options.PATH)
@options.splits
@options.song
@options.writes
@options.talks
def command(inputs: tuple[Path, ...], **flags: Any) -> int:
    """Split mixes into 24-bit stems at the source's rate and length that add up to the mix exactly.

    \b
    stemwright split Song.wav
    stemwright split *.flac --two-stems vocals -o Splits/
    """
    from stemwright.workflows.separation import songs_at_once
    from stemwright.workflows.split import split

    asked = options.split_options(flags)
    given, out, force, dry_run = options.given(flags), flags["out"], flags["force"], flags["dry_run"]
    return output.run_each(
        "split",
        inputs,
        lambda path: split(path, asked, given=given, out=out, force=force, dry_run=dry_run),
        views.separation,
        lambda: songs_at_once(asked),
    )
