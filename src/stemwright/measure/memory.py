"""What was measured of a folder before, so that auditing it again without changes is immediate.

One JSON file per folder in the user's cache folder. A file counts as unchanged while its size, modification time
and inode are the same and the measuring code is, too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from stemwright import serial
from stemwright.errors import OutputError
from stemwright.model import Across, AudioFile, Levels
from stemwright.safety import write_text

_MOST = 200
"""Folders that are remembered; the one measured longest ago goes first."""

_WRONG = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading a damaged or foreign cache may raise."""


@cache
def code_version() -> str:
    """A digest of the measuring code: other code, other figures."""
    sources = sorted((*Path(__file__).parent.glob("*.py"), *(Path(__file__).parents[1] / "model").glob("*.py")))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in sources), digest_size=8).hexdigest()


Stamp = tuple[int, int, int, int]
"""Size, inode, times of modification and of any change in ns: what is another when a file is."""


def stamp(path: Path) -> Stamp:
    """The stamp of a file now. Raises OSError."""
    found = path.stat()
    return found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


class Memory:
    """The figures of one folder. Whatever is wrong with the cache, it is then merely empty."""

    def __init__(self, folder: Path) -> None:
        import platformdirs

        key = hashlib.blake2b(str(folder.resolve()).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
        self._folder = folder
        self._path = platformdirs.user_cache_path("stemwright") / "measured" / f"{key}.json"
        self._old: dict[str, Any] = {}
        self._new: dict[str, Any] = {}
        self._across: Any = None
        with suppress(*_WRONG):
            document = json.loads(self._path.read_text("utf-8"))
            if document["version"] == code_version():
                self._old, self._across = dict(document["files"]), document["across"]

    def levels(self, file: AudioFile, now: Stamp) -> Levels | None:
        """What is remembered of a file whose stamp is `now`."""
        entry = self._old.get(file.path.name)
        with suppress(*_WRONG):
            if entry and tuple(entry["stamp"]) == now:
                found: Levels = serial.build(Levels, entry["levels"])
                self._new[file.path.name] = entry
                return found
        return None

    def keep(self, file: AudioFile, at: Stamp, levels: Levels) -> None:
        """Remember a file's levels."""
        self._new[file.path.name] = {"stamp": at, "levels": serial.plain(levels)}

    def across(self) -> Across | None:
        """What is remembered of the whole set, while exactly the files in use are the remembered ones."""
        with suppress(*_WRONG):
            if self._across and self._new == self._old:
                found: Across = _elsewhere(serial.build(Across, self._across), self._folder)
                return found
        return None

    def save(self, across: Across | None) -> None:
        """Write it, unless nothing changed; a cache that cannot be written is no error."""
        if self._new == self._old and (across is None) == (self._across is None):
            return
        bare = _elsewhere(across, Path())  # the folder has other names from other places
        document = {"version": code_version(), "files": self._new, "across": bare}
        with suppress(OutputError, OSError):
            write_text(self._path, json.dumps(serial.plain(document)))
            kept = sorted(self._path.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in kept[:-_MOST]:
                path.unlink()


def _elsewhere(value: Any, folder: Path) -> Any:
    """A fact about files with all of them in `folder`."""
    if isinstance(value, Path):
        return folder / value.name
    if isinstance(value, tuple):
        return tuple(_elsewhere(item, folder) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **{name: _elsewhere(item, folder) for name, item in fields.items()})
    return value
