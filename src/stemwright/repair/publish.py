"""Put a finished result in place: as a new folder by one rename, or into the folder itself by a journal.

The result is built whole in a hidden folder on the same disk, so a run that is killed leaves the originals and, at
most, that hidden folder, which the next run removes. In place, originals go to `_originals_<date>` beside a journal
written before the first move; `undo` follows it backwards, from wherever a run was interrupted.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from stemwright import serial
from stemwright.audio.folder import PUT_AWAY
from stemwright.errors import AlreadyThere, InputError, NotFoundInput, OutputError
from stemwright.safety import PART, readable, safe_join, sha256, sweep, writable, write_text

JOURNAL = "journal.json"
ORIGINALS, QUARANTINE = PUT_AWAY
REPORT = "FIXED.log"
"""What was done, in words; no .txt, which would pass for the notes to the mix engineer. In a new folder it ends with
the SHA-256 of every other file there, in the form that `sha256sum --check` reads."""


@contextmanager
def workshop(parent: Path, name: str) -> Iterator[Path]:
    """A hidden folder called `name` to build a result in; removed at the end.

    Raises OutputError, DiskFull, and NotFoundInput for a source that vanished while the result was built.
    """
    room = parent / f".{name[:40]}.{os.getpid()}{PART}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent, deep=False)
        (room / name).mkdir(parents=True)
        yield room / name
    except OSError as error:
        vanished = isinstance(error, FileNotFoundError) and room.is_dir()
        raise (readable(error, Path(error.filename)) if vanished else writable(error, parent)) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def as_new(made: Path, folder: Path, *, force: bool) -> None:
    """Rename a result to `folder`; an earlier result there is replaced with `force`. Raises AlreadyThere."""
    old, log = made.parent / "old", made / REPORT
    sums = [f"{sha256(path)}  {path.name}\n" for path in sorted(made.iterdir()) if path != log]
    write_text(log, log.read_text(encoding="utf-8") + "\nSHA-256\n" + "".join(sums))
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
    """Raise AlreadyThere when a result may not be called `folder`.

    With force a result of ours gives way, as long as nobody added a file to it or changed one.
    """
    if not folder.exists():
        return
    log = folder / REPORT
    if not (force and log.is_file()):
        raise AlreadyThere(f"{folder}: is there already", "--out goes elsewhere; --force replaces an earlier repair")
    sums = re.findall(r"^([0-9a-f]{64})  (.+)$", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    ours = {name: digest for digest, name in sums}
    for path in sorted(folder.iterdir()):
        if path != log and (path.is_symlink() or not path.is_file() or sha256(path) != ours.get(path.name)):
            raise AlreadyThere(
                f"{path}: is not what the repair put there", "move it out first, or go elsewhere by --out"
            )


@dataclass(frozen=True, slots=True)
class Journal:
    """What a repair in place moved and made: paths in the folder with SHA-256 (of folders "", of links the target)."""

    moved: tuple[tuple[str, str, str], ...]
    """(from, to, hash)."""
    made: tuple[tuple[str, str], ...]
    complete: bool = False


def in_place(folder: Path, made: Path, new: Iterable[str], originals: Iterable[Path], junk: Iterable[Path]) -> Path:
    """Move `originals` and `junk` away and the files called `new` of `made` in; returns where the originals lie now.

    Whatever stops it, an interrupt or a full disk, it goes back by the journal before the error goes on.
    Raises OutputError before the first move when a new name is taken by something that stays.
    """
    check_finished(folder)
    stem = f"{ORIGINALS}{datetime.date.today().isoformat()}"
    names = (stem, *(f"{stem}_{number}" for number in range(2, 1000)))
    away = next(folder / name for name in names if not (folder / name).exists())
    moved = [(path, _free(folder / QUARANTINE / path.name)) for path in junk]
    moved += [(path, away / path.name) for path in originals]
    new = tuple(new)
    if taken := _stranger((folder / name for name in new), (source for source, _ in moved)):
        raise OutputError(f"{taken}: stands where a repaired file belongs", "move it out, or repair into a new folder")
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
    InputError when a file that it made was changed since, an original is gone or its place is taken by a new file.
    """
    away = _newest(folder)
    if away is None:
        raise NotFoundInput(f"{folder}: no repair in place to take back", "only fix --in-place can be undone")
    journal = _read(away)
    inside = [(_inside(folder, source), _inside(folder, target), was) for source, target, was in journal.moved]
    back = [(source, target, was) for source, target, was in inside if os.path.lexists(target)]
    still = {source: was for source, target, was in inside if not os.path.lexists(target)}
    for source, target, was in inside:
        if source in still and not (os.path.lexists(source) and _hash(source) == was):
            hint = f"put it back there, then undo again; deleting {away / JOURNAL} leaves everything as it is"
            raise InputError(f"{target}: the original is gone", hint)
    made = [(_inside(folder, name), was) for name, was in journal.made]
    made = [(path, was) for path, was in made if os.path.lexists(path) and path not in still]
    for path, was in (*((target, was) for _, target, was in back), *made):
        if _hash(path) != was:
            raise InputError(f"{path}: was changed since the repair", "move it out of the folder, then undo again")
    if taken := _stranger((source for source, _, _ in back), (path for path, _ in made)):
        raise InputError(
            f"{taken}: is new, and an original belongs there", "move it out of the folder, then undo again"
        )
    for path, _ in made:
        if path not in {source for source, _, _ in back}:
            path.unlink()
    for source, target, _ in back:
        target.replace(source)
    (away / JOURNAL).unlink()
    sweep(folder)
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


def _inside(folder: Path, name: str) -> Path:
    """Like safe_join, but a link is itself and not what it points to."""
    path = PurePath(name)
    return safe_join(folder, path.parent.as_posix()) / path.name if path.name != ".." else safe_join(folder, name)


def _stranger(paths: Iterable[Path], ours: Iterable[Path]) -> Path | None:
    """The first of `paths` that is there and none of `ours`; the file tells, as not every disk knows case."""
    known = [path.lstat() for path in ours]
    there = (path for path in paths if os.path.lexists(path))
    return next((path for path in there if not any(os.path.samestat(path.lstat(), one) for one in known)), None)


def _hash(path: Path) -> str:
    if path.is_symlink():
        return path.readlink().as_posix()
    return "" if path.is_dir() else sha256(path)
