"""The options of what guides people through a song: its list of markers, its parts, a click."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stemwright.cli.named import stack

if TYPE_CHECKING:
    pass

guided = stack(
    click.option(
        "--markers",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Markers instead of measured ones: .csv, .cue, .wav, .mid, .rpp or another session.",
    ),
    click.option("--sections/--no-sections", default=True, help="Mark the parts of the song where they are sure."),
    click.option("--click", is_flag=True, help="Add a click track."),
    click.option(
        "--count-in",
        type=click.IntRange(0, 8),
        default=0,
        metavar="BARS",
        help="Begin the click so many bars before bar 1, if there is room.",
    ),
)
