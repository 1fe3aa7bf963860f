"""Put a finished result in place: as a new folder by one rename, or into the folder itself by a journal.

The result is built whole in a hidden folder on the same disk, so a run that is killed leaves the originals and, at
most, that hidden folder, which the next run removes. In place, originals go to `_originals_<date>` beside a journal
written before the first move; `undo` follows it backwards, from wherever a run was interrupted.
"""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stemwright import serial
from stemwright.audio.folder import PUT_AWAY
from stemwright.errors import AlreadyThere, InputError, NotFoundInput
from stemwright.safety import PART, safe_join, sha256, sweep, writable, write_text

JOURNAL = "journal.json"
ORIGINALS, QUARANTINE = PUT_AWAY
REPORT = "FIXED.log"
"""What was done, in words; no .txt, which would pass for the notes to the mix engineer."""


@contextmanager
def workshop(parent: Path, name: str) -> Iterator[Path]:
    """A hidden folder called `name` to build a result in; removed at the end. Raises OutputError, DiskFull."""
    room = parent / f".{name[:40]}.{os.getpid()}{PART}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent, deep=False)
        (room / name).mkdir(parents=True)
        yield room / name
    except OSError as error:
        raise writable(error, parent) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def as_new(made: Path, folder: Path, *, force: bool) -> None:
    """Rename a result to `folder`; an earlier result there is replaced with `force`. Raises AlreadyThere."""
    old = made.parent / "old"
    if folder.exists():
        check_free(folder, force=force)
        folder.rename(old)
    try:
        made.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise


def check_free(folder: Path, *, force: bool) -> None:
    """Raise AlreadyThere when a result may not be called `folder`: only one of ours, with force, gives way."""
    if folder.exists() and not (force and (folder / REPORT).is_file()):
        raise AlreadyThere(f"{folder}: is there already", "--out goes elsewhere; --force replaces an earlier repair")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a repair in place moved and made: paths from the folder, with SHA-256 ("" for folders)."""

    moved: tuple[tuple[str, str, str], ...]
    """(from, to, hash)."""
    made: tuple[tuple[str, str], ...]
    complete: bool = False


def in_place(folder: Path, made: Path, new: Iterable[str], originals: Iterable[Path], junk: Iterable[Path]) -> Path:
    """Move `originals` and `junk` away and the files called `new` of `made` in; returns where the originals lie now.

    Whatever stops it, an interrupt or a full disk, it goes back by the journal before the error goes on.
    """
    check_finished(folder)
    stem = f"{ORIGINALS}{datetime.date.today().isoformat()}"
    names = (stem, *(f"{stem}_{number}" for number in range(2, 1000)))
    away = next(folder / name for name in names if not (folder / name).exists())
    moved = [(path, _free(folder / QUARANTINE / path.name)) for path in junk]
    moved += [(path, away / path.name) for path in originals]
    journal = Journal(
        tuple((source.name, target.relative_to(folder).as_posix(), _hash(source)) for source, target in moved),
        tuple((name, sha256(made / name)) for name in new),
    )
    try:
        write_text(away / JOURNAL, serial.to_json(journal))
        for source, target in moved:
            target.parent.mkdir(exist_ok=True)
            source.rename(target)
        for name, _ in journal.made:
            (made / name).rename(folder / name)
        write_text(away / JOURNAL, serial.to_json(Journal(journal.moved, journal.made, True)))
    except BaseException:
        if (away / JOURNAL).exists():
            undo(folder)
        raise
    return away


def check_finished(folder: Path) -> None:
    """Raise AlreadyThere when an earlier repair in place was interrupted and not taken back."""
    found = _newest(folder)
    if found and not _read(found).complete:
        raise AlreadyThere(f"{folder}: a repair was interrupted here", "take it back first: stemwright fix --undo")


def undo(folder: Path) -> tuple[Path, ...]:
    """Take the latest repair in place back, byte by byte; returns the files that are back.

    Everything is checked before anything is moved: raises NotFoundInput when there is no repair to take back and
    InputError when a file that it made was changed since.
    """
    away = _newest(folder)
    if away is None:
        raise NotFoundInput(f"{folder}: no repair in place to take back", "only fix --in-place can be undone")
    journal = _read(away)
    inside = [(safe_join(folder, source), safe_join(folder, target), was) for source, target, was in journal.moved]
    back = [(source, target, was) for source, target, was in inside if target.exists()]
    still = {source for source, target, _ in inside if not target.exists()}
    made = [(safe_join(folder, name), was) for name, was in journal.made]
    made = [(path, was) for path, was in made if path.exists() and path not in still]
    for path, was in (*((target, was) for _, target, was in back), *made):
        if _hash(path) != was:
            raise InputError(f"{path}: was changed since the repair", "move it out of the folder, then undo again")
    for path, _ in made:
        if path not in {source for source, _, _ in back}:
            path.unlink()
    for source, target, _ in back:
        target.replace(source)
    (away / JOURNAL).unlink()
    for empty in (away, folder / QUARANTINE):
        with suppress(OSError):
            empty.rmdir()
    return tuple(source for source, _, _ in back)


def _newest(folder: Path) -> Path | None:
    found = [path.parent for path in folder.glob(f"{ORIGINALS}*/{JOURNAL}")]
    return max(found, key=lambda path: (path.name[:21], len(path.name), path.name), default=None)


def _read(away: Path) -> Journal:
    return serial.from_json(Journal, (away / JOURNAL).read_text(encoding="utf-8"))


def _free(path: Path) -> Path:
    tries = (path.with_name(f"{path.name}.{number}") for number in range(2, 1000))
    return path if not path.exists() else next(one for one in tries if not one.exists())


def _hash(path: Path) -> str:
    return "" if path.is_dir() else sha256(path)
