"""File names as findings tell them: a few, then how many more."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_MOST = 3


def listed(paths: Iterable[Path]) -> str:
    """`Kick.wav, Bass.wav, LeadVox.wav and 4 more`."""
    names = [path.name for path in paths]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def files(count: int) -> str:
    """`1 file`, `3 files`."""
    return f"{count} file{'' if count == 1 else 's'}"
