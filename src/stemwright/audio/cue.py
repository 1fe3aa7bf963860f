"""Places that are marked inside a WAV: cue points with their labels, read, moved and written, and sync points of iXML.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991), chapter 3, for `cue `,
`labl`, `note` and `ltxt`, of which one with the purpose `rgn ` gives a cue point its length; iXML 2.x, SYNC_POINT_LIST.
Frames count from the start of the file; no number in a file is believed.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable, Iterable, Iterator

from stemwright.audio.chunks import build_info, info_entries, ixml_root
from stemwright.audio.metadata import text_of

MOST_BYTES = 1 << 24
"""Of one chunk."""

_TEXTS = ("TYPE", "COMMENT", "FUNCTION")
_NUMBERS = (("LOW", ""), ("HIGH", "0"), ("EVENT_DURATION", "0"))
"""Fields and what stands for one that is missing."""

Place = tuple[int, int, str]
"""First frame, frames (0: a marker), name."""

Label = tuple[int, int, int, bytes]
"""Number, first frame, frames (0: a marker), text in whatever encoding; no encoding is named."""

Move = Callable[[int], int]
"""The frame of the result for one of the source."""

_POINT = struct.Struct("<II4sIII")
"""Number, place in a play list, chunk, its start, block, frame."""


def cue_points(cue: bytes, adtl: bytes) -> Iterator[Place]:
    """The points of a `cue ` body, in its order, named by what stands behind the type of a `LIST adtl` body."""
    names: dict[int, str] = {}
    lengths: dict[int, int] = {}
    for kind, body in info_entries(adtl):
        if kind in (b"labl", b"note") and len(body) > 4:
            (number,) = struct.unpack_from("<I", body)
            if kind == b"labl" or number not in names:
                names[number] = text_of(body[4:])
        elif kind == b"ltxt" and len(body) >= 12:
            number, frames, purpose = struct.unpack_from("<II4s", body)
            if purpose == b"rgn ":
                lengths[number] = frames
    for number, _, _, _, _, frame in _points(cue[4:]):
        yield frame, lengths.get(number, 0), names.get(number, "")


def cue_chunks(labels: Iterable[Label], points: bytes = b"", entries: bytes = b"") -> tuple[bytes, bytes]:
    """The bodies of `cue ` and, behind its type, of `LIST adtl`, with `points` and `entries` of older ones in front."""
    points, texts = points[: len(points) // _POINT.size * _POINT.size], []
    for number, at, frames, text in labels:
        points += _POINT.pack(number, held(at), b"data", 0, 0, held(at))
        texts += [(b"labl", struct.pack("<I", number) + text + b"\0")] if text else []
        texts += [(b"ltxt", struct.pack("<II4s8x", number, frames, b"rgn "))] if frames else []
    return struct.pack("<I", len(points) // _POINT.size) + points, entries + build_info(texts)


def free_numbers(points: bytes) -> Iterator[int]:
    """Numbers that none of the points of a `cue ` body, behind its count, has."""
    taken = {number for number, *_ in _points(points)}
    return (number for number in itertools.count(1) if number not in taken)


def moved_cues(cue: bytes, move: Move) -> bytes:
    """The body of a `cue ` chunk with every point moved."""
    made = bytearray(cue)
    for at in range(4, len(cue) - 23, _POINT.size):
        for field in (4, 20):  # dwPosition, dwSampleOffset
            (frame,) = struct.unpack_from("<I", cue, at + field)
            struct.pack_into("<I", made, at + field, held(move(frame)))
    return bytes(made)


def held(frame: int) -> int:
    """The nearest frame that a chunk can name: 32 bits, from 0 on."""
    return min(max(0, frame), 0xFFFFFFFF)


def _points(points: bytes) -> Iterator[tuple[int, int, bytes, int, int, int]]:
    return _POINT.iter_unpack(points[: len(points) // _POINT.size * _POINT.size])


def sync_points(ixml: bytes, start: int) -> list[Place] | None:
    """The sync points of an iXML body of a file that begins at frame `start` of the day; None when it is broken."""
    if not ixml:
        return []
    root = ixml_root(ixml)
    if root is None:
        return None
    found = []
    for point in root.iter("SYNC_POINT"):
        kind, comment, function = (point.findtext(f"SYNC_POINT_{name}") or "" for name in _TEXTS)
        low, high, length = (point.findtext(f"SYNC_POINT_{name}", none).strip() for name, none in _NUMBERS)
        if all(re.fullmatch(r"\d{1,10}", number, re.ASCII) for number in (low, high, length)):
            begin = start if kind.strip().upper() == "ABSOLUTE" else 0
            found.append((int(low) + (int(high) << 32) - begin, int(length), (comment or function).strip()))
    return found
