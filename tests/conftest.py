"""What all tests share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from support import REPOSITORY

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: every command that a test interrupts would be deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside a checkout; tests that want it are skipped where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "material").is_dir():
        pytest.skip("no ../shared with real material beside this checkout")
    return folder


@pytest.fixture(scope="session")
def genuine_weights() -> tuple[Path, ...]:
    """The files of htdemucs, pulled once into the normal store; tests are skipped where none can be had."""
    pytest.importorskip("torch")
    pytest.importorskip("demucs.apply")
    from stemwright.errors import StemwrightError
    from stemwright.separate import models, weights

    card = models.card("htdemucs")
    try:
        for _ in weights.pull(card):
            pass
        return weights.verify(card)
    except StemwrightError as error:
        pytest.skip(f"genuine weights cannot be had here: {error.message}")
