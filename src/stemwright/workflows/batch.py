"""Several inputs, one after the other: one that fails does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from stemwright.errors import StemwrightError
from stemwright.model import Outcome
from stemwright.workflows.steps import Workflow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """What became of one input."""

    input: Path
    outcome: Outcome[T] | None
    error: str = ""
    hint: str = ""


def each(
    inputs: Sequence[Path], work: Callable[[Path], Workflow[Outcome[T]]]
) -> Workflow[Outcome[tuple[Item[T], ...]]]:
    """Run `work` for every input; the outcome holds one `Item` per input, in order."""
    items: list[Item[T]] = []
    for path in inputs:
        try:
            outcome = yield from _named(path.name, work(path))
            items.append(Item(path, outcome))
        except StemwrightError as error:
            items.append(Item(path, None, error.message, error.hint))
    outcomes = [item.outcome for item in items if item.outcome]
    return Outcome(
        tuple(output for outcome in outcomes for output in outcome.outputs),
        tuple(items),
        tuple(warning for outcome in outcomes for warning in outcome.warnings),
        tuple(skipped for outcome in outcomes for skipped in outcome.skipped),
    )


def _named(subject: str, workflow: Workflow[T]) -> Workflow[T]:
    try:
        while True:
            try:
                event = next(workflow)
            except StopIteration as end:
                result: T = end.value
                return result
            yield replace(event, subject=subject)
    finally:
        workflow.close()
