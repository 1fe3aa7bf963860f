"""Running steps by the ledger: what is done stays done, what changed is done again, and so is what depends on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from stemwright.errors import AlreadyThere
from stemwright.handover import manifest
from stemwright.handover.manifest import Entry, Ledger, Manifest, Step
from stemwright.model import Output, Progress, Workflow
from stemwright.safety import require_room, sweep, writable, writing

T = TypeVar("T")
Made = tuple[Iterable[Output], Any]
"""What a step's maker ends with: the files it wrote, and what later steps need to know."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run does, or with --dry-run would do, with one step."""

    step: str
    action: Literal["done before", "run"]


class DryRunEnds(Exception):
    """Raised inside a dry run at the first step that would write."""


class Run:
    """One run over one output folder; remembers what it did."""

    def __init__(self, ledger: Ledger, dry_run: bool = False) -> None:
        self.ledger, self.dry_run = ledger, dry_run
        self.plan: list[Planned] = []
        self.set_aside: tuple[Path, ...] = ()
        """Files that the user had edited and that were renamed before they would have been replaced."""

    @property
    def done(self) -> tuple[str, ...]:
        """The steps that were done before."""
        return tuple(planned.step for planned in self.plan if planned.action == "done before")

    def step(self, name: str, parts: Any, make: Callable[[], Workflow[Made]]) -> Workflow[Step]:
        """The record of a step, run now unless it is done. `parts` is everything that its result depends on."""
        key = manifest.key(name, parts)
        if done := self.ledger.done(name, key):
            self.plan.append(Planned(name, "done before"))
            return done
        self.plan.append(Planned(name, "run"))
        if self.dry_run:
            raise DryRunEnds
        yield Progress(name, 0, 0)
        self.set_aside += self.ledger.set_aside(name)
        outputs, result = yield from make()
        return self.ledger.record(name, key, outputs, result)

    def finish(self, *steps: Step) -> tuple[Output, ...]:
        """Note that all is done; the files of these steps, and the manifest."""
        if not self.dry_run:
            self.ledger.save(replace(self.ledger.manifest, complete=True))
        folder = self.ledger.folder
        made = (Output(folder / one.path, one.kind, one.role) for step in steps for one in step.outputs)
        return (*made, Output(folder / manifest.NAME, "manifest"))


def hash_inputs(paths: Iterable[Path]) -> Workflow[tuple[Entry, ...]]:
    """The entries of the input files."""
    paths = tuple(paths)
    entries = []
    for number, path in enumerate(paths):
        yield Progress("read", number, len(paths), "files")
        entries.append(manifest.entry(path))
    return tuple(entries)


_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the delivery of some inputs goes, and what an earlier run made of them there."""

    source: Path
    inputs: tuple[Entry, ...]
    workflow: str
    parent: Path
    found: Ledger | None
    force: bool
    dry_run: bool

    @classmethod
    def of(
        cls, source: Path, inputs: tuple[Entry, ...], workflow: str, out: Path | None, force: bool, dry_run: bool
    ) -> Place:
        """In the folder `out`, or beside the source."""
        parent = (out or source.resolve().parent).absolute()
        return cls(source, inputs, workflow, parent, Ledger.find(parent, workflow, inputs), force, dry_run)

    def require_room(self, needed: int) -> None:
        """Told before the work: raises OutputError, or DiskFull when `needed` bytes have no room in a new folder."""
        if not self.dry_run:
            require_room(self.found.folder if self.found else self.parent, 0 if self.found else needed)

    def open(self, name: str, packages: dict[str, str], options: Any) -> Run:
        """A run over `parent/name`: the folder found from an earlier run (renamed when its name changed), or new.

        Raises AlreadyThere when something else lies there, OutputError when the folder cannot be written.
        """
        fresh = Manifest(self.workflow, self.inputs, packages=packages, options=options)
        with _OPENING:  # songs of one name that are at work at once must not take the same folder
            ledger = self._opened(name, fresh)
            if not self.dry_run:
                ledger.save(replace(ledger.manifest, packages=packages, options=options, complete=False))
        return Run(ledger, self.dry_run)

    def _opened(self, name: str, fresh: Manifest) -> Ledger:
        folder, found = self.parent / name, self.found
        if folder.exists() and self.source.exists() and folder.samefile(self.source):
            folder = self.parent / f"{name}_Delivery"
        if found and self.dry_run:
            return found
        if found and found.folder != folder and (not folder.exists() or folder.samefile(found.folder)):
            with writing(folder):
                found.folder.rename(folder)
            found = Ledger(folder, found.manifest)
        new = not folder.exists()
        earlier = manifest.read(folder / manifest.NAME) if self.force else None
        if found and found.folder == folder:
            ledger = found
        elif earlier:  # another song's delivery of ours: what this one does not replace goes
            ledger = Ledger(folder, replace(earlier, workflow=fresh.workflow, inputs=fresh.inputs))
        elif not new and (not folder.is_dir() or any(folder.iterdir())) and not self.force:
            raise _taken(folder)
        else:
            ledger = Ledger(folder, fresh)
        if not self.dry_run:
            try:
                folder.mkdir(parents=True, exist_ok=not new)
            except FileExistsError:
                raise _taken(folder) from None  # by another song of this name, a moment ago
            except OSError as error:
                raise writable(error, folder) from error
            sweep(folder)
        return ledger


def _taken(folder: Path) -> AlreadyThere:
    what = "holds another input's delivery, or this input has changed since"
    if not manifest.read(folder / manifest.NAME):
        what = "is there already and is not a delivery of ours"
    hint = "--force writes into it, --out or --title go elsewhere; is another run at work there?"
    return AlreadyThere(f"{folder}: {what}", hint)
