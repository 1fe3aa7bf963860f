"""ZIP archives from somebody else: opened with their directory checked, so that no byte is unpacked on trust."""

from __future__ import annotations

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Literal

from stemwright.errors import InputError
from stemwright.safety import readable

Kind = Literal["damaged", "missing", "extra", "name", "link", "duplicate", "bomb", "packing", "list"]

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError, struct.error, OverflowError)
"""What `zipfile` makes of damaged archives."""

_LARGEST_DIRECTORY = 64 << 20
_MOST_DEFLATED = 1 << 30
"""Bytes that all deflated members together may unpack to; audio is stored."""

_DRIVE = re.compile(r"[A-Za-z]:")
_UNFIT = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, direction overrides, and bytes that are no UTF-8."""
_LONGEST = 255
"""Bytes of one part of a path that file systems take."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was packed, or is not to be trusted."""

    kind: Kind
    name: str
    message: str


@contextmanager
def opened(path: Path, what: str = "ZIP archive", most: int = 100_000) -> Iterator[zipfile.ZipFile]:
    """The archive, of at most so many files; `what` people call it.

    Raises InputError and its kin for what is none, or has a directory that nobody would write.
    """
    hint = "was it received in whole? ask for it again"
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            if _directory_bytes(file) > _LARGEST_DIRECTORY:
                raise InputError(f"{path}: its directory is larger than any honest one", "do not trust this file")
            archive = stack.enter_context(zipfile.ZipFile(file))
        except OSError as error:
            raise readable(error, path) from error
        except (*DAMAGE, NotImplementedError) as error:
            raise InputError(f"{path}: is no {what}, or not the whole of one", hint) from error
        if len(archive.infolist()) > most:
            raise InputError(f"{path}: holds {len(archive.infolist())} files", "do not trust this file")
        yield archive


def _directory_bytes(file: IO[bytes]) -> int:
    """The size of a ZIP's directory as its end states it (APPNOTE 4.3.14 and 4.3.16); 0 when there is no end."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 16) - 98))
    tail = file.read()
    end, end64 = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")
    size = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    return int.from_bytes(tail[end64 + 40 : end64 + 48], "little") if size == 0xFFFFFFFF else size


def untrusted(infos: list[zipfile.ZipInfo]) -> Iterator[Problem]:
    """What the directory of an archive says that no packing of ours would."""
    for info in infos:
        name = info.orig_filename
        if why := fault(name.removesuffix("/") if info.is_dir() else name):
            yield Problem("name", name, why)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            yield Problem("link", name, "is a link or a device, not a file")
        if info.flag_bits & 1:
            yield Problem("packing", name, "is encrypted")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield Problem("packing", name, "is packed in a way that not every system can undo")
        elif info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            yield Problem("bomb", name, "states two sizes")
    for name, why in clashes(info.orig_filename.removesuffix("/") for info in infos if not info.is_dir()):
        yield Problem("duplicate", name, why)
    deflated = [info for info in infos if info.compress_type == zipfile.ZIP_DEFLATED]
    if (size := sum(info.file_size for info in deflated)) > _MOST_DEFLATED:
        for info in sorted(deflated, key=lambda info: -info.file_size):
            yield Problem("bomb", info.orig_filename, f"would unpack to {info.file_size >> 20} MiB")
            size -= info.file_size
            if size <= _MOST_DEFLATED:
                break
    placed = sorted(infos, key=lambda info: info.header_offset)
    for info, following in pairwise(placed):
        if info.header_offset + 30 + info.compress_size > following.header_offset:
            yield Problem("bomb", info.orig_filename, f"lies over {following.orig_filename}")


def fault(name: str) -> str:
    """What is wrong with a member's name, a path with `/`; empty when nothing is."""
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")):
        return "is an absolute path"
    if _DRIVE.match(name):
        return "names a drive"
    if ".." in parts:
        return "leads out of the folder"
    if "\\" in name:
        return "holds a backslash, which Windows takes for a folder"
    if _UNFIT.search(name):
        return "holds characters that no name should"
    if "" in parts or "." in parts:
        return "is no plain path"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return "is longer than file systems take"
    return ""


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, why) of those that one folder cannot hold together; macOS and Windows take `Kick` and `kick` for one."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            yield name, "is there twice" if seen[key] == name else f"differs from {seen[key]} in case only"
        seen[key] = name
        folders.update(key[:at] for at, letter in enumerate(key) if letter == "/")
    for key in sorted(folders & set(seen)):
        yield seen[key], "is a file and a folder"
