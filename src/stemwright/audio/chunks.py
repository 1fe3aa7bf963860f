"""The chunks that a delivery carries, made and read: bext (EBU Tech 3285) and iXML (2.x)."""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass

MAX_IXML = 1 << 20
"""Bytes of an iXML chunk that we are willing to parse."""

_IXML = {
    "project": "PROJECT",
    "track": "TRACK_LIST/TRACK/NAME",
    "note": "NOTE",
    "sample_rate": "SPEED/FILE_SAMPLE_RATE",
    "bits": "SPEED/AUDIO_BIT_DEPTH",
    "channels": "TRACK_LIST/TRACK_COUNT",
    "umid": "BEXT/BWF_UMID",
}


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


def parse_ixml(body: bytes) -> dict[str, str] | None:
    """What is present in an iXML body of project, track (the first), note, bpm, sample_rate, bits, channels, umid.

    None when it is hostile or not well formed.
    """
    from lxml import etree

    body = body.rstrip(b"\0 \r\n")
    if len(body) > MAX_IXML or b"<!DOCTYPE" in body:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    found = {name: root.findtext(place) for name, place in _IXML.items()}
    tempo = (a.findtext("VALUE") for a in root.iter("ATTR") if a.findtext("NAME") == "MusicalTempo")
    found["bpm"] = next(tempo, None)
    return {name: text.strip() for name, text in found.items() if text and text.strip()}


def _xml_text(text: str) -> str:
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
    )
