"""The container of an AAF that is being written ([MS-CFB], version 4): what pyaaf2 builds its objects in.

pyaaf2's own container keeps the file complete after every step, which takes longer than all the rest. This one holds
the tree of storages and the small streams in memory and lays them out once, when the file is closed; audio goes to
disk at once, in sectors of its own. It has what pyaaf2 asks of a container while it writes and no more. Sizes are
bytes; sectors of 4096, mini sectors of 64.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import Any, BinaryIO
from uuid import UUID

import numpy as np
from aaf2.file import AAFFactory, AAFFile, AAFObjectManager

from stemwright.session.formats.aaf.compound import MAGIC, RECORD

_SECTOR, _MINI, _CUTOFF = 4096, 64, 4096
_FREE, _END, _TABLE, _LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_CLASS = UUID("0d010201-0200-0000-060e-2b3403020101").bytes_le
"""Class id of an AAF with sectors of 4096 bytes."""
_IN_HEADER = 109
"""Table sectors that the header lists."""
RANGE_LOCK = 0x7FFFFF00 // _SECTOR - 1
"""The sector that locks of a file lie in; it holds no data ([MS-CFB] 2.6.4)."""
_STORAGE, _STREAM, _ROOT = 1, 2, 5


class Entry:
    """A storage, or a stream when `data` is not None, as pyaaf2 knows a directory entry."""

    __slots__ = ("_path", "children", "class_id", "data", "name", "parent", "sectors", "size", "start", "tree")

    def __init__(self, name: str, parent: Entry | None, data: bytearray | None = None) -> None:
        self.name, self.parent, self.data = name, parent, data
        self.class_id: Any = None
        self.children: dict[str, Entry] = {}
        self.sectors: array[int] | None = None
        """Of a stream on disk; None for one in memory."""
        self.start, self.size = 0, 0
        self.tree = (_FREE, _FREE, _FREE, 1)
        """Left, right, child, colour (1 is black)."""
        self._path: str = "" if parent is None else f"{parent._path}/{name}"

    def path(self) -> str:
        """Names from the root on."""
        return self._path or "/"

    def get(self, name: str, default: Entry | None = None) -> Entry | None:
        """A child."""
        return self.children.get(name, default)

    def makedir(self, name: str) -> Entry:
        """A new storage."""
        return self.children.setdefault(name, Entry(name, self))

    def touch(self, name: str) -> Entry:
        """A stream, new or there already."""
        return self.children.setdefault(name, Entry(name, self, bytearray()))

    def open(self, mode: str) -> Entry:
        """A stream is its own file object; it is written from the start."""
        del self.data[:]  # type: ignore[union-attr]
        return self

    def write(self, data: bytes) -> None:
        """Append to a stream in memory."""
        self.data += data  # type: ignore[operator]

    def truncate(self) -> None:
        """A stream ends where it was written to."""


class Container:
    """The compound file; `close` writes it."""

    def __init__(self, file: BinaryIO) -> None:
        self.root = Entry("Root Entry", None)
        self._file = file
        self._fat = array("I")

    def find(self, path: str) -> Entry:
        """The root: pyaaf2 goes on from there."""
        return {"/": self.root}[path]

    def open(self, path: str, mode: str) -> Entry:
        """A stream in the root."""
        return self.root.touch(path[1:]).open(mode)

    def exists(self, path: str) -> bool:
        """Whether pyaaf2 has put something aside under `path`."""
        return path[1:] in self.root.children

    def reserve(self, stream: Entry, size: int) -> None:
        """Give a stream its place on the disk now, if it is not a small one; it is filled with `fill`."""
        if size < _CUTOFF:
            stream.data = bytearray(size)
        else:
            stream.size, stream.sectors = size, self._take(-(-size // _SECTOR))

    def fill(self, stream: Entry, at: int, data: bytes | bytearray) -> None:
        """Put bytes at `at` of a stream that was reserved."""
        if stream.sectors is None:
            stream.data[at : at + len(data)] = data  # type: ignore[index]
            return
        view, sectors = memoryview(data), stream.sectors
        while view:
            index, offset = divmod(at, _SECTOR)
            last = min(index - (-(offset + len(view)) // _SECTOR) - 1, len(sectors) - 1)
            if sectors[last] - sectors[index] != last - index:  # the range lock lies between: up to it only
                last = bisect_left(sectors, RANGE_LOCK) - 1
            count = min(len(view), (last - index + 1) * _SECTOR - offset)
            self._file.seek((sectors[index] + 1) * _SECTOR + offset)
            self._file.write(view[:count])
            view, at = view[count:], at + count

    def close(self) -> None:
        """Lay out what is in memory and write the tables."""
        entries = _listed(self.root)
        mini, mini_fat = bytearray(), array("I")
        for entry in entries:
            if entry.data is None:
                continue
            if entry.sectors is None:
                entry.size = len(entry.data)
                if 0 < entry.size < _CUTOFF:
                    entry.start, count = len(mini_fat), -(-entry.size // _MINI)
                    mini_fat.extend((*range(entry.start + 1, entry.start + count), _END))
                    mini += entry.data.ljust(count * _MINI, b"\0")
                    continue
                self._store(entry, entry.data)
            entry.start = entry.sectors[0] if entry.sectors else _END
        self._store(self.root, mini)
        mini_table, directory = Entry("", None), Entry("", None)
        mini_fat.extend([_FREE] * (-len(mini_fat) % (_SECTOR // 4)))
        self._store(mini_table, _little(mini_fat))
        self._store(directory, b"".join(map(_record, entries)) + _UNUSED * (-len(entries) % 32))
        self._tables(directory, mini_table)

    def _store(self, entry: Entry, data: bytes | bytearray) -> None:
        entry.size, entry.sectors = len(data), self._take(-(-len(data) // _SECTOR))
        entry.start = entry.sectors[0] if entry.sectors else _END
        self.fill(entry, 0, data)

    def _take(self, count: int, mark: int | None = None) -> array[int]:
        """`count` new sectors, a chain unless each is to be marked as what it is."""
        first, fat = len(self._fat), self._fat
        sectors = array("I", (n for n in range(first, first + count + 1) if n != RANGE_LOCK))[:count]
        if not sectors:
            return sectors
        fat.extend([_END] * (sectors[-1] + 1 - first))
        for here, following in pairwise(sectors):
            fat[here] = following if mark is None else mark
        fat[sectors[-1]] = _END if mark is None else mark
        return sectors

    def _tables(self, directory: Entry, mini_table: Entry) -> None:
        """The allocation table, which lists its own sectors too, the lists of these, and the header."""
        each, listed = _SECTOR // 4, _SECTOR // 4 - 1
        tables = lists = 0
        while tables * each < len(self._fat) + tables + lists + 1:  # one more, for the range lock
            tables += 1
            lists = -(-max(tables - _IN_HEADER, 0) // listed)
        list_sectors, sectors = self._take(lists, _LIST), self._take(tables, _TABLE)
        self._fat.extend([_FREE] * (tables * each - len(self._fat)))
        table = Entry("", None)
        table.sectors = sectors
        self.fill(table, 0, _little(self._fat))
        more = sectors[_IN_HEADER:]
        for number, sector in enumerate(list_sectors):
            part = more[number * listed : (number + 1) * listed]
            part.extend([_FREE] * (listed - len(part)))
            part.append(list_sectors[number + 1] if number + 1 < lists else _END)
            self._file.seek((sector + 1) * _SECTOR)
            self._file.write(_little(part))
        head = struct.pack(
            "<8s16s5H6x9I", MAGIC, _CLASS, 62, 4, 0xFFFE, 12, 6, len(directory.sectors or ()), tables,
            directory.start, 1, _CUTOFF, mini_table.start, len(mini_table.sectors or ()),
            list_sectors[0] if lists else _END, lists,
        )  # fmt: skip
        own = sectors[:_IN_HEADER]
        own.extend([_FREE] * (_IN_HEADER - len(own)))
        self._file.seek(0)
        self._file.write((head + _little(own)).ljust(_SECTOR, b"\0"))
        self._file.truncate((sectors[-1] + 2) * _SECTOR)


class _Objects(AAFObjectManager):  # type: ignore[misc]
    """The objects of a file; pyaaf2 itself prints what an interrupt stops, into the result of a command."""

    def write_objects(self) -> None:
        """Write what was changed."""
        for part in self.modified.values():
            part.write_properties()
        self.modified.clear()


class File(AAFFile):  # type: ignore[misc]
    """An empty AAF in a container of ours: pyaaf2 builds and writes its objects as in its own."""

    def __init__(self, file: BinaryIO) -> None:
        self.mode, self.f, self.cfb, self.is_open = "wb+", file, Container(file), True
        self.weakref_table: list[Any] = []
        self.manager, self.create = _Objects(self), AAFFactory(self)
        self.setup_empty()
        self.metadict.register_extensions()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Write when all went well; what failed is nothing."""
        if kind is None:
            self.close()
        self.f.close()


def _little(numbers: array[int]) -> bytes:
    return np.asarray(numbers, "<u4").tobytes()


def _listed(root: Entry) -> list[Entry]:
    """Every entry in the order of the directory; each gets its place in the tree of its storage."""
    entries, numbers = [root], {id(root): 0}
    for storage in entries:  # grows on the way
        for child in storage.children.values():
            numbers[id(child)] = len(entries)
            entries.append(child)
        below = sorted(storage.children.values(), key=lambda entry: (len(entry.name), entry.name.upper()))
        top = _grown(below, numbers, max(len(below).bit_length() - 1, 1))
        storage.tree = (*storage.tree[:2], top, storage.tree[3])
    return entries


def _grown(entries: list[Entry], numbers: dict[int, int], black: int) -> int:
    """Number of the top of a balanced tree of sorted entries: `black` levels of black ones, and below them red."""
    if not entries:
        return _FREE
    middle = len(entries) // 2
    left, right = (_grown(part, numbers, black - 1) for part in (entries[:middle], entries[middle + 1 :]))
    entry = entries[middle]
    entry.tree = (left, right, entry.tree[2], int(black > 0))
    return numbers[id(entry)]


_UNUSED = RECORD.pack(b"", 0, 0, 0, _FREE, _FREE, _FREE, bytes(16), 0, 0)


def _record(entry: Entry) -> bytes:
    left, right, child, colour = entry.tree
    name = entry.name.encode("utf-16-le")
    kind = _ROOT if entry.parent is None else _STORAGE if entry.data is None else _STREAM
    identity = entry.class_id.bytes_le if entry.class_id else bytes(16)
    start, size = (entry.start, entry.size) if kind != _STORAGE else (0, 0)
    length = min(len(name) + 2, 64)
    return RECORD.pack(name, length, kind, colour, left, right, child, identity, start, size)
