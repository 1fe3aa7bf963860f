"""What was done in an open DAW, as people read it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stemwright.cli.found import audit as audited
from stemwright.model import Outcome
from stemwright.units import many

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["audited", "built", "calls", "examined", "set_up", "verified"]


def calls(console: Console, outcome: Outcome[Any]) -> None:
    """What a dry run would have asked of the host."""
    for call in outcome.result.calls:
        console.print(call, soft_wrap=True)


def built(console: Console, outcome: Outcome[Any]) -> None:
    """Where the tracks are now."""
    for output in outcome.outputs:
        console.print(f"wrote {output.path}")
    console.print(f"{outcome.result.session}: {many(outcome.result.tracks, 'track')} are there")


def examined(console: Console, outcome: Outcome[Any]) -> None:
    """What works and what does not."""
    for check in outcome.result.checks:
        mark = "✓" if check.ok else "✗"
        console.print(f"{mark} {check.what}: {check.told or 'yes'}", style="" if check.ok else "red")
    for output in outcome.outputs:
        console.print(f"wrote {output.path}: please report it, whether all works or not")


def verified(console: Console, outcome: Outcome[Any]) -> None:
    """What the host made otherwise."""
    made = outcome.result
    for difference in made.differences:
        console.print(f"  {difference}")
    told = many(len(made.differences), "difference") if made.differences else "all is as planned"
    console.print(f"{made.file} in {made.host}: {many(made.tracks, 'track')}, {told}")


def set_up(console: Console, outcome: Outcome[Any]) -> None:
    """What was done and what is left to do."""
    for done in outcome.result.done:
        console.print(f"done: {done}")
    for number, step in enumerate(outcome.result.steps, 1):
        console.print(f"{number}. {step}")
