"""The zip around a DAWproject: limits against bombs, its two XML files, the audio inside.

Every size is checked against the directory before a byte is unpacked, and no more is unpacked than the directory says.
"""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy as copying
from pathlib import Path
from typing import IO, TYPE_CHECKING

from stemwright import archive as archives
from stemwright.errors import SessionError
from stemwright.safety import atomic, reading, safe_join
from stemwright.session.formats.xml import parse

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_ENTRIES = 10_000
_MOST_XML = 64 << 20
_MOST = {"Track": 5_000, "Audio": 50_000}
"""Elements of a project; larger ones would only keep us busy."""

_FREE, _MOST_RATIO = 1 << 30, 20
"""Unpacked, a project takes at most 1 GiB or 20 times its own bytes: even silence is a part of a set only."""

_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BLOCK = 1 << 20
_SIZES_FOLLOW = 8
"""The flag of an entry whose sizes stand behind it only."""

_HINT = "export the project again from the DAW"


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip. Raises InputError and its kin for what is none, SessionError for one not to be trusted."""
    with archives.opened(path, "DAWproject", _MOST_ENTRIES) as archive:
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if total > max(_FREE, _MOST_RATIO * path.stat().st_size):
            what = f"{path}: would unpack to {len(infos)} files of {total >> 20} MiB: it looks like a zip bomb"
            raise SessionError(what, "do not trust this file")
        if any(info.flag_bits & 1 or info.compress_type not in _PACKED for info in infos):
            raise SessionError(f"{path}: is encrypted or packed in a way that DAWs do not use", _HINT)
        yield archive


def xml(archive: zipfile.ZipFile, path: Path, name: str) -> tuple[bytes, _Element | None]:
    """One of the XML files and its root, None when it is not there. Raises SessionError."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        return b"", None
    if info.file_size > _MOST_XML:
        raise SessionError(f"{path}: its {name} has {info.file_size >> 20} MiB", f"at most {_MOST_XML >> 20} are read")
    with _damage(path):
        data = archive.read(info)
    return data, parse(data, path)


def project(archive: zipfile.ZipFile, path: Path) -> tuple[bytes, _Element]:
    """The project.xml and its root. Raises SessionError for what is none, or larger than any."""
    data, root = xml(archive, path, "project.xml")
    if root is None or root.tag != "Project":
        raise SessionError(f"{path}: holds no project.xml of a DAWproject", _HINT)
    for tag, most in _MOST.items():
        if sum(1 for _ in root.iter(tag)) > most:
            raise SessionError(f"{path}: has more than {most} elements {tag}", "split the project")
    return data, root


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


def renewed(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """An entry for other contents under the same name, date and packing."""
    entry = zipfile.ZipInfo(info.filename, info.date_time)
    entry.compress_type, entry.create_system, entry.external_attr = (
        info.compress_type, info.create_system, info.external_attr,
    )  # fmt: skip
    return entry


def copy(archive: zipfile.ZipFile, path: Path, made: zipfile.ZipFile, skip: str) -> None:
    """Put every entry but `skip` into another zip as it is packed, bit for bit. Raises SessionError, OSError."""
    with path.open("rb") as source:
        for info in archive.infolist():
            if info.filename == skip:
                continue
            with _damage(path):
                archive.open(info).close()  # whether the header there says the same
                source.seek(info.header_offset)
                name, extra = struct.unpack("<26x2H", source.read(30))
                start = source.seek(name + extra, os.SEEK_CUR)
            if start + info.compress_size > archive.start_dir:
                raise SessionError(f"{path}: is damaged: {info.filename} reaches into the directory", _HINT)
            _copy(source, info, made)


def _copy(source: IO[bytes], info: zipfile.ZipInfo, made: zipfile.ZipFile) -> None:
    """One entry whose packed bytes come next in `source`; `zipfile` itself could only pack them anew."""
    entry, target = copying(info), made.fp
    assert target is not None
    entry.extra = _without_zip64(info.extra)
    entry.flag_bits &= ~_SIZES_FOLLOW
    entry.header_offset = target.seek(made.start_dir)
    target.write(entry.FileHeader())
    for left in range(entry.compress_size, 0, -_BLOCK):
        target.write(source.read(min(left, _BLOCK)))
    made.start_dir = target.tell()
    made.filelist.append(entry)
    made.NameToInfo[entry.filename] = entry


def _without_zip64(extra: bytes) -> bytes:
    """Extra fields without the sizes of ZIP64, which `zipfile` writes where they are needed."""
    kept = b""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        field, extra = extra[: 4 + length], extra[4 + length :]
        kept += field if kind != 1 else b""
    return kept


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Whatever `zipfile` raises for a damaged file, as a house error."""
    try:
        with reading(path):
            yield
    except archives.DAMAGE as error:
        raise SessionError(f"{path}: is damaged: {error}", _HINT) from error
