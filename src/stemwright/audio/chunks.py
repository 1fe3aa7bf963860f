"""RIFF chunks: a tolerant walker, and the chunks a delivery carries (bext, iXML).

Sources: EBU Tech 3285 (BWF, `bext`), EBU Tech 3306 / ITU-R BS.2088 (RF64 and BW64, `ds64`), iXML 2.x.
Chunk sizes are little-endian (big-endian in RIFX); a chunk of odd size is followed by one pad byte.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_IXML = 1 << 20
"""Bytes of an iXML chunk that we are willing to parse."""

_MOST = 4096
"""Chunks that we are willing to walk; a hostile file could hold a hundred million empty ones."""

_KNOWN = frozenset(
    b"data fmt bext iXML LIST fact cue smpl inst plst acid id3 ID3 JUNK junk FLLR PAD minf elm1 regn umid DGDA LGWV "
    b"cart axml chna afsp PEAK _PMX strc bwav".split()
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk's body lies. `size` is what the header claims, `present` the bytes that are there."""

    name: bytes
    offset: int
    size: int
    present: int


@dataclass(frozen=True, slots=True)
class Bext:
    """The broadcast extension chunk (EBU Tech 3285 v1)."""

    description: str = ""
    originator: str = "stemwright"
    originator_reference: str = ""
    date: str = ""
    """yyyy-mm-dd; today when empty."""
    clock: str = ""
    """hh:mm:ss; now when empty."""
    time_reference: int = 0
    """Frames since midnight."""
    coding_history: str = ""


def walk(file: BinaryIO, length: int) -> Iterator[Chunk]:
    """The chunks of an open RIFF, RF64, BW64, RIFX or AIFF file of `length` bytes, in order, as far as they make sense.

    A missing pad byte is forgiven, an RF64 size is taken from `ds64`, a size beyond the end is cut to what is there.
    """
    file.seek(0)
    head = file.read(12)
    big = head[:4] in (b"RIFX", b"FORM")
    wide: dict[bytes, int] = {}
    at = 12
    for _ in range(_MOST):
        if at + 8 > length:
            return
        file.seek(at)
        name, size = struct.unpack(">4sI" if big else "<4sI", file.read(8))
        if not all(32 <= byte < 127 for byte in name):
            return
        body = at + 8
        if name == b"ds64":
            wide = _ds64(file.read(min(size, 1 << 16)))
        if size == 0xFFFFFFFF and name in wide:
            size = wide[name]
        yield Chunk(name, body, size, max(0, min(size, length - body)))
        at = body + size
        if size % 2 and at < length and not known_at(file, at):
            at += 1


def _ds64(body: bytes) -> dict[bytes, int]:
    if len(body) < 28:
        return {}
    _, data, _, table = struct.unpack_from("<QQQI", body)
    sizes = {b"data": data}
    for entry in range(min(table, (len(body) - 28) // 12)):
        name, size = struct.unpack_from("<4sQ", body, 28 + 12 * entry)
        sizes[name] = size
    return sizes


def known_at(file: BinaryIO, at: int) -> bool:
    """Whether a chunk of a known name starts here: where a pad byte should be, or where samples would stand."""
    file.seek(at)
    return file.read(4).rstrip() in _KNOWN


def parse_bext(body: bytes) -> Bext | None:
    """The fields of a `bext` body; None when it is shorter than 348 bytes (up to TimeReference and Version)."""
    if len(body) < 348:
        return None

    def text(start: int, size: int) -> str:
        return body[start : start + size].split(b"\0")[0].decode("latin-1").strip()

    low, high = struct.unpack_from("<II", body, 338)
    return Bext(
        text(0, 256),
        text(256, 32),
        text(288, 32),
        text(320, 10),
        text(330, 8),
        low | high << 32,
        text(602, 4096),
    )


def build_bext(bext: Bext) -> bytes:
    """A version 1 `bext` body of 602 bytes plus coding history; text is ASCII, anything else becomes `?`."""
    now = datetime.datetime.now().astimezone()

    def field(text: str, size: int) -> bytes:
        return text.encode("ascii", "replace")[:size].ljust(size, b"\0")

    return b"".join(
        (
            field(bext.description, 256),
            field(bext.originator, 32),
            field(bext.originator_reference, 32),
            field(bext.date or now.strftime("%Y-%m-%d"), 10),
            field(bext.clock or now.strftime("%H:%M:%S"), 8),
            struct.pack("<QH", bext.time_reference, 1),
            bytes(64 + 190),  # UMID unused; the loudness fields of version 2 are reserved zeros in version 1
            bext.coding_history.encode("ascii", "replace"),
        )
    )


def build_ixml(
    *, project: str, track: str, channels: int, sample_rate: int, bits: int, tempo: float | None, note: str
) -> bytes:
    """An iXML body: project, track names, speed, and tempo where known.

    The base specification has no tempo field; Steinberg's `STEINBERG/ATTR_LIST` is where hosts look for one.
    """
    from lxml import etree

    root = etree.Element("BWFXML")

    def add(parent: etree._Element, name: str, text: object) -> etree._Element:
        child = etree.SubElement(parent, name)
        child.text = _xml_text(str(text))
        return child

    add(root, "IXML_VERSION", "2.10")
    add(root, "PROJECT", project)
    if note:
        add(root, "NOTE", note)
    speed = etree.SubElement(root, "SPEED")
    add(speed, "FILE_SAMPLE_RATE", sample_rate)
    add(speed, "AUDIO_BIT_DEPTH", bits)
    tracks = etree.SubElement(root, "TRACK_LIST")
    add(tracks, "TRACK_COUNT", channels)
    for index in range(channels):
        entry = etree.SubElement(tracks, "TRACK")
        add(entry, "CHANNEL_INDEX", index + 1)
        add(entry, "INTERLEAVE_INDEX", index + 1)
        add(entry, "NAME", f"{track} {'LR'[index]}" if channels == 2 else track)
    if tempo is not None:
        attributes = etree.SubElement(etree.SubElement(root, "STEINBERG"), "ATTR_LIST")
        attribute = etree.SubElement(attributes, "ATTR")
        for name, text in (("TYPE", "float"), ("NAME", "MusicalTempo"), ("VALUE", f"{tempo:.10g}")):
            add(attribute, name, text)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def parse_ixml(body: bytes) -> dict[str, str]:
    """project, track, note, bpm of an iXML body, as far as present; empty when it is hostile or not well formed."""
    from lxml import etree

    body = body.rstrip(b"\0 \r\n")
    if len(body) > MAX_IXML or b"<!DOCTYPE" in body:
        return {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return {}
    found = {
        "project": root.findtext("PROJECT"),
        "note": root.findtext("NOTE"),
        "track": root.findtext("TRACK_LIST/TRACK/NAME"),
        "bpm": next((a.findtext("VALUE") for a in root.iter("ATTR") if a.findtext("NAME") == "MusicalTempo"), None),
    }
    return {name: text.strip() for name, text in found.items() if text and text.strip()}


def _xml_text(text: str) -> str:
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
    )
