"""Whether a file that libsndfile reads ends where it says: it is silently content with less.

Sources: RFC 3533 (Ogg pages), Sony Wave64, Sun/NeXT .snd, Apple Core Audio Format 1.0. FLAC and MP3 tell only while
they are decoded.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from stemwright.model import Damage

_PAGE = 27 + 255 + 255 * 255
"""Bytes of the longest Ogg page."""
_MOST = 4096
"""Chunks that we are willing to walk."""
_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
"""Encoding of a .snd file -> bytes of a sample."""


def shortfall(path: Path, container: str, frames: int, rate: int) -> tuple[Damage, ...]:
    """The damage "truncated" when the container states more than the file holds, of which `frames` can be read."""
    count = {"ogg": _ogg, "opus": _ogg, "w64": _w64, "au": _au, "caf": _caf}.get(container)
    promised: int | None = 0
    with path.open("rb") as file:
        if count:
            with suppress(struct.error):
                promised = count(file, os.fstat(file.fileno()).st_size)
    if promised is None:
        detail = f"has no end mark behind its {frames} frames; how many are missing it cannot tell"
        return (Damage("truncated", detail),)
    return cut_short(promised, frames, rate)


def cut_short(promised: int, frames: int, rate: int) -> tuple[Damage, ...]:
    """The damage of a file that holds `frames` of the frames that it promises; none when these are all."""
    lost = promised - frames
    if lost <= 0:
        return ()
    detail = f"the header promises {promised} frames, the file ends after {frames} ({lost / rate:.3f} s lost)"
    return (Damage("truncated", detail, lost),)


def _ogg(file: BinaryIO, length: int) -> int | None:
    """Frames that the last page promises when it is cut; None when nothing tells how many are missing."""
    opus = b"OpusHead" in file.read(64)  # which counts in frames of 48 kHz, whatever it decodes to
    file.seek(max(0, length - 2 * _PAGE))
    end = file.read()
    at = end.rfind(b"OggS\0")
    if at < 0 or at + 27 > len(end):
        return None
    flags, granule = struct.unpack_from("<Bq", end, at + 5)
    lacing = end[at + 27 : at + 27 + end[at + 26]]
    if at + 27 + end[at + 26] + sum(lacing) > len(end):
        return None if opus or granule < 0 else granule
    return 0 if flags & 4 else None


def _w64(file: BinaryIO, length: int) -> int:
    """Frames promised when bytes are missing, else 0; as the next two."""
    at, align = 40, 0
    for _ in range(_MOST):
        file.seek(at)
        name, size = struct.unpack("<4s12xQ", file.read(24))  # a GUID of which the first four bytes are the name
        if name == b"fmt ":
            align = struct.unpack("<12xH", file.read(14))[0]
        if name == b"data":
            return (size - 24) // align if at + size > length and align else 0
        at = min(at + max(24, size + -size % 8), length)
    return 0


def _au(file: BinaryIO, length: int) -> int:
    head = file.read(24)
    offset, size, encoding, _, channels = struct.unpack("<4x5I" if head[:4] == b"dns." else ">4x5I", head)
    align = _AU_BYTES.get(encoding, 0) * channels
    missing = size != 0xFFFFFFFF and offset + size > length
    return size // align if missing and align else 0


def _caf(file: BinaryIO, length: int) -> int:
    at, packet, frames = 8, 0, 0
    for _ in range(_MOST):
        file.seek(at)
        name, size = struct.unpack(">4sq", file.read(12))
        at += 12
        if name == b"desc":
            packet, frames = struct.unpack(">16x2I", file.read(24))
        if name == b"data" and packet:  # of size -1 when it lasts to the end of the file; 4 bytes count the edits
            return (size - 4) // packet * frames if at + size > length else 0
        if name == b"data" or size < 0:
            break
        at = min(at + size, length)
    return 0
