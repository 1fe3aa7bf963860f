"""`stemwright watch`: prep for everything that is dropped into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options


@click.command()
@click.argument("folder", type=options.PATH)
@click.option(
    "--settle",
    type=options.Number(0.2, 3600),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="A file is whole when it has not changed for so long.",
)
@click.option("--pack", is_flag=True, help="Pack each delivery as one ZIP.")
@options.sessions
@options.splits
@options.bpm_range
@named.profile(" to audit against")
@named.notes("--notes")
@click.option(
    "-o", "--out", type=options.PATH, help="Folder for the deliveries (default: FOLDER_Deliveries beside it)."
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@options.talks
def command(folder: Path, settle: float, pack: bool, **flags: Any) -> None:
    """Make a delivery of every song and every folder of stems that is dropped into FOLDER, until Ctrl-C.

    What was delivered before is not made again; one bad file does not stop the others. Ctrl-C exits with 0 while
    nothing is under way, with 130 in the middle of a delivery.

    \b
    stemwright watch Inbox/
    stemwright watch Inbox/ --out Deliveries/ --to reaper --pack
    """
    from stemwright.cli.watch import watch_dropped

    folder = folder.resolve()
    out = flags["out"] = flags["out"] or folder.with_name(f"{folder.name}_Deliveries")
    watch_dropped(folder, out, options.prep_options(flags), settle, pack)
