"""Several inputs: one that fails does not stop the rest, and some may be at work at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from stemwright.errors import StemwrightError
from stemwright.model import Outcome, Progress, Workflow

T = TypeVar("T")

BUG = "this is a bug in stemwright; please report it with what -vv prints for this input alone"


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """What became of one input."""

    input: Path
    outcome: Outcome[T] | None
    error: str = ""
    hint: str = ""


def each(
    inputs: Sequence[Path], work: Callable[[Path], Workflow[Outcome[T]]], at_once: int = 1
) -> Workflow[Outcome[tuple[Item[T], ...]]]:
    """Run `work` for every input, `at_once` of them at a time; the outcome holds one `Item` per input, in order.

    Beside the events of the inputs themselves it yields Progress of the whole batch, in bytes of input.
    """
    items: dict[Path, Item[T]] = {}
    sizes = {path: path.stat().st_size if path.is_file() else 1 for path in inputs}
    done = dict.fromkeys(inputs, 0.0)

    def one(path: Path) -> Workflow[None]:
        try:
            outcome = yield from _named(path.name, work(path))
            items[path] = Item(path, outcome)
        except StemwrightError as error:
            items[path] = Item(path, None, error.message, error.hint)
        except Exception as error:  # a bug of ours with one song is no reason to leave the others undone
            items[path] = Item(path, None, f"{path}: unexpected {type(error).__name__}: {error}", BUG)

    for path, event in _together({path: one(path) for path in inputs}, at_once):
        if event is None or (event.step == "split" and event.total):
            done[path] = sizes[path] * (event.done / event.total if event else 1)
            yield Progress("all", sum(done.values()), sum(sizes.values()), "bytes")
        if event:
            yield event
    found = tuple(items[path] for path in inputs)
    outcomes = [item.outcome for item in found if item.outcome]
    return Outcome(
        tuple(output for outcome in outcomes for output in outcome.outputs),
        found,
        tuple(f"{item.input.name}: {said}" for item in found if item.outcome for said in item.outcome.warnings),
        tuple(skipped for outcome in outcomes for skipped in outcome.skipped),
        tuple(f"{item.input.name}: {said}" for item in found if item.outcome for said in item.outcome.failed),
    )


Event = tuple[Path, Progress | None]
"""An input and what it reports; None when it is finished."""


def _together(works: dict[Path, Workflow[None]], at_once: int) -> Iterator[Event]:
    """The events of all inputs; when more than one is at work at once, each runs in a thread of its own."""
    if at_once == 1:
        for path, work in works.items():
            with closing(work):
                for event in work:
                    yield path, event
            yield path, None
        return
    events: queue.Queue[Event | BaseException] = queue.Queue(16)
    stop = threading.Event()
    waiting = iter(list(works.items()))

    def run() -> None:
        try:
            for path, work in waiting:
                with closing(work):
                    for event in work:
                        events.put((path, event))
                        if stop.is_set():
                            return
                events.put((path, None))
        except BaseException as error:
            events.put(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(at_once, len(works)))]
    try:
        for thread in threads:
            thread.start()
        left = len(works)
        while left:
            said = events.get()
            if isinstance(said, BaseException):
                raise said
            left -= said[1] is None
            yield said
    finally:
        stop.set()
        while any(thread.is_alive() for thread in threads):  # let them close what they have open
            try:
                events.get(timeout=0.1)
            except queue.Empty:
                continue


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
