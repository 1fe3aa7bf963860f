"""What was proved of sessions, as people read it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stemwright.cli import views
from stemwright.model import Outcome
from stemwright.units import many

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {"kept": "green", "differs": "bold red", "no place": "yellow", "unused": "dim"}


def verified(console: Console, outcome: Outcome[Any]) -> None:
    """The field table, every difference, and the residual of the null test."""
    from rich.table import Table

    found = outcome.result
    table = Table("field", "", box=None, padding=(0, 2, 0, 0), show_header=False)
    for field, state in found.fields:
        table.add_row(field.replace("_", " "), state, style=_COLOURS[state])
    if found.fields:
        console.print(table)
    for difference in found.differences:
        console.print(str(difference))
    console.print(proof(found))


def proof(found: Any) -> str:
    """One session in one line."""
    if found.skipped:
        return f"{found.name}: not verified, {found.skipped}"
    null = "" if found.residual_dbfs is None else f", null test {found.residual_dbfs:.1f} dBFS"
    if found.host_residual_dbfs is not None:
        null += f", render by {found.host} {found.host_residual_dbfs:.1f} dBFS"
    if not found.fields:
        ok = "all media are there; give --against STEMS to compare it"
    else:
        like = f", laid out as {found.layout}" if found.layout else ""
        ok = f"as planned{like} in {many(sum(state == 'kept' for _, state in found.fields), 'field')}"
    wrong = many(len(found.differences), "difference") + (f" from the layout {found.layout}" if found.layout else "")
    return f"{found.name}: {wrong if found.differences else ok}{null}"


def sessions(console: Console, outcome: Outcome[Any]) -> None:
    """What `session` wrote or would write, and what was proved of it."""
    console.print(views.song_line(outcome.result.song))
    for path in outcome.result.planned:
        console.print(f"{'wrote' if outcome.outputs else 'would write'} {path}")
    media = sum(output.kind == "media" for output in outcome.outputs)
    if media:
        console.print(f"and {media} media files beside it")
    for stem, track in outcome.result.placed:  # of a template
        console.print(f"{stem} → {track}")
    for found in outcome.result.verified:
        console.print(proof(found))


def converted(console: Console, outcome: Outcome[Any]) -> None:
    """What `convert` wrote or would write."""
    made = outcome.result
    told = f"{many(made.tracks, 'track')}, {many(made.markers, 'marker')}"
    console.print(f"{'wrote' if outcome.outputs else 'would write'} {made.target}: {told}")
