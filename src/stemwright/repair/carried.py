"""What travels beside the samples: bext, iXML, markers, tags, and every chunk that nobody here knows.

Chunks are kept byte by byte. Changed are only facts that the repair makes wrong: the time stamp, cue points and loops
behind silence that was put in front, and the format stated in iXML. Checksums and peaks of changed samples are left
out. Tags and markers of an AIFF become those of a WAV, and so does the cue sheet of a FLAC.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath

from stemwright.audio.chunks import Bext, build_bext, parse_bext
from stemwright.audio.cue import Move, moved_cues
from stemwright.audio.tags import read_cover, read_cue_sheet, stem_id3
from stemwright.repair import marks
from stemwright.repair.lost import PLAIN, turned
from stemwright.repair.treatment import Treatment

_HEADER = frozenset(("fmt", "data", "fact", "ds64", "bext", "JUNK", "junk", "FLLR", "PAD"))
"""What the writer makes itself, and filler."""
_OF_SAMPLES = frozenset(("MD5", "PEAK", "levl"))
_FIXED = 602
"""Bytes of a bext chunk before its coding history (EBU Tech 3285)."""


def bext(t: Treatment) -> bytes | None:
    """The bext body of the result; None for none. A file that had one keeps it, but for what became wrong."""
    if t.start is None:
        return None
    old = next((body for name, body in _chunks(t) if name == "bext"), b"")
    if len(old) >= _FIXED and not t.new_bext and not t.lossy and len(t.channels) == t.stem.file.format.channels:
        return old[:338] + struct.pack("<Q", t.start) + old[346:]
    made = datetime.fromtimestamp(t.stem.file.path.stat().st_mtime)  # the source's date: the same bytes every time
    found = parse_bext(old) or Bext(PurePath(t.name).stem)
    return build_bext(
        replace(found, date=_date(found.date, made), clock=_clock(found.clock, made), time_reference=t.start)
    )


def others(t: Treatment) -> Iterator[tuple[bytes, bytes]]:
    """Every other chunk of the result, in the source's order."""
    file = t.stem.file
    if not file.format.riff:
        tags = stem_id3(file.tags, read_cover(file.path)) if file.tags else b""
        yield from [(b"id3 ", tags)] if tags else ()
        yield from _of_aiff(t) if file.format.container == "aiff" else ()
        if file.format.container == "flac":
            yield from marks.of_cue_sheet(read_cue_sheet(file.path), _move(t))
    as_it_was = (t.rate, t.frames, t.bits, t.encoding, t.channels) == (
        *(file.format.sample_rate, file.frames, file.format.container_bits or file.format.bits, file.format.encoding),
        tuple(range(file.format.channels)),
    ) and not (t.head or t.lossy or -1 in t.signs)
    for name, body in _chunks(t):
        if name in _HEADER or (name in _OF_SAMPLES and not as_it_was) or (name == "iXML" and t.ixml is not None):
            continue
        if name == "iXML":
            body = _restated(body, t)
        elif name == "cue":
            body = moved_cues(body, _move(t))
        elif name == "smpl":
            body = marks.moved_loops(body, _move(t), t.rate)
        yield name.ljust(4).encode("latin-1"), body
    if t.ixml:
        yield b"iXML", t.ixml


def _chunks(t: Treatment) -> Iterator[tuple[str, bytes]]:
    file = t.stem.file
    if not file.format.riff:
        return
    kept = PLAIN if turned(file) else None
    with file.path.open("rb") as source:
        for chunk in file.chunks:
            name = chunk.name.rstrip()
            if name != "data" and (kept is None or name in kept):
                source.seek(chunk.offset)
                yield name, source.read(chunk.bytes)


def _of_aiff(t: Treatment) -> Iterator[tuple[bytes, bytes]]:
    found = {"MARK": b"", "INST": b""}
    with t.stem.file.path.open("rb") as source:
        for chunk in t.stem.file.chunks:
            if chunk.name in found:
                source.seek(chunk.offset)
                found[chunk.name] = source.read(chunk.bytes)
    return marks.of_aiff(found["MARK"], found["INST"], _move(t), t.rate)


def _move(t: Treatment) -> Move:
    return lambda frame: round(frame * t.scale) + t.head


def _restated(ixml: bytes, t: Treatment) -> bytes:
    """An iXML body with format and time stamp of the result where it states them; all else to the byte."""
    low, high = (t.start or 0) & 0xFFFFFFFF, (t.start or 0) >> 32
    facts = {
        "FILE_SAMPLE_RATE": t.rate, "DIGITIZER_SAMPLE_RATE": t.rate, "TIMESTAMP_SAMPLE_RATE": t.rate,
        "AUDIO_BIT_DEPTH": t.bits, "TRACK_COUNT": len(t.channels),
        "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO": low, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI": high,
        "BWF_TIME_REFERENCE_LOW": low, "BWF_TIME_REFERENCE_HIGH": high,
    }  # fmt: skip
    for name, value in facts.items():
        ixml = re.sub(rf"(<{name}>\s*)\d+(?=\s*<)".encode(), rb"\g<1>%d" % value, ixml)
    return ixml


def _date(text: str, made: datetime) -> str:
    return re.sub(r"\D", "-", text) if re.fullmatch(r"\d{4}\D[01]\d\D[0-3]\d", text) else made.strftime("%Y-%m-%d")


def _clock(text: str, made: datetime) -> str:
    return re.sub(r"\D", ":", text) if re.fullmatch(r"[0-2]\d\D[0-5]\d\D[0-5]\d", text) else made.strftime("%H:%M:%S")
