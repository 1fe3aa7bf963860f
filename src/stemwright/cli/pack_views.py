"""What `pack`, `push` and `watch` say to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stemwright.model import Outcome
from stemwright.units import many

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 50
"""Lines of a long list."""


def packed(console: Console, outcome: Outcome[Any]) -> None:
    """The archive, or what would be in it."""
    made = outcome.result
    if not made.complete:
        _some(console, [f"would pack {name}" for name in made.files])
    size = f"{len(made.files)} files, {made.bytes / 1e6:.1f} MB"
    console.print(f"{made.archive}: {size}", style="bold", soft_wrap=True)
    if made.complete:
        console.print("with checksums: SHA-256 and MD5 of files, MD5 of samples; `pack --verify` checks them")


def verified(console: Console, outcome: Outcome[Any]) -> None:
    """What is wrong with what was received, or that nothing is."""
    found = outcome.result
    _some(console, [f"{problem.kind}: {problem.name!r} {problem.message}" for problem in found.problems])
    size = f"{found.files} files, {found.bytes / 1e6:.1f} MB"
    said = many(len(found.problems), "problem") if found.problems else "all as it was packed"
    console.print(f"{found.source}: {size}: {said}", style="red" if found.problems else "green", soft_wrap=True)
    if found.extracted:
        console.print(f"unpacked to {found.extracted}", soft_wrap=True)


def pushed(console: Console, outcome: Outcome[Any]) -> None:
    """What was sent where."""
    made = outcome.result
    _some(console, [f"{'sent' if made.complete else 'would send'} {name}" for name in made.sent])
    if made.there_before:
        console.print(f"there already: {len(made.there_before)} files")
    if made.complete:
        console.print(f"{made.url}: read back, everything is there", style="green", soft_wrap=True)


def _some(console: Console, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        console.print(line, soft_wrap=True)
    if len(lines) > _SHOWN:
        console.print(f"... and {len(lines) - _SHOWN} more; --json has them all")
