"""How results, progress and errors reach the user: stdout = result, stderr = talk; rich, plain or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stemwright import serial
from stemwright.errors import StemwrightError
from stemwright.model import Outcome, Progress, Workflow

if TYPE_CHECKING:
    import click
    from rich.console import Console

T = TypeVar("T")


@dataclass(slots=True)
class Manners:
    """What the flags of this run ask for."""

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    progress: str = "auto"


manners = Manners()


def console(stderr: bool = False) -> Console:
    """A rich console that prints what it is given to the letter; plain when piped or when NO_COLOR is set."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 120
    wrap = not stream.isatty()
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=wrap)


def run(workflow: Workflow[T], mode: str = "") -> T:
    """Run a workflow to its end, drawing its progress: as `mode` says, or as the user asks."""
    mode = mode or manners.progress
    if mode == "auto":
        mode = "none" if manners.quiet else "bar" if sys.stderr.isatty() else "plain"
    draw, close = {"bar": _bar, "plain": _plain, "json": _json_lines, "none": _silent}[mode]()
    began, step = time.monotonic(), ""
    try:
        while True:
            event = next(workflow)
            if manners.verbose and step and event.step != step:
                say(f"{step} took {time.monotonic() - began:.1f} s")
            if event.step != step:
                began, step = time.monotonic(), event.step
            draw(event)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        close()
        workflow.close()


def show(name: str, outcome: Outcome[Any], view: Callable[[Console, Any], None], ok: bool = True) -> int:
    """Print a result: one JSON document, or what `view` makes of it, then warnings and what failed as talk.

    Returns the exit code: 1 for what is not `ok`, 3 when a part of what was asked failed.
    """
    code = 1 if not ok else 3 if outcome.failed else 0
    if manners.json:
        document = {
            "schema": serial.schema(name),
            "ok": ok and not outcome.failed,
            "outputs": [{"path": str(o.path), "kind": o.kind, "role": o.role} for o in outcome.outputs],
            "warnings": outcome.warnings,
            "skipped": outcome.skipped,
            "failed": outcome.failed,
            "result": outcome.result,
        }
        sys.stdout.write(serial.dumps(document))
        return code
    if not manners.quiet:
        view(console(), outcome)
    for warning in () if manners.quiet else outcome.warnings:
        say(f"warning: {warning}")
    for failure in outcome.failed:
        say(f"error: {failure}")
    return code


def result(text: str) -> None:
    """A result that is a whole document already."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def run_each(
    name: str,
    inputs: Sequence[Path],
    work: Callable[[Path], Workflow[Outcome[Any]]],
    view: Callable[[Console, Any], None],
    at_once: Callable[[], int] = lambda: 1,
) -> int:
    """Run a workflow for one input or several, show what came out, and return the exit code (3: some failed)."""
    from stemwright.workflows import batch

    if len(inputs) == 1:
        return show(name, run(work(inputs[0])), view)
    many = run(batch.each(inputs, work, at_once()))
    failed = [item for item in many.result if item.error]

    def view_all(to: Console, _: Any) -> None:
        for item in many.result:
            if item.outcome:
                view(to, item.outcome)

    code = show(name, many, view_all, ok=not failed)
    for item in failed:
        say(f"error: {'' if item.input.name in item.error else f'{item.input}: '}{item.error}\n  help: {item.hint}")
    if failed:
        say(f"{len(failed)} of {len(inputs)} inputs failed; the others are done")
    return 3 if failed else code


def say(text: str) -> None:
    """One line of talk."""
    sys.stderr.write(text + "\n")


def fail(error: StemwrightError, cause: BaseException | None = None) -> None:
    """An error in one line and its hint in another, or as JSON; with -vv the traceback of it, or of its cause."""
    if manners.json:
        _failed(type(error).__name__, message=error.message, hint=error.hint)
    if manners.verbose > 1:
        import traceback

        traceback.print_exception(cause or error)
    say(f"error: {error.message}" + (f"\n  help: {error.hint}" if error.hint else ""))


def interrupted() -> None:
    """What an interrupted user wants to know."""
    if manners.json:
        _failed("Interrupted")
    say(
        "interrupted: no half-written file was left; the same command goes on from here\n"
        "  help: a folder that it did not finish holds _INCOMPLETE.txt; do not send that"
    )


def misused(error: click.ClickException, argv: Sequence[str]) -> None:
    """Wrong usage, which may be found before `--json` is read."""
    if manners.json or "--json" in argv:
        _failed("UsageError", message=error.format_message(), hint="")
    error.show()


def _failed(kind: str, **about: str) -> None:
    sys.stdout.write(serial.dumps({"schema": "stemwright.error/1", "ok": False, "error": {"type": kind, **about}}))


Drawer = tuple[Callable[[Progress], None], Callable[[], None]]


def _bar() -> Drawer:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<32.32}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
    bar.start()
    tasks: dict[tuple[str, str], Any] = {}

    def draw(event: Any) -> None:
        if event.message:
            bar.console.print(event.message, style="dim")
        key = (event.subject, event.step)
        if key not in tasks:
            for old in [old for old in tasks if old[0] == event.subject or not old[0]]:
                if "all" not in (old[1], event.step):
                    bar.remove_task(tasks.pop(old))
            tasks[key] = bar.add_task(f"{event.step} {event.subject}".strip(), total=event.total or None)
        bar.update(tasks[key], completed=event.done, total=event.total or None)

    return draw, bar.stop


def _plain() -> Drawer:
    """A line for every step, and for every 5 s of one that takes longer."""
    began = time.monotonic()
    said: dict[str, tuple[str, float]] = {"all": ("", began)}
    since: dict[str, float] = {}

    def draw(event: Progress) -> None:
        if event.message:
            say(event.message)
        now = time.monotonic()
        if event.step == "all":  # of a batch
            if event.done and now - said["all"][1] > 20:
                left = (now - began) * (event.total / event.done - 1)
                say(f"all: {100 * event.done / event.total:.0f}%, about {math.ceil(left / 60)} min left")
                said["all"] = ("", now)
            return
        step, at = said.get(event.subject, ("", 0.0))
        if step != event.step:
            since[event.subject] = now
        slow = now - since[event.subject] > 1  # a share of less is no news
        if step != event.step or now - at > 5 or (slow and event.total and event.done >= event.total):
            share = f" {100 * event.done / event.total:.0f}%" if slow and event.total and event.done else ""
            say(f"{f'{event.subject}: ' if event.subject else ''}{event.step}{share}")
            said[event.subject] = (event.step, now)

    return draw, lambda: None


def _json_lines() -> Drawer:
    def draw(event: Progress) -> None:
        say(json.dumps({"schema": serial.schema(Progress), **serial.plain(event)}, ensure_ascii=False))

    return draw, lambda: None


def _silent() -> Drawer:
    """No progress; but what must be told, as the terms of weights, is told unless --quiet is given."""
    return lambda event: say(event.message) if event.message and not manners.quiet else None, lambda: None
