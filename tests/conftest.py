"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside a checkout; tests that want it are skipped where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "material").is_dir():
        pytest.skip("no ../shared with real material beside this checkout")
    return folder
