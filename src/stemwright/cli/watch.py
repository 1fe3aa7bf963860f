"""Watching a folder: audit again whenever something in it has changed, or prepare what is dropped there.

Ctrl-C is the ordinary way out: while nothing is under way it is no interrupt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.cli import output
from stemwright.errors import OutputError, StemwrightError
from stemwright.model import Finding, Outcome, Workflow
from stemwright.safety import require_writable, writing
from stemwright.workflows.audit import changed, look

if TYPE_CHECKING:
    from stemwright.workflows.dropped import State
    from stemwright.workflows.prep import Delivery, PrepOptions

Verdict = tuple[int, tuple[Finding, ...]]
"""The exit code of an audit, and its findings."""


def watch(folder: Path, audit: Callable[[], Verdict], but: Collection[Path]) -> int:
    """Audit now and after every change, until Ctrl-C. `but` are files of our own in the folder.

    Returns the exit code of the last audit. Raises what the first audit raises, and KeyboardInterrupt in the middle of
    one; of a later one the error is told, and the next change waited for.
    """
    before = look(folder, but)
    code, found = audit()
    while True:
        try:
            _say(f"watching {folder}, Ctrl-C ends it")
            before, what = output.run(changed(folder, before, but), "none")
        except KeyboardInterrupt:
            return code
        _say(", ".join(what))
        try:
            code, now = audit()
        except StemwrightError as error:
            output.fail(error)
            code = error.exit_code
        else:
            for line in _between(found, now) or ("no finding came or went",):
                _say(line)
            found = now


def watch_dropped(folder: Path, out: Path, options: PrepOptions, settle_s: float, pack: bool) -> None:
    """Run prep on what is dropped into a folder, each once it has been still for `settle_s`, until Ctrl-C.

    An input that failed is tried again when it has changed. Raises NotFoundInput when there is no such folder, and
    KeyboardInterrupt in the middle of a delivery.
    """
    from stemwright.cli import views
    from stemwright.workflows import batch, dropped
    from stemwright.workflows.pack import PackOptions, packed
    from stemwright.workflows.prep import prep

    def work(path: Path) -> Workflow[Outcome[Delivery | None]]:
        return dropped.once(path, out, packed(prep(path, options), packing))

    dropped.waiting(folder)
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file, no folder", "give another --out")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    require_writable(out)
    packing = PackOptions(force=options.force) if pack else None
    seen: dict[Path, State] = {}
    while True:
        try:
            _say(f"watching {folder} for songs and folders of stems, deliveries go to {out}, Ctrl-C ends it")
            there = output.run(dropped.ready(folder, seen, settle_s), "none")
        except KeyboardInterrupt:
            return
        for path, state in there.items():
            seen[path] = state
            _say(path.name)
            item = output.run(batch.each((path,), work)).result[0]
            if item.outcome is None:
                output.fail(StemwrightError(item.error, item.hint))
            elif item.outcome.result is None:
                _say(f"{path.name} {item.outcome.warnings[0]}")
            else:
                output.show("prep", item.outcome, views.delivery)


def _between(before: tuple[Finding, ...], now: tuple[Finding, ...]) -> list[str]:
    """What came and what went; a finding whose figure changed is still the same one."""
    old, new = ({(f.rule, str(f.subject or "the set")): f for f in some if not f.waived} for some in (before, now))
    came = [f"new: {rule}  {name}: {new[rule, name].message}" for rule, name in new if (rule, name) not in old]
    return came + [f"gone: {rule}  {name}" for rule, name in old if (rule, name) not in new]


def _say(text: str) -> None:
    if not output.manners.quiet:
        output.say(f"{time.strftime('%H:%M:%S')}  {text}")
