"""What the header of an AIFF or AIFF-C file promises, and what is really there (Apple, AIFF 1.3 1989, AIFF-C 1991).

COMM states the number of frames, SSND holds them; either may be wrong, and the smaller one is believed.
"""

from __future__ import annotations

import math
import struct
from typing import BinaryIO

from stemwright.audio.headers import (
    AGAIN,
    KINDS,
    Header,
    Layout,
    Words,
    header,
    make_format,
    streamed,
    truncated,
    width_of,
)
from stemwright.audio.riff import Chunk, are_chunks, body, ends, pads, walk
from stemwright.errors import DamagedAudio
from stemwright.model import Damage

_UNPACKED = {b"NONE": "i", b"twos": "i", b"sowt": "i", b"raw ": "i", b"in24": "i3", b"in32": "i4",
             b"fl32": "f4", b"FL32": "f4", b"fl64": "f8", b"FL64": "f8"}  # fmt: skip
"""Compression types that are none -> dtype; its width, where not given, follows from COMM's number of bits."""


def read_aiff(file: BinaryIO, length: int) -> Header:
    """The header of an open AIFF file of `length` bytes. Raises DamagedAudio like `headers.read_wav`."""
    found = list(walk(file, length))
    comm = next((chunk for chunk in found if chunk.name == b"COMM"), None)
    if comm is None or comm.present < 18:
        raise DamagedAudio(f"{file.name}: an AIFF file without a usable 'COMM' chunk", AGAIN)
    stated = body(file, comm, 22)
    promised = int.from_bytes(stated[2:6], "big")
    words = _words(file.name, stated)
    at = next((index for index, chunk in enumerate(found) if chunk.name == b"SSND" and chunk.present >= 8), None)
    if at is None and promised:
        raise DamagedAudio(f"{file.name}: an AIFF file without a 'SSND' chunk, so without audio", AGAIN, "no-data")
    if at is None:
        return header(found, [*pads(found), *ends(file, found, length)], words, 0, 0)
    data = found[at]
    start = data.offset + 8 + int.from_bytes(body(file, data, 4), "big")
    present, broken = _audio(found, at, start, promised * words.align, words, length)
    damage = [broken] if broken else []
    if broken and broken.kind != "odd-tail":  # what follows are no chunks
        found = [*found[:at], Chunk(data.name, data.offset, length - data.offset, length - data.offset, length)]
        damage += pads(found[:at])
    else:
        damage += (*pads(found), *ends(file, found, length))
    return header(found, damage, words, min(start, length), present)


def _words(name: str, comm: bytes) -> Words:
    channels, _, bits, exponent, mantissa = struct.unpack_from(">hIhHQ", comm)
    codec = comm[18:22] or b"NONE"  # AIFF has none, AIFF-C says NONE
    if codec not in _UNPACKED:
        return Words()
    rate = round(math.ldexp(mantissa, exponent - 16383 - 63)) if exponent < 16383 + 64 else 0
    dtype = _UNPACKED[codec]
    width = int(dtype[1:] or (bits + 7) // 8)
    bits = bits if dtype == "i" else 8 * width
    width = width_of(name, rate, channels, bits, width, dtype[0] == "f")
    dtype = f"{'u' if width == 1 else dtype[0]}{width}"
    if dtype not in KINDS:
        return Words()
    layout = Layout(0, channels * width, dtype, codec != b"sowt", width == 1 and codec != b"raw ")
    return Words(make_format("aiff", dtype, bits, rate, channels), layout)


def _audio(
    found: list[Chunk], at: int, start: int, promised: int, words: Words, length: int
) -> tuple[int, Damage | None]:
    """Bytes of audio to be read, and what is wrong with them."""
    data, rest = found[at], max(0, length - start)
    size = max(0, data.offset + data.size - start)
    present = min(size, rest)
    if words.format is None:
        return present, None
    if not promised and (present or (rest > words.align and not are_chunks(found[at + 1 :], length))):
        detail = f"the header says 0 frames, but {present or rest} bytes of audio follow: a recording that was cut off"
        return present or rest, Damage("zero-size", detail)
    if size > present and streamed(size, words.align):
        detail = f"the header was never completed: it states {size} bytes of audio, all {rest} that follow are it"
        return rest, Damage("streamed", detail)
    if promised > present:
        return present, truncated(words, promised, present)
    if size > promised:
        detail = f"{size - promised} bytes follow the {promised // words.align} frames that COMM states"
        return promised, Damage("odd-tail", detail)
    return promised, None
