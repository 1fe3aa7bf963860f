"""Media for the copy of a session."""

from __future__ import annotations

import shutil
from pathlib import Path


def link(file: Path, target: Path) -> None:
    """Let `target` be `file`: a symbolic link, or a copy where the system allows none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(file.absolute())
    except (OSError, NotImplementedError):  # Windows asks for a privilege
        shutil.copyfile(file, target)
