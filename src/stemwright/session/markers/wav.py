"""The markers inside a WAV or FLAC: cue points with their labels, the sync points of iXML, a FLAC's cue sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stemwright.audio.cue import MOST_BYTES, cue_points, sync_points
from stemwright.audio.probe import probe
from stemwright.audio.tags import read_cue_sheet
from stemwright.model import AudioFile, Marker, Song
from stemwright.safety import readable
from stemwright.session.markers import Marked, tidy
from stemwright.units import rescale

SUFFIXES = (".wav", ".wave", ".bwf", ".rf64", ".flac")


def read(path: Path, song: Song) -> Marked:
    """Read what stands in the file, in frames from its start. Raises NotFoundInput and InputError."""
    file = probe(path)
    rate = file.format.sample_rate
    told: list[str] = []
    points = _points(file, told)
    return tidy((Marker(rescale(at, rate, song.sample_rate), name, rescale(length, rate, song.sample_rate))
                 for at, length, name in points), told)  # fmt: skip


def _points(file: AudioFile, told: list[str]) -> Iterator[tuple[int, int, str]]:
    """(frame, frames, name)."""
    if file.format.container == "flac":
        yield from ((at, 0, f"Track {number}") for number, at in read_cue_sheet(file.path))
        return
    bodies = _bodies(file)
    yield from cue_points(bodies.get("cue", b""), bodies.get("LIST", b""))
    found = sync_points(bodies.get("iXML", b""), file.start_frame or 0)
    if found is None:
        told.append("the iXML is passed over: it is too large or no XML")
    yield from found or ()


def _bodies(file: AudioFile) -> dict[str, bytes]:
    """The chunks that hold markers; all label lists behind each other."""
    found: dict[str, bytes] = {}
    try:
        with file.path.open("rb") as source:
            for chunk in file.chunks:
                name = chunk.name.rstrip()
                if name in ("cue", "LIST", "iXML"):
                    source.seek(chunk.offset)
                    body = source.read(min(chunk.bytes, MOST_BYTES + 1))
                    if name != "LIST":
                        found.setdefault(name, body)
                    elif body[:4] == b"adtl":
                        found[name] = found.get(name, b"") + body[4:]
    except OSError as error:
        raise readable(error, file.path) from error
    return found
