"""The manifest of an output folder: what went in, what was done, what came out, and so what need not be done again.

A step is done when its key (a hash of its inputs and options) is the one recorded and every file it made is still
there with the recorded SHA-256. "The file exists" proves nothing.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from stemwright import __version__, serial
from stemwright.errors import InputError
from stemwright.model import Output
from stemwright.safety import safe_join, sha256, write_text, writing

NAME = "manifest.json"
INCOMPLETE = "_INCOMPLETE.txt"
"""Lies in a folder whose delivery is not finished; says how to go on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its path relative to the folder (inputs: its bare name), size in bytes and SHA-256."""

    path: str
    bytes: int
    sha256: str
    kind: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A finished step."""

    name: str
    key: str
    outputs: tuple[Entry, ...]
    result: Any
    """What later steps need to know, as plain JSON."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything in `manifest.json`."""

    workflow: str
    inputs: tuple[Entry, ...]
    folder: str = ""
    """The name that the run gave the folder; a copy under another name is nobody's to change."""
    complete: bool = False
    stemwright: str = __version__
    python: str = platform.python_version()
    packages: Any = None
    """name -> version of what shaped the result."""
    options: Any = None
    """What was asked for, as plain JSON, without places on the user's machine."""
    steps: tuple[Step, ...] = ()

    def step(self, name: str) -> Step | None:
        """The record of a step."""
        return next((step for step in self.steps if step.name == name), None)

    def option(self, name: str) -> str:
        """What was asked for, as text; empty where that is not recorded, or by another version."""
        return str(self.options.get(name, "")) if isinstance(self.options, dict) else ""


class Ledger:
    """The manifest of one folder, kept up to date on disk after every step."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    @classmethod
    def find(cls, parent: Path, workflow: str, inputs: tuple[Entry, ...]) -> Ledger | None:
        """The folder directly in `parent` that an earlier run made from these very inputs, under their names."""
        wanted = {(entry.path, entry.sha256) for entry in inputs}
        for path in sorted(parent.glob(f"*/{NAME}")):
            found = read(path)
            if found is None or (found.workflow, found.folder) != (workflow, path.parent.name):
                continue
            if {(entry.path, entry.sha256) for entry in found.inputs} == wanted:
                return cls(path.parent, found)
        return None

    def done(self, name: str, key: str) -> Step | None:
        """The record of a step, when it was run with this key and all it made is unharmed."""
        step = self.manifest.step(name)
        if step is None or step.key != key or not all(map(self.unharmed, step.outputs)):
            return None
        return step

    def record(self, name: str, key: str, outputs: Iterable[Output], result: Any) -> Step:
        """Note a finished step, and remove what its last run made and this one did not.

        A file that an earlier step made and this one changed keeps both owners; a later step that had changed
        a file of this one is no longer done.
        """
        entries = tuple(
            Entry(o.path.relative_to(self.folder).as_posix(), o.path.stat().st_size, sha256(o.path), o.kind, o.role)
            for o in outputs
        )
        step = Step(name, key, entries, serial.plain(result))
        names = [other.name for other in self.manifest.steps]
        at = names.index(name) if name in names else len(names)
        fresh = {entry.path: entry for entry in entries}
        before = tuple(
            replace(other, outputs=tuple(fresh.get(entry.path, entry) for entry in other.outputs))
            for other in self.manifest.steps[:at]
        )
        after = tuple(
            replace(other, key="") if any(entry.path in fresh for entry in other.outputs) else other
            for other in self.manifest.steps[at + 1 :]
        )
        kept = {entry.path for other in (*before, step, *after) for entry in other.outputs}
        for entry in self.manifest.steps[at].outputs if name in names else ():
            if entry.path not in kept:
                with suppress(OSError):
                    gone = safe_join(self.folder, entry.path)
                    gone.unlink()
                    for parent in takewhile(lambda parent: parent != self.folder, gone.parents):
                        parent.rmdir()  # refused unless it is empty
        self.save(replace(self.manifest, steps=(*before, step, *after)))
        return step

    def set_aside(self, name: str) -> tuple[Path, ...]:
        """Rename sessions and notes of a step that the user has edited, so that making them anew loses nothing."""
        moved = []
        for entry in (e for step in self.manifest.steps if step.name == name for e in step.outputs):
            path = self.folder / entry.path
            if entry.kind in ("session", "notes") and path.is_file() and not self.unharmed(entry):
                moved.append(put_aside(path))
        return tuple(moved)

    def touch(self, path: Path) -> None:
        """Note that a delivered file was changed on purpose, so that an interrupt now costs nothing."""
        name, size, digest = path.relative_to(self.folder).as_posix(), path.stat().st_size, sha256(path)
        steps = tuple(
            replace(
                step,
                outputs=tuple(replace(e, bytes=size, sha256=digest) if e.path == name else e for e in step.outputs),
            )
            for step in self.manifest.steps
        )
        self.save(replace(self.manifest, steps=steps))

    def save(self, manifest: Manifest) -> None:
        """Write the manifest, and the mark of an unfinished folder or its removal."""
        self.manifest = manifest = replace(manifest, folder=self.folder.name)
        if manifest.complete:
            (self.folder / INCOMPLETE).unlink(missing_ok=True)
        else:
            text = "This delivery is not finished. Run the same command again to go on.\n"
            write_text(self.folder / INCOMPLETE, text)
        write_text(self.folder / NAME, serial.to_json(manifest))

    def unharmed(self, entry: Entry) -> bool:
        """Whether a file is there as it was recorded."""
        path = self.folder / entry.path
        return path.is_file() and path.stat().st_size == entry.bytes and sha256(path) == entry.sha256


def put_aside(path: Path) -> Path:
    """Rename a file that a user has edited; its new name. Raises OutputError."""
    names = (path.with_name(f"{path.stem}_edited{number}{path.suffix}") for number in count(1))
    with writing(path):
        return path.rename(next(name for name in names if not name.exists()))


def read(path: Path) -> Manifest | None:
    """A manifest from disk; None when it is damaged, foreign or missing."""
    try:
        return serial.from_json(Manifest, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, InputError):
        return None


def entry(path: Path) -> Entry:
    """The entry of an input file. Raises NotFoundInput or InputError."""
    digest = sha256(path)
    return Entry(path.name, path.stat().st_size, digest)


def key(*parts: Any) -> str:
    """The hash of whatever a step's result depends on; this version of stemwright is always part of it."""
    text = json.dumps(serial.plain([__version__, *parts]), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def package_versions(*names: str) -> dict[str, str]:
    """Name -> version of those packages that are installed."""
    from importlib import metadata  # 10 ms

    found = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
