"""RIFF, RF64, BW64, RIFX and AIFF files as they come: a walker over their chunks, and where their sizes contradict.

Sources: RIFF (IBM and Microsoft, 1991), AIFF-C (Apple, 1991), EBU Tech 3306 and ITU-R BS.2088 (RF64 and BW64, `ds64`).
Sizes are little-endian, in RIFX and AIFF big-endian; a chunk of odd size is followed by one pad byte. No size is
believed: what does not fit the file becomes a `Damage`, whose kinds `headers.py` lists.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from stemwright.model import Damage

_MOST = 4096
"""Chunks that we are willing to walk; a hostile file could hold a hundred million empty ones."""
_KNOWN = frozenset(
    b"data fmt bext iXML LIST fact cue smpl inst plst acid id3 ID3 JUNK junk FLLR PAD minf elm1 regn umid DGDA LGWV "
    b"ResU cart axml chna afsp PEAK _PMX strc bwav MD5 levl link SMED "
    b"COMM SSND FVER MARK INST COMT NAME AUTH ANNO APPL AESD MIDI CHAN".split()
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk's body lies. `size` is what the header claims, `present` the bytes that are there."""

    name: bytes
    offset: int
    size: int
    present: int
    end: int
    """Where the next chunk starts: behind the pad byte, if there is one."""

    @property
    def known(self) -> bool:
        """Whether some program is known to write chunks of this name."""
        return self.name.rstrip() in _KNOWN

    @property
    def label(self) -> str:
        """The name for a message."""
        return repr(self.name.decode("latin-1").rstrip())


def walk(file: BinaryIO, length: int) -> Iterator[Chunk]:
    """The chunks of an open file of `length` bytes, in order, as far as they make sense.

    A missing pad byte is forgiven, an RF64 size is taken from `ds64`, a size beyond the end is cut to what is there.
    """
    file.seek(0)
    big = file.read(12)[:4] in (b"RIFX", b"FORM")
    wide: dict[bytes, int] = {}
    at = 12
    for _ in range(_MOST):
        if at + 8 > length:
            return
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not _printable(head):
            return
        name, size = struct.unpack(">4sI" if big else "<4sI", head)
        if name == b"ds64":
            wide = _ds64(file.read(min(size, 1 << 16)))
        if size == 0xFFFFFFFF and name in wide:
            size = wide[name]
        body, at = at + 8, at + 8 + size
        if size % 2 and at < length:
            file.seek(at)
            ahead = file.read(5)
            at += not (ahead[:4].rstrip() in _KNOWN or (_printable(ahead) and not _printable(ahead[1:])))
        yield Chunk(name, body, size, max(0, min(size, length - body)), min(at, length))


def _printable(name: bytes) -> bool:
    return len(name) >= 4 and all(32 <= byte < 127 for byte in name[:4])


def _ds64(body: bytes) -> dict[bytes, int]:
    if len(body) < 28:
        return {}
    _, data, _, table = struct.unpack_from("<QQQI", body)
    sizes = {b"data": data}
    for entry in range(min(table, (len(body) - 28) // 12)):
        name, size = struct.unpack_from("<4sQ", body, 28 + 12 * entry)
        sizes[name] = size
    return sizes


def body(file: BinaryIO, chunk: Chunk, most: int = 1 << 20) -> bytes:
    """The first `most` bytes of a chunk, as far as they are there."""
    file.seek(chunk.offset)
    return file.read(min(chunk.present, most))


def are_chunks(found: Sequence[Chunk], length: int) -> bool:
    """Whether what was walked really are chunks, and not samples that happen to look like one."""
    if not found or length - found[-1].end >= 8:
        return False
    return found[0].known or found[-1].size == found[-1].present


def pads(found: Sequence[Chunk]) -> Iterator[Damage]:
    """Pad bytes that are missing."""
    for chunk in found:
        if chunk.size % 2 and chunk.size == chunk.present and chunk.end == chunk.offset + chunk.size:
            yield Damage("no-pad", f"no pad byte follows the {chunk.label} chunk of {chunk.size} bytes")


def ends(file: BinaryIO, found: Sequence[Chunk], length: int) -> Iterator[Damage]:
    """A last chunk that is cut off, bytes that belong to no chunk, a wrong size of the whole."""
    last, end = found[-1], found[-1].end
    if last.present < last.size and last.known:
        promise = f"the {last.label} chunk states {last.size} bytes"
        yield Damage("chunk-short", f"{promise}, the file ends after {last.present} of them")
        return
    if last.present < last.size:  # no chunk at all
        end = last.offset - 8
    if end < length:
        yield Damage("trailing", f"{length - end} bytes that belong to no chunk follow the last one")
    file.seek(0)
    head = file.read(8)
    stated = int.from_bytes(head[4:], "big" if head[:4] in (b"RIFX", b"FORM") else "little")
    if stated == 0xFFFFFFFF and found[0].name == b"ds64":
        stated = int.from_bytes(body(file, found[0], 8), "little")
    if stated + 8 not in (length, end, last.offset + last.size):
        magic = head[:4].decode("latin-1")
        yield Damage("riff-size", f"the {magic} header states {stated} bytes, {length - 8} are right")
