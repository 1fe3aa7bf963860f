"""A fake REAPER in a process of its own, on free ports; the command line as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import support


@dataclass(frozen=True)
class FakeReaper:
    """A running fake."""

    port: int
    process: subprocess.Popen[str]

    def state(self) -> Any:
        """Everything that it holds."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/state", timeout=10) as answer:
            return json.loads(answer.read())


@pytest.fixture
def fake_reaper() -> Iterator[Callable[..., FakeReaper]]:
    """Starts fakes with a configuration; they end with the test."""
    pytest.importorskip("reapy")
    program = Path(__file__).with_name("fake_reaper.py")
    with ExitStack() as stack:

        def start(**configuration: Any) -> FakeReaper:
            process = subprocess.Popen(
                [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(_end, process)
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(configuration) + "\n")
            process.stdin.flush()
            return FakeReaper(json.loads(process.stdout.readline())["web"], process)

        yield start


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs stemwright in an empty folder of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def typed(*arguments: object) -> Ran:
        return Ran(*support.run(capsys, *arguments))

    return typed
