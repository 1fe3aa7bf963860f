"""`stemwright fix`: repair what can be repaired without harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from stemwright.cli import found, named, options, output


@click.command()
@click.argument("folder", type=options.PATH)
@click.option("--lossy", is_flag=True, help="Also what changes samples: one gain for all, rounding, DC, rate, fades.")
@click.option("--in-place", "--backup", "in_place", is_flag=True, help="Keep originals in _originals_<date> (both do).")
@click.option("--undo", is_flag=True, help="Take the latest repair in place back, byte by byte.")
@named.profile()
@click.option("--select", default="", callback=named.comma_list, metavar="CODES", help="Only these (prefixes).")
@click.option("--ignore", default="", callback=named.comma_list, metavar="CODES", help="All but these.")
@options.writes
@options.talks
def command(folder: Path, undo: bool, **asked: Any) -> int:
    """Repair a folder of stems: into a new folder beside it, and every sample as it was.

    \b
    stemwright fix Stems/ --dry-run
    stemwright fix Stems/ --select NAM,SET003 --in-place
    """
    from stemwright.workflows.fix import FixOptions, fix_folder, undo_fix

    given = click.get_current_context().get_parameter_source
    if (asked["in_place"] and asked["out"]) or (undo and any(given(n) is ParameterSource.COMMANDLINE for n in asked)):
        raise click.UsageError("--in-place and --out exclude each other; --undo goes with no option of a repair")
    if undo:
        return output.show("fix", undo_fix(folder), lambda to, made: to.print(made.result))
    outcome = output.run(fix_folder(folder, FixOptions(**asked)))
    return output.show("fix", outcome, found.fixed, ok=not outcome.result.still)
