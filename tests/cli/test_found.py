from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from stemwright.cli.found import findings
from stemwright.model import Finding

FOUND = tuple(Finding("MET001", "warning", "has no bext chunk", Path(name)) for name in ("Kick.wav", "Bass.wav"))


def shown(**terminal: object) -> list[str]:
    console = Console(file=io.StringIO(), no_color=True, highlight=False, markup=False, **terminal)
    findings(console, FOUND, 48_000)
    return [line.rstrip() for line in console.file.getvalue().splitlines()][:-1]


def test_what_is_too_long_for_a_terminal_is_indented_and_a_pipe_gets_one_line() -> None:
    """It went on below the severity, where the next finding begins."""
    assert shown(width=56) == ["warning MET001  Kick.wav and Bass.wav: each has no bext", f"{'':16}chunk"]
    assert shown(width=56, soft_wrap=True) == ["warning MET001  Kick.wav and Bass.wav: each has no bext chunk"]
