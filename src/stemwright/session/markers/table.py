"""Markers as a table: our `markers.csv`, REAPER's and Audition's marker lists, Audacity's labels.

Ours has the columns bar|beat, time, frame, name, length and colour, so that a spreadsheet and an ear can both be used.
The first three say the same: of those the one that was edited counts, which is the one that the others contradict.
The header names the rate of the frames and the grid of the bars; when that grid has changed since, bars count only in
rows that have nothing else. Texts that a spreadsheet would take for a formula begin with an apostrophe (OWASP, CSV
injection).
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from io import StringIO
from pathlib import Path

from stemwright.errors import InputError
from stemwright.model import Marker, Song
from stemwright.naming import one_line
from stemwright.safety import write_bytes
from stemwright.session.markers import MOST, Marked, read_text, tidy
from stemwright.session.markers._places import Find, finder, parse_time, spell_time, speller
from stemwright.units import frames, seconds

NAME = "markers.csv"
SUFFIXES = (".csv", ".tsv", ".txt")

_COLUMNS = {
    "bar": {"bar|beat", "bar", "bars", "takt"},
    "time": {"time", "start", "position", "in", "zeit"},
    "frame": {"frame", "frames", "sample", "samples"},
    "end": {"end", "out", "ende"},
    "name": {"name", "marker", "label", "title", "description"},
    "length": {"length", "duration"},
    "colour": {"colour", "color", "farbe"},
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_RATE, _GRID = re.compile(r"frame \(([1-9]\d{3,5}) hz\)"), re.compile(r"\(grid ([0-9a-f]{6})\)")
_BARS = re.compile(r"-?\d+\.\d+\.\d\d", re.ASCII)
"""Bar, beat and hundredths, as REAPER writes them."""
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")
_NEAR_S = Fraction(1, 1000)
"""Bars and times that lie so close say the same."""


def write_table(path: Path, song: Song, markers: Sequence[Marker]) -> None:
    """Write `markers` of a song, in UTF-8 with the mark that spreadsheets look for."""
    rate, table = song.sample_rate, StringIO()
    rows = csv.writer(table, lineterminator="\r\n")
    rows.writerow((f"bar|beat (grid {_grid(song)})", "time", f"frame ({rate} Hz)", "name", "length", "colour"))
    last = max((marker.at for marker in markers), default=0)
    bar = speller(song, seconds(last, rate) + 20)
    for marker in markers:
        at = seconds(marker.at, rate)
        length = spell_time(seconds(marker.length, rate)) if marker.length else ""
        texts = (bar(at), spell_time(at), str(marker.at), one_line(marker.name), length, marker.colour or "")
        rows.writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    write_bytes(path, table.getvalue().encode("utf-8-sig", "replace"))


def read(path: Path, song: Song) -> Marked:
    """Read a table. Raises InputError for one whose columns are not told, or of more than `MOST` rows."""
    heads, *rows = _rows(path) or [[]]
    columns = _columns(heads)
    if not columns and len(heads) > 1 and None not in map(parse_time, heads[:2]):  # Audacity's labels have no header
        columns, heads, rows = {"time": 0, "end": 1, "name": 2}, [], [heads, *rows]
    if not columns.keys() & {"bar", "time", "frame"}:
        raise InputError(f"{path}: does not say which column is what", "let it begin with the line: time,name")
    cells = [
        {name: _plain(row[at]) for name, at in columns.items() if at < len(row) and row[at].strip()} for row in rows
    ]
    stamps = " ".join(heads).lower()
    rate, grid = (re.search(stamp, stamps) for stamp in (_RATE, _GRID))
    on_grid = grid is None or grid[1] == _grid(song)
    find = finder(song, [row[name] for row in cells for name in ("bar", "time", "end") if name in row])
    told: list[str] = []
    frame = Fraction(1, int(rate[1]) if rate else song.sample_rate)
    return tidy(list(_markers(cells, frame, song.sample_rate, find, on_grid, told)), told)


def _rows(path: Path) -> list[list[str]]:
    lines = read_text(path).splitlines()
    told = re.fullmatch(r"sep=(.)", lines[0].strip(), re.IGNORECASE) if lines else None
    lines = lines[1:] if told else lines
    if len(lines) > MOST:
        raise InputError(f"{path}: has more than {MOST} rows", "is it really a list of markers?")
    delimiter = told[1] if told else max("\t;,", key=(lines or [""])[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
        if all(len(row) < 2 for row in rows):  # a spreadsheet with another delimiter took each line for one cell
            rows = list(csv.reader(["".join(row) for row in rows], delimiter=delimiter))
        return [row for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path}: is no table: {error}", "save it as CSV") from None


def _columns(heads: Sequence[str]) -> dict[str, int]:
    """Which column holds what, by the words in `_COLUMNS`; the first one of equals."""
    plain = [re.sub(r"\(.*", "", head).strip().lower() for head in heads]
    return {
        name: min(plain.index(word) for word in words if word in plain)
        for name, words in _COLUMNS.items()
        if not words.isdisjoint(plain)
    }


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps it from being a formula."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _markers(
    cells: Sequence[dict[str, str]], frame: Fraction, rate: int, find: Find, on_grid: bool, told: list[str]
) -> Iterator[Marker]:
    """The markers of rows; `frame` is the length of one in the table, in seconds."""
    for number, row in enumerate(cells, 1):
        spots: dict[str, Fraction | None] = {
            name: _seconds(name, row[name], frame, find) for name in ("bar", "time", "frame") if name in row
        }
        told += [f"marker {number}: {row[name]!r} is no {name}" for name, at in spots.items() if at is None]
        known = {name: at for name, at in spots.items() if at is not None}
        if not on_grid and len(known) > 1:
            known.pop("bar", None)
        if not known:
            told.append(f"marker {number} does not say where it stands")
            continue
        at, end = _meant(known), _seconds("end", row["end"], frame, find) if "end" in row else None
        length = parse_time(row.get("length", "")) or (end - at if end and end > at else Fraction(0))
        colour = _COLOUR.fullmatch(row.get("colour", ""))
        yield Marker(
            frames(at, rate), row.get("name", ""), frames(length, rate), f"#{colour[1].lower()}" if colour else None
        )


def _seconds(name: str, cell: str, frame: Fraction, find: Find) -> Fraction | None:
    """The time that a cell of the column `name` means; None for none."""
    if name == "frame":
        return int(cell) * frame if re.fullmatch(r"-?\d{1,12}", cell, re.ASCII) else None
    return find(cell) if name == "bar" or _BARS.fullmatch(cell) else parse_time(cell)


def _meant(spots: Mapping[str, Fraction]) -> Fraction:
    """Of up to three readings of a place the one that was edited: two that agree were not."""
    for name, at in spots.items():
        others = [other for key, other in spots.items() if key != name]
        if len(others) == 2 and abs(others[0] - others[1]) < _NEAR_S <= abs(at - others[0]):
            return at
    agree = max(spots.values()) - min(spots.values()) < _NEAR_S
    return spots["frame"] if agree and "frame" in spots else next(iter(spots.values()))


def _grid(song: Song) -> str:
    """A short name for where the bars of a song lie."""
    bpm = song.bpm.value if song.bpm else None
    text = f"{bpm} {song.tempo_map} {song.meter_map} {seconds(song.downbeat_frame, song.sample_rate)}"
    return hashlib.sha256(text.encode()).hexdigest()[:6]
