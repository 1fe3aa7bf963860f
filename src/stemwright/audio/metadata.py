"""What a WAV or AIFF file says about itself: bext (EBU Tech 3285), iXML, LIST INFO, and what it gives away.

Fields are kept as they stand, right or wrong; the MET rules judge them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from stemwright.audio.chunks import MAX_IXML, Bext, info_entries, parse_bext, parse_ixml
from stemwright.audio.places import AIFF, INFO
from stemwright.audio.riff import Chunk, body
from stemwright.model import Metadata

_TEXT = frozenset((b"bext", b"iXML", b"LIST", b"_PMX", b"axml", b"cart", b"NAME", b"AUTH", b"ANNO", b"(c) "))
_MOST_BYTES = 1 << 23
"""Of all text chunks together; a hostile file could hold gigabytes of them."""
_UNUSED = 0x7FFF
"""Loudness value of a version 2 bext that was not measured (EBU Tech 3285 v2)."""
_NAMED = r"[^\x00-\x1f<>\"|?*]"
_PRIVATE = {
    "path": re.compile(
        rf"\b[A-Za-z]:\\{_NAMED}+|(?<!\w)\\\\\w{_NAMED}+\\{_NAMED}+|(?:file:)?/+(?:Users|home|Volumes)/{_NAMED}+"
    ),
    "place": re.compile(r"<LOCATION_GPS>\s*([^<]+?)\s*<|GPSL(?:at|ong)itude\W{1,3}([-+\d.,°' NSEW]+)"),
}
_MOST_PRIVATE = 20


def read_metadata(file: BinaryIO, found: Sequence[Chunk], big: bool) -> tuple[Metadata, Bext | None]:
    """The facts of an open file, and its bext chunk unless that is cut off before its time reference."""
    bodies = list(_bodies(file, found))
    first = dict(reversed(bodies))
    bext, ixml = first.get(b"bext", b""), first.get(b"iXML")
    facts = parse_ixml(ixml) if ixml is not None else {}
    info = dict(_info(bodies, big))
    version, umid, loudness, peak = _version(bext)
    return Metadata(
        bext_bytes=next((chunk.present for chunk in found if chunk.name == b"bext"), 0),
        bext_version=version,
        description=_field(bext[:256]),
        originator=_field(bext[256:288]),
        date=_field(bext[320:330]),
        clock=_field(bext[330:338]),
        umid=umid,
        loudness_lufs=loudness,
        true_peak_dbtp=peak,
        ixml="absent" if ixml is None else "broken" if facts is None else "fine",
        ixml_facts=tuple(sorted((facts or {}).items())),
        info_facts=tuple(sorted(info.items())),
        private=tuple(dict.fromkeys(_private(bodies)))[:_MOST_PRIVATE],
    ), parse_bext(bext)


def _bodies(file: BinaryIO, found: Sequence[Chunk]) -> Iterator[tuple[bytes, bytes]]:
    left = _MOST_BYTES
    for chunk in found:
        if chunk.name in _TEXT and left > 0:
            data = body(file, chunk, min(MAX_IXML + 1, left))
            left -= len(data)
            yield chunk.name, data


def _field(data: bytes) -> str:
    return data.split(b"\0")[0].decode("latin-1")


def _version(bext: bytes) -> tuple[int, str, float | None, float | None]:
    """Version, UMID, integrated loudness (LUFS) and true peak (dBTP); the last three as far as the version has them."""
    if len(bext) < 348:
        return 0, "", None, None
    version = int.from_bytes(bext[346:348], "little")
    umid = bext[348:412].hex() if version and any(bext[348:412]) else ""
    if version < 2 or len(bext) < 422:
        return version, umid, None, None
    loudness, _, peak = (None if value == _UNUSED else value / 100 for value in struct.unpack_from("<3h", bext, 412))
    return version, umid, loudness, peak


def _info(bodies: list[tuple[bytes, bytes]], big: bool) -> Iterator[tuple[str, str]]:
    for chunk, data in bodies:
        if chunk in AIFF and (text := text_of(data)):
            yield AIFF[chunk], text
        if chunk == b"LIST" and data[:4] == b"INFO":
            for name, said in info_entries(data[4:], big):
                if name in INFO and (text := text_of(said)):
                    yield INFO[name], text


def text_of(data: bytes) -> str:
    """Text in whatever encoding its writer took for granted: UTF-16 with its mark, UTF-8, else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").split("\0")[0].strip()
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def _private(bodies: list[tuple[bytes, bytes]]) -> Iterator[str]:
    """Absolute paths, which hold the names of users and clients, and coordinates: "bext: /Users/anna/Song"."""
    for name, data in bodies:
        text = data.decode("utf-8", "replace")
        for pattern in _PRIVATE.values():
            for match in pattern.finditer(text):
                said = next((group for group in match.groups() if group), match[0])
                yield f"{name.decode('latin-1').strip()}: {said.strip()[:200]}"
