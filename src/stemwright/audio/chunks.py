"""The chunks that a delivery carries, made and read.

bext (EBU Tech 3285), iXML (2.x), LIST INFO (RIFF, 1991), axml with an ISRC (EBU Tech 3352), acid (as libsndfile knows
it).
"""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stemwright.safety import xml_parser

if TYPE_CHECKING:
    from lxml import etree

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

    @classmethod
    def dated(cls, made: datetime.datetime, description: str, time_reference: int) -> Bext:
        """The chunk of something that was made at that time, and not now."""
        date, clock = f"{made:%Y-%m-%d}", f"{made:%H:%M:%S}"
        return cls(description, date=date, clock=clock, time_reference=time_reference)


def parse_bext(body: bytes) -> Bext | None:
    """The fields of a `bext` body; None when it is shorter than 348 bytes (up to TimeReference and Version)."""
    if len(body) < 348:
        return None

    def text(start: int, size: int) -> str:
        return body[start : start + size].split(b"\0")[0].decode("latin-1").strip()

    (start,) = struct.unpack_from("<Q", body, 338)
    return Bext(text(0, 256), text(256, 32), text(288, 32), text(320, 10), text(330, 8), start, text(602, 4096))


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
    *,
    project: str,
    track: str,
    channels: int,
    sample_rate: int,
    bits: int,
    tempo: float | None,
    note: str,
    old: bytes = b"",
) -> bytes:
    """An iXML body: project, track names, speed, and tempo where known; what else `old` says stays.

    The base specification has no tempo field; Steinberg's `STEINBERG/ATTR_LIST` is where hosts look for one.
    """
    from lxml import etree

    found = ixml_root(old)
    root = etree.Element("BWFXML") if found is None or found.tag != "BWFXML" else found

    def put(parent: etree._Element, name: str, text: object = None) -> etree._Element:
        child = parent.find(name)
        child = etree.SubElement(parent, name) if child is None else child
        if text is not None:
            child.text = _xml_text(str(text))
        return child

    put(root, "IXML_VERSION", "2.10")
    put(root, "PROJECT", project)
    if note:
        put(root, "NOTE", note)
    speed = put(root, "SPEED")
    put(speed, "FILE_SAMPLE_RATE", sample_rate)
    put(speed, "AUDIO_BIT_DEPTH", bits)
    tracks = put(root, "TRACK_LIST")
    put(tracks, "TRACK_COUNT", channels)
    entries = tracks.findall("TRACK")
    if len(entries) != channels:
        for entry in entries:
            tracks.remove(entry)
        entries = [etree.SubElement(tracks, "TRACK") for _ in range(channels)]
    for index, entry in enumerate(entries):
        put(entry, "CHANNEL_INDEX", index + 1)
        put(entry, "INTERLEAVE_INDEX", index + 1)
        put(entry, "NAME", f"{track} {'LR'[index]}" if channels == 2 else track)
    if tempo is not None:
        attributes = put(put(root, "STEINBERG"), "ATTR_LIST")
        attribute = next((a for a in attributes.findall("ATTR") if a.findtext("NAME") == "MusicalTempo"), None)
        attribute = etree.SubElement(attributes, "ATTR") if attribute is None else attribute
        for name, text in (("TYPE", "float"), ("NAME", "MusicalTempo"), ("VALUE", f"{tempo:.10g}")):
            put(attribute, name, text)
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def parse_ixml(body: bytes) -> dict[str, str] | None:
    """What is present in an iXML body of project, track (the first), note, bpm, sample_rate, bits, channels, umid.

    None when it is hostile or not well formed.
    """
    root = ixml_root(body)
    if root is None:
        return None
    found = {name: root.findtext(place) for name, place in _IXML.items()}
    tempo = (a.findtext("VALUE") for a in root.iter("ATTR") if a.findtext("NAME") == "MusicalTempo")
    found["bpm"] = next(tempo, None)
    return {name: text.strip() for name, text in found.items() if text and text.strip()}


def ixml_root(body: bytes) -> etree._Element | None:
    """The root of an iXML body; None when it is too large, hostile or not well formed."""
    from lxml import etree

    body = body.rstrip(b"\0 \r\n")
    if len(body) > MAX_IXML or b"<!DOCTYPE" in body:
        return None
    try:
        return etree.fromstring(body, xml_parser(blank=False))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _xml_text(text: str) -> str:
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
    )


def info_entries(body: bytes, big: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """(name, bytes) of the entries of a LIST INFO body behind its type, as far as they are there."""
    at = 0
    while at + 8 <= len(body):
        name, size = struct.unpack_from(">4sI" if big else "<4sI", body, at)
        yield name, body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def build_info(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A LIST INFO body behind its type, of (name, bytes); texts end with a zero byte, which the caller gives."""
    return b"".join(struct.pack("<4sI", name, len(text)) + text + b"\0" * (len(text) % 2) for name, text in entries)


@dataclass(frozen=True, slots=True)
class Acid:
    """What the `acid` chunk of a loop says. Hosts may stretch a file that has one."""

    bpm: float
    beats: int
    root: int | None = None
    """MIDI note of the tonic, 60 to 71; the chunk has no mode."""
    meter: tuple[int, int] = (4, 4)


_ACID = struct.Struct("<IHHfIHHf")
"""Flags (2: root set, 4: stretch), root, two unknown fields, beats, denominator, numerator, BPM (libsndfile, wav.c)."""


def build_acid(acid: Acid) -> bytes:
    """An `acid` body of 24 bytes."""
    flags = 4 | (0 if acid.root is None else 2)
    root = 60 if acid.root is None else acid.root
    return _ACID.pack(flags, root, 0x8000, 0.0, acid.beats, acid.meter[1], acid.meter[0], acid.bpm)


def parse_acid(body: bytes) -> Acid | None:
    """The facts of an `acid` body, right or wrong; None when it is shorter than 24 bytes. Tempo to six digits."""
    if len(body) < _ACID.size:
        return None
    flags, root, _, _, beats, denominator, numerator, bpm = _ACID.unpack_from(body)
    return Acid(float(f"{bpm:.6g}"), beats, root if flags & 2 else None, (numerator, denominator))


ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", re.ASCII)
"""ISO 3901, without hyphens."""


def build_axml(isrc: str) -> bytes:
    """An `axml` body that names the recording; `isrc` as `ISRC` has it."""
    kind = "http://www.ebu.ch/metadata/cs/ebu_IdentifierTypeCodeCS.xml#3.7"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ebuCoreMain xmlns="urn:ebu:metadata-schema:ebuCore_2012" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <coreMetadata>
    <identifier typeLabel="GUID" typeDefinition="Globally Unique Identifier" formatLabel="ISRC"
        formatDefinition="International Standard Recording Code" formatLink="{kind}">
      <dc:identifier>ISRC:{isrc}</dc:identifier>
    </identifier>
  </coreMetadata>
</ebuCoreMain>
""".encode()
