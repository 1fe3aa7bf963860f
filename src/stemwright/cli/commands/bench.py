"""`stemwright bench`: how fast and how good splitting is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options, output, views


@click.group()
def command() -> None:
    """Measure splitting: its speed and memory, and its quality on songs whose true stems are known.

    \b
    stemwright bench split --seconds 60
    stemwright bench sdr TrueStems/
    """


@command.command()
@click.argument("song", required=False, type=options.PATH)
@click.option("--seconds", type=click.FloatRange(8, 3600), default=60, show_default=True, help="Of audio.")
@click.option("--rows", default="", callback=named.comma_list, metavar="NAMES", help="Only these groups of rows.")
@options.device
@click.option("--model", default="htdemucs", show_default=True, help="One of demucs's.")
@click.option("--tiny", is_flag=True, help="A small random network: all rows in minutes on any CPU.")
@options.talks
def split(song: Path | None, seconds: float, rows: tuple[str, ...], device: str, model: str, tiny: bool) -> int:
    """Time stemwright and demucs's own code side by side, on SONG or a composed one.

    Rows: host, demucs, engine, precision, batch, memory, unblend.
    """
    from stemwright.workflows import bench

    return output.show("bench", output.run(bench.speed(song, seconds, rows, device, model, tiny)), views.speed)


@command.command()
@click.argument("folder", type=options.PATH)
@click.option("--model", default="", help="Instead of a preset.")
@click.option("--preset", default="4_tracks", show_default=True, help="See `stemwright models presets`.")
@options.quality
@click.option("--seconds", callback=options.spans, metavar="FROM:TO", help="Only this stretch.")
@options.device
@options.talks
def sdr(folder: Path, seconds: tuple[tuple[float, float], ...], **asked: Any) -> None:
    """Split the sum of a FOLDER of true stems, and tell in dB how near the stems come to them."""
    from stemwright.workflows.quality import score
    from stemwright.workflows.separation import SplitOptions

    if len(seconds) > 1:
        raise click.UsageError("--seconds takes one stretch")
    output.show("bench", output.run(score(folder, SplitOptions(**asked), next(iter(seconds), None))), views.quality)
