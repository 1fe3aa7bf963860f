"""Whether an archive or folder arrived as it was packed, and the way out of the archive that nothing hostile can use.

Every fault is named: bytes that differ, files that are missing or nobody listed, names that lead out of the folder,
links, names that are there twice, members that would unpack to more than they can hold. What is read is bounded by
the archive's own directory, and the directory by limits here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from stemwright import serial
from stemwright.archive import DAMAGE, Problem, opened, untrusted
from stemwright.errors import AlreadyThere, InputError, StemwrightError
from stemwright.handover import manifest
from stemwright.handover.manifest import Manifest
from stemwright.handover.pack import LISTS, SHA256, members
from stemwright.model import Progress
from stemwright.safety import PART, reading, safe_join, sweep, writable

_LARGEST_LIST = 32 << 20
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a received archive or folder looked at, and found."""

    source: Path
    files: int
    bytes: int
    problems: tuple[Problem, ...]
    extracted: Path | None = None


def check_archive(path: Path) -> Generator[Progress, None, Verified]:
    """Read a received archive to its end and compare it with its own list of checksums; nothing is unpacked.

    Raises InputError and its kin for what is no ZIP archive, or not the whole of one.
    """
    with opened(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        problems = list(untrusted(archive.infolist()))
        wrong = {problem.name for problem in problems}
        good = {info.orig_filename: info for info in infos if info.orig_filename not in wrong}
        total, done = sum(info.file_size for info in good.values()), 0
        digests: dict[str, str] = {}
        for name, info in good.items():
            try:
                with archive.open(info) as file:
                    digests[name], done = yield from _hashed(file, done, total)
            except (*DAMAGE, OSError):
                problems.append(Problem("damaged", name, "cannot be read: its bytes are not those that were packed"))
                wrong.add(name)
        found = _list_of(good)
        text = ""
        if found in digests and good[found].file_size <= _LARGEST_LIST:
            text = archive.read(good[found]).decode("utf-8", "replace")
    problems += _compared(text, found, digests, wrong)
    return Verified(path, len(infos), total, tuple(problems))


def check_folder(folder: Path) -> Generator[Progress, None, Verified]:
    """Compare an unpacked archive with its list of checksums, or a delivery with its manifest.

    Raises NotFoundInput and InputError for a folder that cannot be read or has neither.
    """
    digests: dict[str, str] = {}
    present, _ = members(folder)
    text = _folder_list(folder)
    listed = {name for _, name in _parsed(text)[0]}
    sources = {member.name: folder / member.name for member in present}
    sources |= {name: folder / name for name in LISTS if (folder / name).is_file()}
    total, done, problems = sum(path.stat().st_size for path in sources.values()), 0, []
    for name, path in sorted(sources.items()):
        if (name == SHA256 or name == manifest.NAME) and name not in listed:
            continue
        try:
            safe_join(folder, name)
            with path.open("rb") as file:
                digests[name], done = yield from _hashed(file, done, total)
        except (OSError, InputError) as error:
            message = (
                f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is a link out of the folder"
            )
            problems.append(Problem("damaged" if isinstance(error, OSError) else "link", name, message))
    problems += _compared(text, SHA256, digests, {problem.name for problem in problems})
    return Verified(folder, len(digests), done, tuple(problems))


def _hashed(file: IO[bytes], done: int, total: int) -> Generator[Progress, None, tuple[str, int]]:
    """The SHA-256 of a file, and how many of the `total` bytes are `done` behind it."""
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
        done += len(piece)
        yield Progress("verify", done, total, "bytes")
    return digest.hexdigest(), done


def extract(path: Path, into: Path) -> Generator[Progress, None, Path]:
    """Unpack an archive in which `check_archive` found nothing wrong; the new folder appears whole or not at all.

    Raises AlreadyThere, InputError, OutputError and DiskFull.
    """
    with opened(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        found = _list_of({info.orig_filename: info for info in infos})
        top = PurePosixPath(found).parent.as_posix()
        safe_join(into, top)
        target = into / (path.stem if top == "." else top)
        if target.exists():
            raise AlreadyThere(f"{target}: is there already", "give another folder, or move that one away")
        total, done = sum(info.file_size for info in infos), 0
        room = target.with_name(f".{target.name[:40]}.{os.getpid()}{PART}")
        try:
            room.mkdir(parents=True)
            sweep(target.parent, deep=False)
            for info in infos:
                place = safe_join(room, PurePosixPath(info.orig_filename).relative_to(top).as_posix())
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as file, place.open("xb") as out:
                    while piece := file.read(_PIECE):
                        out.write(piece)
                        done += len(piece)
                        yield Progress("unpack", done, total, "bytes")
            room.rename(target)
        except OSError as error:
            raise writable(error, target) from error
        except DAMAGE as error:
            raise InputError(f"{path}: is damaged: {error}", "verify it, and ask for it again") from error
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return target


def origin(path: Path) -> Manifest | None:
    """The manifest inside an archive that stemwright packed; None when it is no such archive."""
    with suppress(StemwrightError, OSError, *DAMAGE), opened(path) as archive:
        for info in archive.infolist():
            name = PurePosixPath(info.orig_filename)
            if name.name == manifest.NAME and len(name.parts) == 2 and info.file_size <= _LARGEST_LIST:
                return serial.from_json(Manifest, archive.read(info).decode())
    return None


def _list_of(names: Iterable[str]) -> str:
    """The list of checksums that lies highest; `checksums.sha256` when there is none."""
    lists = [name for name in names if PurePosixPath(name).name == SHA256]
    return min(lists, key=lambda name: (name.count("/"), name), default=SHA256)


def _parsed(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(SHA-256, name) as `sha256sum` writes them, and lines that are something else."""
    lines = [(_LINE.fullmatch(line), line) for line in text.replace("\r\n", "\n").split("\n") if line]
    return [(match[1].lower(), match[2]) for match, _ in lines if match], [line for match, line in lines if not match]


def _compared(text: str, found: str, digests: Mapping[str, str], wrong: set[str]) -> Iterator[Problem]:
    """What differs between a list of checksums and the files; those in `wrong` are told of already."""
    listed, odd = _parsed(text)
    prefix = found.removesuffix(SHA256)
    if not listed:
        yield Problem("list", found, "there is no list of checksums, so nothing can be compared")
        return
    if odd:
        yield Problem("list", found, f"has {len(odd)} lines that are no checksums, the first {odd[0][:60]!r}")
    for digest, name in listed:
        if prefix + name in digests:
            if digests[prefix + name] != digest:
                yield Problem("damaged", prefix + name, "is not what was packed: its SHA-256 differs")
        elif prefix + name not in wrong:
            yield Problem("missing", prefix + name, "is listed, but not there")
    known = {prefix + name for _, name in listed} | {found}
    for name in digests:
        if name not in known:
            yield Problem("extra", name, "nobody listed it")


def _folder_list(folder: Path) -> str:
    """The list of checksums of a folder, or what its manifest says in that form."""
    path = folder / SHA256
    if path.is_file() and path.stat().st_size <= _LARGEST_LIST:
        with reading(path):
            return path.read_text(encoding="utf-8", errors="replace")
    found = manifest.read(folder / manifest.NAME)
    if not found:
        raise InputError(
            f"{folder}: has neither {SHA256} nor a manifest", "nothing can be compared; verify the archive"
        )
    entries = {entry.path: entry.sha256 for step in found.steps for entry in step.outputs}
    entries |= {entry.path: entry.sha256 for entry in found.inputs} if found.workflow == "pack" else {}
    return "".join(f"{digest}  {name}\n" for name, digest in entries.items())
