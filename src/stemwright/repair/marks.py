"""Marks that count frames: sampler loops go where the samples go, marks of AIFF and FLAC become those of WAV.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991) for `inst`; its update 3.0
(1994) for `smpl`, whose loops end with their last frame; AIFF 1.3 (Apple 1989) for `MARK` and `INST`, whose markers lie
between two frames. Cue points: `audio.cue`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from stemwright.audio.cue import Move, cue_chunks, held

_FORWARD, _TO_AND_FRO = 1, 2
"""Ways to play a loop in AIFF; WAV counts from 0."""


def moved_loops(smpl: bytes, move: Move, rate: int) -> bytes:
    """The body of a `smpl` chunk with every loop moved, at `rate` Hz; what follows the loops stays."""
    made = bytearray(smpl)
    if len(smpl) < 36:
        return smpl
    struct.pack_into("<I", made, 8, round(1e9 / rate))  # nanoseconds a frame
    (count,) = struct.unpack_from("<I", smpl, 28)
    for at in range(36, min(len(smpl) - 23, 36 + 24 * count), 24):
        start, last = struct.unpack_from("<II", smpl, at + 8)
        struct.pack_into("<II", made, at + 8, held(move(start)), held(move(last + 1) - 1))
    return bytes(made)


def of_aiff(mark: bytes, inst: bytes, move: Move, rate: int) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WAV that say what `MARK` and `INST` of an AIFF say; either body may be empty or cut off."""
    found = dict(_markers(mark))
    yield from _cues(found, move)
    if len(inst) >= 20:
        note, tune, low, high, soft, loud, gain, *loops = struct.unpack_from(">bbbbbbh6h", inst)
        yield (
            b"inst",
            struct.pack(
                "<BbbBBBB", note & 127, tune, max(-64, min(gain, 64)), *(n & 127 for n in (low, high, soft, loud))
            ),
        )
        yield from _loops(note & 127, (loops[:3], loops[3:]), found, move, rate)


def of_cue_sheet(sheet: Iterable[tuple[int, int]], move: Move) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WAV that say what the cue sheet of a FLAC says: (track, first frame)."""
    yield from _cues({track: (frame, b"Track %d" % track) for track, frame in sheet}, move)


def _cues(found: dict[int, tuple[int, bytes]], move: Move) -> Iterator[tuple[bytes, bytes]]:
    """Markers by number as `cue` and `LIST`; nothing for none."""
    if not found:
        return
    cue, adtl = cue_chunks((key, move(at), 0, name) for key, (at, name) in found.items())
    yield b"cue ", cue
    yield from [(b"LIST", b"adtl" + adtl)] if adtl else ()


def _loops(
    note: int, loops: tuple[list[int], ...], found: dict[int, tuple[int, bytes]], move: Move, rate: int
) -> Iterator[tuple[bytes, bytes]]:
    """A `smpl` chunk of the loops that lie between two known markers."""
    made = []
    for way, first, end in loops:
        if way in (_FORWARD, _TO_AND_FRO) and first in found and end in found and found[first] < found[end]:
            start, last = move(found[first][0]), move(found[end][0]) - 1
            made.append(struct.pack("<6I", first, way - 1, held(start), held(last), 0, 0))
    if made:
        yield b"smpl", struct.pack("<9I", 0, 0, round(1e9 / rate), note, 0, 0, 0, len(made), 0) + b"".join(made)


def _markers(mark: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Number -> (frame, name) of every whole marker."""
    count, at = int.from_bytes(mark[:2], "big"), 2
    while count and at + 7 <= len(mark):
        key, frame, length = struct.unpack_from(">HIB", mark, at)
        yield key, (frame, mark[at + 7 : at + 7 + length])
        at += 7 + length + (length + 1) % 2  # length and name together are even
        count -= 1
