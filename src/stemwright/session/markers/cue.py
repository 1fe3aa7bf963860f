"""CUE sheets: the tracks or chapters of one audio file, in 75ths of a second (CDRWIN user's guide; Red Book frames)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from stemwright.model import Marker, Song
from stemwright.session.markers import Marked, read_text, tidy
from stemwright.units import frames

SUFFIXES = (".cue",)

_INDEX = re.compile(r"\s*INDEX\s+01\s+(\d{1,5}):([0-5]\d):([0-6]\d|7[0-4])\s*", re.IGNORECASE | re.ASCII)


def read(path: Path, song: Song) -> Marked:
    """Read where the tracks of the sheet's first file begin (INDEX 01)."""
    told: list[str] = []
    return tidy(_tracks(read_text(path).splitlines(), song.sample_rate, told), told)


def _tracks(lines: list[str], rate: int, told: list[str]) -> Iterator[Marker]:
    files, number, title = 0, "", ""
    for place, line in enumerate(lines, 1):
        word, _, rest = line.strip().partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "FILE":
            files += 1
            if files > 1:
                told.append("the sheet names several files; what stands in the first one was taken")
                return
        elif word == "TRACK":
            number, title = rest.partition(" ")[0], ""
        elif word == "TITLE" and number:
            title = rest.strip('"')
        elif found := _INDEX.fullmatch(line):
            minutes, seconds, parts = map(int, found.groups())
            at = Fraction(4500 * minutes + 75 * seconds + parts, 75)
            yield Marker(frames(at, rate), title or f"Track {number}")
        elif word == "INDEX" and rest[:2] == "01":
            told.append(f"line {place}: {line.strip()[:40]!r} is no place")
