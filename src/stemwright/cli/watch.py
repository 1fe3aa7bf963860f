"""`--watch`: audit again whenever something in the folder has changed, until Ctrl-C, which is the ordinary way out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from stemwright.cli import output
from stemwright.errors import StemwrightError
from stemwright.model import Finding
from stemwright.workflows.audit import changed, look

Verdict = tuple[int, tuple[Finding, ...]]
"""The exit code of an audit, and its findings."""


def watch(folder: Path, audit: Callable[[], Verdict], but: Collection[Path]) -> int:
    """Audit now and after every change. `but` are files of our own in the folder. Returns the last exit code.

    Raises what the first audit raises; of a later one the error is told, and the next change waited for.
    """
    before = look(folder, but)
    code, found = audit()
    try:
        while True:
            _say(f"watching {folder}, Ctrl-C ends it")
            before, what = output.run(changed(folder, before, but), "none")
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
    except KeyboardInterrupt:
        return code


def _between(before: tuple[Finding, ...], now: tuple[Finding, ...]) -> list[str]:
    """What came and what went; a finding whose figure changed is still the same one."""
    old, new = ({(f.rule, str(f.subject or "the set")): f for f in some if not f.waived} for some in (before, now))
    came = [f"new: {rule}  {name}: {new[rule, name].message}" for rule, name in new if (rule, name) not in old]
    return came + [f"gone: {rule}  {name}" for rule, name in old if (rule, name) not in new]


def _say(text: str) -> None:
    if not output.manners.quiet:
        output.say(f"{time.strftime('%H:%M:%S')}  {text}")
