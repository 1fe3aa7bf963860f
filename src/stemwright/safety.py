"""Whatever touches the world: atomic files, hashes, paths that stay inside, XML and guarded child processes.

The promise kept here: a result appears whole under its own name or not at all, and a source is never written.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stemwright.errors import AlreadyThere, DiskFull, InputError, NotFoundInput, OutputError, StemwrightError

if TYPE_CHECKING:
    from lxml.etree import XMLParser

PART = ".stemwright-part"
"""Suffix of a file that is being written; leftovers of a killed run are recognised by it."""

_serial = itertools.count()


def readable(error: OSError, path: Path) -> StemwrightError:
    """The house error for an OSError met while reading `path`."""
    if isinstance(error, FileNotFoundError):
        return NotFoundInput(f"{path}: no such file or folder", "check the spelling; quote names that hold spaces")
    kind = InputError.kind if not isinstance(error, PermissionError) else "locked"
    return InputError(f"{path}: {error.strerror or error}", "check that the file can be read", kind)


def writable(error: OSError, path: Path) -> StemwrightError:
    """The house error for an OSError met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{path}: the disk is full", "free some space or write to another disk")
    return OutputError(f"{path}: cannot write: {error.strerror or error}", "give a place you may write to")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the file system refuses inside the block, as the house error for reading `path`."""
    try:
        yield
    except OSError as error:
        raise readable(error, path) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the file system refuses inside the block, as the house error for writing `path`."""
    try:
        yield
    except OSError as error:
        raise writable(error, path) from error


def require_writable(folder: Path, hint: str = "give a folder you may write to with --out") -> None:
    """Raises OutputError for a folder that may not be written to."""
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: cannot be written", hint)


def require_room(folder: Path, needed: int = 0) -> None:
    """Told before the work: raises OutputError when nothing can be made in a folder, which need not be there yet.

    DiskFull when there are less than `needed` bytes left.
    """
    with writing(folder):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with workroom(there):
            disk = shutil.disk_usage(there)
            if disk.total and disk.free < needed:  # a mounted cloud may say 0 of 0
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; renamed onto it when the block ends well, removed when it does not.

    The caller may replace an existing `path`; asking first is the workflow's business. Raises OutputError and
    DiskFull for anything the file system refuses.
    """
    # 40 characters are at most 160 bytes: the name stays below the 255 that file systems allow.
    part = path.with_name(f".{path.name[:40]}.{next(_serial)}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("r+b") as done:
            os.fsync(done.fileno())
        part.replace(path)
    except OSError as error:
        raise writable(error, path) from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def moved(files: Mapping[Path, Path]) -> Iterator[None]:
    """Finished files renamed to where they belong, for a block that makes the file they belong to.

    When the block fails, or is interrupted, those that replaced nothing are removed.
    """
    fresh = [target for target in files.values() if not target.exists()]
    try:
        for made, target in files.items():
            made.replace(target)
        yield
    except BaseException:
        for target in fresh:
            target.unlink(missing_ok=True)
        raise


@contextmanager
def tidy(folder: Path) -> Iterator[None]:
    """When the block fails, the empty folders that it made, `folder` or in it, are removed. Raises OutputError."""
    with writing(folder):
        fresh = [path for path in (folder, *folder.parents) if not path.exists()]
        before = set(folder.glob("*"))
    try:
        yield
    except BaseException:
        for made in fresh[-1:] or (path for path in folder.glob("*") if path not in before):
            for path, _, _ in os.walk(made, topdown=False):
                with suppress(OSError):  # it is not empty
                    Path(path).rmdir()
        raise


def check_free(path: Path, *, force: bool) -> None:
    """Raise AlreadyThere when something would be replaced that `force` does not give up."""
    if path.exists() and not force:
        raise AlreadyThere(f"{path}: is there already", "give --force to replace it, or another name or place")


def copy_file(source: Path, target: Path) -> None:
    """Copy a file atomically. Raises NotFoundInput for one that is gone, OutputError, DiskFull."""
    with atomic(target) as part:
        try:
            shutil.copyfile(source, part)
        except FileNotFoundError as error:
            raise readable(error, source) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file atomically."""
    with atomic(path) as part:
        part.write_bytes(data)


def workroom(folder: Path) -> TemporaryDirectory[str]:
    """A hidden folder inside, for files until they are whole; what a killed run leaves goes with the next `sweep`."""
    return TemporaryDirectory(prefix=".", suffix=f".{os.getpid()}{PART}", dir=folder)


def sweep(folder: Path, deep: bool = True) -> None:
    """Remove what killed runs left in `folder`: files and folders that a process now gone was writing."""
    for part in list((folder.rglob if deep else folder.glob)(f".*{PART}")):
        pid = part.name.removesuffix(PART).rpartition(".")[2]
        if not (pid.isdecimal() and _alive(int(pid))):
            with suppress(OSError):
                shutil.rmtree(part) if part.is_dir() else part.unlink()


def _alive(pid: int) -> bool:
    if pid == os.getpid() or os.name == "nt":
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def read_bytes(path: Path, most: int = -1) -> bytes:
    """A file, or its first `most` bytes. Raises NotFoundInput or InputError."""
    with reading(path), path.open("rb") as file:
        return file.read(most)


def sha256(path: Path) -> str:
    """Hex digest of a file. Raises NotFoundInput or InputError."""
    with reading(path), path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def safe_join(folder: Path, name: str) -> Path:
    """`folder / name`, refusing a name that leads out of the folder. Raises InputError."""
    with suppress(ValueError, OSError, RuntimeError):  # a NUL byte, a name too long, a loop of links
        joined = (folder / name).resolve()
        if joined.is_relative_to(folder.resolve()):
            return joined
    raise InputError(f"{name!r} leads out of {folder}", "the file that names it is wrong or hostile; do not trust it")


def xml_parser(*, blank: bool = True, comments: bool = True) -> XMLParser:
    """A parser for XML from somebody else: it expands no entity, reads no DTD, fetches nothing and stays small.

    It keeps blank text, and comments and processing instructions, or does without them.
    """
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=not blank,
        remove_comments=not comments,
        remove_pis=not comments,
    )


def child(
    argv: Sequence[str | Path], *, timeout_s: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program without shell, stdin or a life longer than `timeout_s`; an interrupt ends it and its own children.

    `env` is added to the environment. Returns the finished process, whatever its exit code. Raises FileNotFoundError
    when there is no such program and subprocess.TimeoutExpired when it was ended.
    """
    with subprocess.Popen(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        start_new_session=os.name != "nt",
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if os.name != "nt" else process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
