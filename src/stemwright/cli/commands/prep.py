"""`stemwright prep`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options, output, views


@click.command()
@click.argument("inputs", nargs=-1, type=options.PATH)
@click.option("--demo", is_flag=True, help="Compose a small song and prepare that.")
@options.sessions
@options.splits
@options.heard_song
@named.profile(" to audit against")
@named.notes("--notes")
@options.acid
@options.effects
@options.guided
@click.option("--pack", is_flag=True, help="Pack the delivery as one ZIP, too; see `stemwright pack`.")
@options.writes
@options.talks
def command(inputs: tuple[Path, ...], demo: bool, pack: bool, **flags: Any) -> int:
    """Make one folder that can be sent to a mix engineer.

    A song is split into stems; a folder of stems is taken as it is. Either is audited and gets DAW sessions, notes
    with BPM and key, a report and a manifest. A second run does only what is missing.

    \b
    stemwright prep Song.wav
    stemwright prep Stems/ --bpm 93.5 --key F#m --to reaper,aaf
    """
    from stemwright.workflows import demo as demo_song
    from stemwright.workflows.pack import PackOptions, packed
    from stemwright.workflows.prep import prep

    if bool(inputs) == demo:
        raise click.UsageError("give a song or a folder of stems, or --demo")
    asked = options.prep_options(flags)
    packing = PackOptions(force=asked.force) if pack else None
    if demo:
        return output.show("prep", output.run(packed(demo_song.demo(asked), packing)), views.delivery)
    return output.run_each("prep", inputs, lambda path: packed(prep(path, asked), packing), views.delivery)
