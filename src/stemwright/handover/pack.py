"""The archive that is sent: one ZIP, made in one pass over the files, with checksums that common tools check.

Audio is stored and texts are deflated; what needs it gets 64-bit sizes. Members are sorted and carry one fixed date,
so the same files give the same bytes. Beside them lie, with paths as seen from the archive's one folder,

- `checksums.sha256` and `checksums.md5`, of whole files, for `sha256sum -c` and `md5sum -c`
- `checksums_audio.csv`, of every WAV the MD5 of its `data` chunk without header and padding, which stays the same
  when tags change; the column has the name that it has in BWF MetaEdit, "Evaluate MD5 for audio data"
  (https://mediaarea.net/BWFMetaEdit/md5).
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stemwright import serial
from stemwright.archive import clashes, fault
from stemwright.audio.probe import probe, require_unchanged
from stemwright.errors import InputError, NotFoundInput
from stemwright.handover import manifest
from stemwright.handover.manifest import Entry, Manifest
from stemwright.model import Progress
from stemwright.safety import PART, atomic, readable, reading

SHA256, MD5, AUDIO_MD5 = "checksums.sha256", "checksums.md5", "checksums_audio.csv"
LISTS = (SHA256, MD5, AUDIO_MD5)
"""Made anew by every packing."""

_TEXTS = frozenset(
    (".txt", ".md", ".json", ".html", ".csv", ".toml", ".xml", ".sarif", ".rpp", ".ardour", ".otio", ".sha256", ".md5")
)
"""What is deflated; everything else is audio, or packed already."""
_WAVS = (".wav", ".wave", ".bwf", ".rf64")
_JUNK = ("Thumbs.db", "desktop.ini", "__MACOSX")
_STAMP = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP can name."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: its path in the archive's folder, with `/`, and where its bytes come from."""

    name: str
    source: Path | bytes

    @property
    def bytes(self) -> int:
        """Its size. Raises NotFoundInput or InputError."""
        if isinstance(self.source, bytes):
            return len(self.source)
        with reading(self.source):
            return self.source.stat().st_size


@dataclass(frozen=True, slots=True)
class Sums:
    """What was found of a file while it was packed; `audio_md5` is empty for what is no WAV."""

    name: str
    bytes: int
    sha256: str
    md5: str
    audio_md5: str = ""


def members(folder: Path, but: Collection[Path] = ()) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Everything in a folder and below, sorted, and what was left out that a user may miss.

    Hidden files, droppings of file managers, lists of checksums and the files in `but` are left out silently. Raises
    NotFoundInput and InputError for a folder that cannot be read, and for names that other systems cannot hold.
    """

    def refuse(error: OSError) -> None:
        raise readable(error, Path(error.filename or folder))

    found: dict[str, Path] = {}
    missed: list[str] = []
    if not folder.is_dir():
        raise NotFoundInput(f"{folder}: is no folder", "give the folder of a delivery, as `stemwright prep` makes it")
    for where, folders, files in os.walk(folder, onerror=refuse):
        missed += [
            f"{name} is a link to a folder and was left out" for name in folders if Path(where, name).is_symlink()
        ]
        folders[:] = [name for name in folders if not (name.startswith(".") or name in _JUNK)]
        for path in (Path(where, name) for name in files):
            hidden = path.name.startswith(".") or path.name.endswith(PART) or path.name in _JUNK
            if hidden or path in but or (path.parent == folder and path.name in LISTS):
                continue
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path
            else:
                missed.append(f"{path.name} is no file that can be read and was left out")
    wrong = [(name, why) for name in found if (why := fault(name))] or list(clashes(sorted(found)))
    for name, why in wrong:
        raise InputError(f"{name!r} {why}", f"rename it in {folder}; not every system could unpack it")
    return tuple(Member(name, found[name]) for name in sorted(found)), tuple(missed)


def write(target: Path, top: str, packed: Sequence[Member]) -> Generator[Progress, None, tuple[Sums, ...]]:
    """Write the archive whole or not at all; all members go into its folder `top`. Memory stays at a few MiB.

    A set without `manifest.json` gets one. Returns the sums of all members but the lists of checksums. Raises
    OutputError and DiskFull, and InputError and its kin for a file that cannot be read or changes meanwhile.
    """
    total = sum(member.bytes for member in packed)
    sums: list[Sums] = []
    with atomic(target) as part, zipfile.ZipFile(part, "w") as archive:

        def add(name: str, text: str) -> Generator[Progress, None, Sums]:
            return (yield from _add(archive, top, Member(name, text.encode()), total, total))

        for member in packed:
            sums.append((yield from _add(archive, top, member, sum(found.bytes for found in sums), total)))
        if not any(found.name == manifest.NAME for found in sums):
            entries = tuple(Entry(found.name, found.bytes, found.sha256) for found in sums)
            made = Manifest("pack", entries, folder=top, complete=True)
            sums.append((yield from add(manifest.NAME, serial.to_json(made))))
        audio = io.StringIO()
        rows = csv.writer(audio, lineterminator="\n")
        rows.writerow(("FileName", "MD5Generated"))
        rows.writerows((found.name, found.audio_md5) for found in sums if found.audio_md5)
        listed = [*sums, (yield from add(AUDIO_MD5, audio.getvalue()))]
        listed.append((yield from add(MD5, "".join(f"{found.md5}  {found.name}\n" for found in listed))))
        yield from add(SHA256, "".join(f"{found.sha256}  {found.name}\n" for found in listed))
        yield Progress("pack", total, total, "bytes")
    return tuple(sums)


def _add(
    archive: zipfile.ZipFile, top: str, member: Member, before: int, total: int
) -> Generator[Progress, None, Sums]:
    """Write one file into the archive, hashed as it passes; `before` is what was done of the `total` bytes."""
    info = zipfile.ZipInfo(f"{top}/{member.name}", _STAMP)
    text = Path(member.name).suffix.lower() in _TEXTS
    info.compress_type = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED
    info.create_system = 3  # Unix, whose permissions stand in the upper half
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.file_size = member.bytes  # decides on 64-bit sizes
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    samples = hashlib.md5(usedforsecurity=False)
    start, end = _data_chunk(member)
    at = 0
    with _reading(member) as file, archive.open(info, "w") as out:
        while piece := _piece(file, member):
            out.write(piece)
            sha256.update(piece)
            md5.update(piece)
            samples.update(memoryview(piece)[max(0, start - at) : max(0, end - at)])
            at += len(piece)
            if before + at < total:
                yield Progress("pack", before + at, total, "bytes")
    return Sums(member.name, at, sha256.hexdigest(), md5.hexdigest(), samples.hexdigest() if end else "")


@contextmanager
def _reading(member: Member) -> Iterator[BinaryIO]:
    """The bytes of a member. Raises DamagedAudio when they are not the same any more at the end."""
    if isinstance(member.source, bytes):
        yield io.BytesIO(member.source)
        return
    with reading(member.source):
        before, file = member.source.stat(), member.source.open("rb")
    with file:
        yield file
    require_unchanged(member.source, before)


def _piece(file: BinaryIO, member: Member) -> bytes:
    with reading(Path(member.name)):  # a disk that fails below us; not to be taken for the one that is written to
        return file.read(_PIECE)


def _data_chunk(member: Member) -> tuple[int, int]:
    """First byte and end of the samples in a WAV; (0, 0) for everything else."""
    if isinstance(member.source, bytes) or member.source.suffix.lower() not in _WAVS:
        return 0, 0
    try:
        chunks = probe(member.source).chunks
    except InputError:  # the audit's business
        return 0, 0
    return next(((chunk.offset, chunk.offset + chunk.bytes) for chunk in chunks if chunk.name == "data"), (0, 0))
