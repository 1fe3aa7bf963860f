"""Markers from files that people and programs make: one module per kind of file, found here.

A module has `SUFFIXES` and `read(path, song) -> Marked`, with frames at the rate of the song counted from the start of
the stems. It survives any bytes with a StemwrightError; single markers that make no sense are passed over and told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from stemwright import safety
from stemwright.errors import InputError
from stemwright.model import Marker, Song
from stemwright.naming import one_line
from stemwright.registry import discover
from stemwright.units import many

MOST = 100_000
"""Markers, and rows of a table, that are read."""
MOST_BYTES = 16 << 20
"""Of a file that is no audio and no session."""
LONGEST_NAME = 200
LONGEST_S = 100 * 3600


@dataclass(frozen=True, slots=True)
class Marked:
    """Markers in order, and sentences about what was passed over."""

    markers: tuple[Marker, ...]
    warnings: tuple[str, ...] = ()


def read_markers(path: Path, song: Song) -> Marked:
    """The markers of a file, by its suffix; bars are those of the song.

    Raises NotFoundInput, InputError for a file of another kind and for one that is not what it is called.
    """
    modules = discover("stemwright.session.markers").values()
    known = {suffix: module for module in modules for suffix in module.SUFFIXES}
    module = _of_text(path) or known.get(path.suffix.lower())
    if module is None:
        raise InputError(f"{path}: is no file that markers are read from", f"known: {', '.join(sorted(known))}")
    marked: Marked = module.read(path, song)
    return marked


def _of_text(path: Path) -> ModuleType | None:
    """The reader of sessions, for a session export in a text file, which others use for tables."""
    if path.suffix.lower() == ".txt" and read_bytes(path, MOST_BYTES)[:12] == b"SESSION NAME":
        return discover("stemwright.session.markers")["sessions"]
    return None


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file of at most `most` bytes. Raises NotFoundInput and InputError."""
    data = safety.read_bytes(path, most + 1)
    if len(data) > most:
        raise InputError(f"{path}: is larger than {most >> 20} MiB", "is it really a list of markers?")
    return data


def read_text(path: Path) -> str:
    """A text in the encodings that spreadsheets save: UTF-8, UTF-16 with or without its mark, else Windows-1252."""
    data = read_bytes(path)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[1:40:2].strip(b"\0") == b"" and len(data) > 3:
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def tidy(markers: Iterable[Marker], warnings: Iterable[str] = ()) -> Marked:
    """Markers in order, with names on one line; those before the audio or without end are passed over, and told.

    Raises InputError for more than `MOST`.
    """
    found: list[Marker] = []
    odd = 0
    for marker in markers:
        if len(found) >= MOST:
            raise InputError(f"there are more than {MOST} markers", "is it really a list of markers?")
        if marker.at < 0 or marker.length < 0:
            odd += 1
            continue
        name = one_line(marker.name)[:LONGEST_NAME].strip() or f"Marker {len(found) + 1}"
        found.append(Marker(marker.at, name, marker.length, marker.colour))
    told = [f"{many(odd, 'marker')} before the audio passed over"] if odd else []
    return Marked(tuple(sorted(found, key=lambda marker: marker.at)), (*in_short(warnings), *told))


def in_short(warnings: Iterable[str], most: int = 3) -> list[str]:
    """The first sentences, and how many more there are."""
    told = list(warnings)
    return told[:most] + ([f"and {len(told) - most} more like these"] if len(told) > most else [])
