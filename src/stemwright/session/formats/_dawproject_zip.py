"""The zip around a DAWproject: limits against bombs, its two XML files, the audio inside.

Every size is checked against the directory before a byte is unpacked, and no more is unpacked than the directory says.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import InputError, SessionError
from stemwright.safety import atomic, readable, safe_join
from stemwright.session.formats import _xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_ENTRIES = 10_000
_MOST_XML = 64 << 20
_FREE, _MOST_RATIO = 1 << 30, 20
"""Unpacked, a project takes at most 1 GiB or 20 times its own bytes: even silence is a part of a set only."""

_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HINT = "export the project again from the DAW"


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, its directory checked. Raises InputError for what is none, SessionError for one not to be trusted."""
    try:
        with path.open("rb") as head:
            if head.read(2) != b"PK":
                raise InputError(f"{path}: is no DAWproject, which is a zip file", _HINT)
    except OSError as error:
        raise readable(error, path) from error
    with _damage(path):
        archive = zipfile.ZipFile(path)
    with archive:
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if len(infos) > _MOST_ENTRIES or total > max(_FREE, _MOST_RATIO * path.stat().st_size):
            raise SessionError(
                f"{path}: would unpack to {len(infos)} files of {total >> 20} MiB: it looks like a zip bomb",
                "do not trust this file",
            )
        if any(info.flag_bits & 1 or info.compress_type not in _PACKED for info in infos):
            raise SessionError(f"{path}: is encrypted or packed in a way that DAWs do not use", _HINT)
        yield archive


def xml(archive: zipfile.ZipFile, path: Path, name: str) -> _Element | None:
    """The root of one of the XML files, None when it is not there. Raises SessionError."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        return None
    if info.file_size > _MOST_XML:
        raise SessionError(f"{path}: its {name} has {info.file_size >> 20} MiB", f"at most {_MOST_XML >> 20} are read")
    with _damage(path):
        data = archive.read(info)
    return _xml.parse(data, path)


def same(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: Path) -> bool:
    """Whether a file is, by size and CRC-32, what lies in the zip."""
    try:
        if file.stat().st_size != entry.file_size:
            return False
        crc = 0
        with file.open("rb") as source:
            while block := source.read(1 << 20):
                crc = zlib.crc32(block, crc)
    except OSError:
        return False
    return crc == entry.CRC


def unpack(archive: zipfile.ZipFile, path: Path, entry: zipfile.ZipInfo, folder: Path) -> Path:
    """One entry as a file below `folder`. Raises InputError for a name that leads out of it, SessionError."""
    target = safe_join(folder, entry.filename)
    with _damage(path), atomic(target) as part, archive.open(entry) as source, part.open("wb") as made:
        shutil.copyfileobj(source, made, 1 << 20)
    return target


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Whatever `zipfile` raises for a damaged file, as a house error."""
    try:
        yield
    except OSError as error:
        raise readable(error, path) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OverflowError) as error:
        # NotImplementedError for a strange version is a RuntimeError; a broken name or offset gives a ValueError.
        raise SessionError(f"{path}: is damaged: {error}", _HINT) from error
