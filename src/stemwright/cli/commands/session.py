"""`stemwright session`: DAW sessions from a folder of stems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import options


@click.command()
@click.argument("folder", type=options.PATH)
@options.sessions
@options.song
@options.writes
@options.talks
def command(folder: Path, **flags: Any) -> int:
    """Build DAW sessions for a folder of stems: tracks named, grouped, coloured, on the tempo grid.

    The sessions lie beside the stems, so that they find them; --out puts them elsewhere.

    \b
    stemwright session Stems/ --to reaper
    stemwright session Stems/ --to aaf --embed --bpm 120
    """
    from stemwright.cli import output, views
    from stemwright.workflows.session import build_sessions

    outcome = output.run(build_sessions(folder, options.session_options(flags)))
    output.show("session", outcome, views.sessions)
    return 0
