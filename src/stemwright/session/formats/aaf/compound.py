"""Compound files ([MS-CFB], the container of an AAF): directory and small streams, read without trusting a byte.

Every number is checked against the size of the file before it is used, so neither a loop in an allocation table nor a
huge count can make a reader hang or swallow memory. The directory is a tree by the time it is handed out.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

from stemwright.errors import InputError, SessionError

MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
RECORD = struct.Struct("<64sH2B3I16s20xIQ")
"""Of the directory: name, its bytes, kind, colour, left, right, child, class id, first sector, bytes."""
_REGULAR = 0xFFFFFFFA
"""Sector numbers from here on are no sectors."""
_NOTHING = 0xFFFFFFFF
_MOST_BYTES = 256 << 20
"""Of one stream that is read; essences are larger and never read here."""
_MOST_LISTED = 64 << 20
"""Bytes of the directory: half a million entries, a session of ten thousand tracks."""


def damage(message: str) -> SessionError:
    """The error for bytes that contradict themselves."""
    return SessionError(message, "export it again; if it came by mail or download, get it once more")


@dataclass(slots=True)
class Entry:
    """A storage (folder) or a stream (file) of the directory."""

    class_id: bytes
    start: int
    size: int
    children: dict[str, Entry] = field(default_factory=dict)


class Compound:
    """An open compound file. Raises InputError for another kind of file, SessionError for a damaged one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = file.seek(0, 2)
        head = self._bytes_at(0, 512)
        if len(head) < 512 or head[:8] != MAGIC:
            raise InputError("is no AAF", "an AAF is a compound file; XML or MXF of this name is something else")
        self.version, order, shift, mini_shift = struct.unpack_from("<4H", head, 26)
        if order != 0xFFFE or shift not in (9, 12) or mini_shift != 6:
            raise damage("the header of the container is damaged")
        self.sector_bytes: int = 1 << shift
        self._sectors = -(-self.bytes // self.sector_bytes) - 1
        directory, _, self._cutoff, mini_fat, _, lists, _ = struct.unpack_from("<7I", head, 48)
        self._fat = self._table(self._fat_sectors(head, lists))
        self._mini_fat = self._table(self._chain(mini_fat))
        entries = b"".join(map(self._sector, self._chain(directory)))
        self.root = self._tree(entries)
        self._mini = self._stream(self.root.start, self.root.size) if self._mini_fat else b""

    def read(self, entry: Entry) -> bytes:
        """A whole stream. Raises SessionError when the file does not hold it, or when it is absurdly long."""
        if entry.size >= self._cutoff:
            return self._stream(entry.start, entry.size)
        count = -(-entry.size // 64)
        sectors = self._chain(entry.start, self._mini_fat, count)
        if sectors == list(range(entry.start, entry.start + count)):  # as nearly all are
            return self._mini[64 * entry.start : 64 * entry.start + entry.size]
        return b"".join(self._mini[64 * n : 64 * n + 64] for n in sectors)[: entry.size]

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """A stream of any length in pieces of at most 1 MiB. Raises SessionError when the file does not hold it."""
        if entry.size < self._cutoff:
            yield self.read(entry)
            return
        if entry.size > self.bytes:
            raise damage("a stream is longer than the file")
        sectors = array("I", self._chain(entry.start, count=-(-entry.size // self.sector_bytes)))
        each, left = max((1 << 20) // self.sector_bytes, 1), entry.size
        for at in range(0, len(sectors), each):
            piece = sectors[at : at + each]
            if piece[-1] - piece[0] == len(piece) - 1 and all(b - a == 1 for a, b in pairwise(piece)):
                data = self._bytes_at((piece[0] + 1) * self.sector_bytes, len(piece) * self.sector_bytes)
                data = data.ljust(len(piece) * self.sector_bytes, b"\0")
            else:
                data = b"".join(map(self._sector, piece))
            yield data[:left]
            left -= len(data)

    def _stream(self, start: int, size: int) -> bytes:
        if size > min(self.bytes, _MOST_BYTES):
            raise damage("a stream is longer than the file")
        sectors = self._chain(start, count=-(-size // self.sector_bytes))
        return b"".join(map(self._sector, sectors))[:size]

    def _bytes_at(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)

    def _sector(self, number: int) -> bytes:
        """A sector; what lies behind the end of the file reads as zeros, as some writers cut the last one short."""
        return self._bytes_at((number + 1) * self.sector_bytes, self.sector_bytes).ljust(self.sector_bytes, b"\0")

    def _fat_sectors(self, head: bytes, lists: int) -> list[int]:
        numbers = [n for n in struct.unpack_from("<109I", head, 76) if n < _REGULAR]
        needed = -(-self._sectors * 4 // self.sector_bytes)
        for _ in range(needed):
            if lists >= self._sectors or len(numbers) >= needed:
                break
            *more, lists = self._numbers(lists)
            numbers += [n for n in more if n < _REGULAR]
        return numbers[:needed]

    def _table(self, numbers: list[int]) -> array[int]:
        table = array("I")
        for number in numbers:
            if number >= self._sectors:
                raise damage("the allocation table lies outside of the file")
            table.extend(self._numbers(number))
        return table

    def _numbers(self, sector: int) -> tuple[int, ...]:
        return struct.unpack(f"<{self.sector_bytes // 4}I", self._sector(sector))

    def _chain(self, start: int, table: array[int] | None = None, count: int | None = None) -> list[int]:
        """The sectors from `start` on: `count` of them, or all; a chain never visits a sector twice."""
        table = self._fat if table is None else table
        most = min(len(table), _MOST_LISTED // self.sector_bytes) if count is None else count
        found: list[int] = []
        while start < len(table) and len(found) < most:
            found.append(start)
            start = table[start]
        if start < len(table) if count is None else len(found) < count:
            raise damage("a chain of sectors has no end" if count is None else "a chain of sectors breaks off")
        return found

    def _tree(self, data: bytes) -> Entry:
        """The root of the directory. Raises SessionError when an entry stands in two places."""
        records = list(RECORD.iter_unpack(data[: len(data) // 128 * 128]))
        seen = bytearray(len(records))
        if not seen:
            raise damage("the container has no directory")
        top = Entry(b"", 0, 0)
        waiting = [(top, 0)]
        while waiting:
            parent, number = waiting.pop()
            if number == _NOTHING:
                continue
            if number >= len(seen) or seen[number]:
                raise damage("the directory of the container is no tree")
            seen[number] = 1
            raw, length, kind, _, left, right, child, class_id, start, size = records[number]
            # Version 3 files may hold rubbish in the upper half of the size ([MS-CFB] 2.6.3).
            size &= 0xFFFFFFFF if self.version == 3 else -1
            name = raw[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
            entry = Entry(class_id, start, size if kind != 1 else 0)
            parent.children[name] = entry
            waiting += [(entry, child)] if number == 0 else [(parent, left), (parent, right), (entry, child)]
        return next(iter(top.children.values()))
