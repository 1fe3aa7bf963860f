"""`stemwright prep`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options


@click.command()
@click.argument("inputs", nargs=-1, type=options.PATH)
@click.option("--demo", is_flag=True, help="Compose a small song and prepare that.")
@options.sessions
@options.splits
@options.song
@named.profile(" to audit against")
@named.notes("--notes")
@options.effects
@options.writes
@options.talks
def command(inputs: tuple[Path, ...], demo: bool, **flags: Any) -> int:
    """Make one folder that can be sent to a mix engineer.

    A song is split into stems; a folder of stems is taken as it is. Either is audited and gets DAW sessions, notes
    with BPM and key, a report and a manifest. A second run does only what is missing.

    \b
    stemwright prep Song.wav
    stemwright prep Stems/ --bpm 93.5 --key F#m --to reaper,aaf
    """
    from stemwright.cli import output, views
    from stemwright.workflows import demo as demo_song
    from stemwright.workflows.prep import prep

    if bool(inputs) == demo:
        raise click.UsageError("give a song or a folder of stems, or --demo")
    asked = options.prep_options(flags)
    if demo:
        outcome = output.run(demo_song.demo(asked))
        output.show("prep", outcome, views.delivery)
        return 0
    return output.run_each("prep", inputs, lambda path: prep(path, asked), views.delivery)
