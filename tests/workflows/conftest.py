"""A free engine in place of demucs, so that the whole of prep and split runs in a second; a disk that is soon full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_engine import fake_card, free
from stemwright import separate
from stemwright.separate import engine, models, plan, split, weights


@pytest.fixture
def free_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Patch the engine in; the list grows by one entry per song that is really split."""
    splits: list[str] = []
    really = split.split

    def counted(source, *arguments, **options):
        splits.append(source.path.name)
        return really(source, *arguments, **options)

    def pull(card, **_):
        yield from ()
        return ()

    family = SimpleNamespace(
        NAME="demucs", NEEDS=(), EXTRA="split", load=lambda card, paths, setup: free(card=card).network
    )
    monkeypatch.setattr(separate, "choose_device", lambda asked: "cpu")
    monkeypatch.setattr(separate, "kinds", lambda: {"demucs": family})
    for module in (models, plan, engine):
        monkeypatch.setattr(module, "card", lambda name: fake_card(name=name))
    monkeypatch.setattr(split, "split", counted)
    monkeypatch.setattr(weights, "ready", lambda: ())
    monkeypatch.setattr(weights, "pull", pull)
    engine.resident.cache_clear()
    return splits


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB; needs root on Linux."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    subprocess.run(["umount", folder], check=True)
