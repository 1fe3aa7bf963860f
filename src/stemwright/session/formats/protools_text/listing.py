"""What stands in Pro Tools' "Session Info as Text", as it stands there; times in frames of the session.

Source: the Pro Tools Reference Guide, "Exporting Session Information as Text", and exports of real sessions. Times may
be in samples, timecode (with sub-frames, drop or not) or minutes and seconds. Feet and frames need a rate that the text
lacks: whoever reads says whether the one that goes with its timecode may be taken (exports of one session in samples
and in feet agree on it). Bars need a tempo and are refused. Any part of the text may have been left out on export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from stemwright.errors import SessionError
from stemwright.units import frames

HINT = "in Pro Tools: File > Export > Session Info as Text, with Samples or Timecode as the time format"

_TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)[:;](\d\d)(?:\.(\d{2,3}))?")
_MINUTES = re.compile(r"(\d+):(\d\d(?:\.\d{1,6})?)")
_FEET = re.compile(r"(\d+)\+(\d\d)(?:\.(\d{2,3}))?")
_FORMAT = re.compile(r" \((Stereo|Mono|[\d.]+)\)$")
_SIDE = re.compile(r"\.(L|R|C|LFE|Ls|Rs|\d+)$")


@dataclass(frozen=True, slots=True)
class Event:
    """A row of a track: a clip on one of its channels, or a fade."""

    channel: int
    clip: str
    at: int
    end: int
    state: str

    @property
    def fade(self) -> bool:
        """Whether it is no clip but a fade."""
        return self.clip.startswith("(") and "fade" in self.clip


@dataclass(frozen=True, slots=True)
class ListedTrack:
    """A track as the text lists it."""

    name: str
    format: str  # Stereo, 5.1; empty for mono
    comment: str
    delay: str
    state: str  # Muted, Solo, Inactive, Hidden
    plugins: tuple[str, ...] | None  # None when they were left out
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class SessionText:
    """The whole text."""

    name: str
    rate: int
    depth: str  # 24-bit, 32-bit float
    fps: Fraction
    drop: bool
    start: str  # timecode of the session start, as it stands there
    start_frame: int
    audio_tracks: int | None
    sources: dict[str, str]  # clip -> its file; empty when the list was left out
    offline: frozenset[str]  # clips whose files Pro Tools does not find
    plugins: tuple[tuple[str, str], ...] | None  # name and instances, as `1 active`
    tracks: tuple[ListedTrack, ...]
    markers: tuple[tuple[int, str], ...] | None  # None when they were left out
    odd_markers: tuple[str, ...]  # names of those at bars and beats

    def source(self, clip: str) -> str:
        """The file of a clip; a clip group or a clip without audio has none."""
        if not self.sources:
            return f"{_SIDE.sub('', clip)}.wav"
        names = (clip, *(f"{clip}.{side}" for side in ("L", "1")), _SIDE.sub("", clip))
        return next((self.sources[name] for name in names if name in self.sources), "")


def parse(data: bytes, name: Path, feet: bool = False) -> SessionText:
    """Take the text apart. With `feet`, feet and frames count at the rate that goes with the timecode.

    Raises SessionError naming the file for what is no such text, or counts in bars, or else in feet.
    """
    try:
        lines = _decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        head = dict(line.split("\t", 1) for line in lines[:12] if "\t" in line)
        rate = round(float(head["SAMPLE RATE:"]))
        fps, drop = _frame_rate(head["TIMECODE FORMAT:"])
        start = head["SESSION START TIMECODE:"].strip()
        clock = _Clock(rate, fps, drop, feet)
        clock.start = clock.frames(start)
        rows, has_markers = list(_markers(lines, clock)), _rows(lines, "M A R K E R S") is not None
        return SessionText(
            name=head.get("SESSION NAME:", name.stem),
            rate=rate,
            depth=head.get("BIT DEPTH:", ""),
            fps=fps,
            drop=drop,
            start=start,
            start_frame=clock.start,
            audio_tracks=int(count) if (count := head.get("# OF AUDIO TRACKS:", "").strip()).isdecimal() else None,
            sources={row[0]: row[1] for row in _rows(lines, "O N L I N E  C L I P S") or () if len(row) > 1},
            offline=frozenset(row[0] for row in _rows(lines, "O F F L I N E  C L I P S") or ()),
            plugins=_plugins(lines),
            tracks=tuple(_tracks(lines, clock)),
            markers=tuple((at, name) for at, name in rows if at is not None) if has_markers else None,
            odd_markers=tuple(name for at, name in rows if at is None),
        )
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise SessionError(f"{name}: is no session text of Pro Tools: {error}", HINT) from error


class _Clock:
    """Times of the text in frames of the session."""

    def __init__(self, rate: int, fps: Fraction, drop: bool, feet: bool) -> None:
        self.rate, self.fps, self.drop, self.start = rate, fps, drop, 0
        film = Fraction(24000, 1001) if fps.denominator != 1 else Fraction(25 if fps % 25 == 0 else 24)
        self.film = film if feet else None

    def frames(self, text: str) -> int:
        """Frames after the session's start for timecode, as it stands there for everything else."""
        text = text.strip()
        if found := _TIMECODE.fullmatch(text):
            hours, minutes, seconds, number, sub = (int(part or 0) for part in found.groups())
            nominal = -(-self.fps // 1)
            count = ((hours * 60 + minutes) * 60 + seconds) * nominal + number
            if self.drop:  # SMPTE ST 12-1: two numbers are left out every minute but the tenth
                count -= 2 * (hours * 54 + minutes - minutes // 10)
            return frames((count + Fraction(sub, 100)) / self.fps, self.rate) - self.start
        if text.isdecimal() and len(text) < 15:
            return int(text)
        if found := _MINUTES.fullmatch(text):
            return frames(int(found[1]) * 60 + Fraction(found[2]), self.rate)
        if self.film and (found := _FEET.fullmatch(text)):  # 16 frames a foot of 35 mm film
            return frames(
                (int(found[1]) * 16 + int(found[2]) + Fraction(int(found[3] or 0), 100)) / self.film, self.rate
            )
        raise ValueError(f"the time {text!r} counts in feet or bars")


def _decode(data: bytes) -> str:
    """Pro Tools writes UTF-8, or what older ones call TextEdit: Mac Roman."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("mac-roman")


def _frame_rate(text: str) -> tuple[Fraction, bool]:
    number = float(text.split()[0])
    pulled = Fraction(round(number) * 1000, 1001)
    fps = pulled if abs(float(pulled) - number) < 0.01 else Fraction(round(number))
    if not 10 <= fps <= 240:
        raise ValueError(f"a timecode of {text}")
    return fps, "Drop" in text and fps.denominator != 1 and round(number) == 30


def _rows(lines: list[str], heading: str) -> list[list[str]] | None:
    """The table below a heading, without its column names; None where it was left out."""
    start = next((i for i, line in enumerate(lines) if line.startswith(heading)), None)
    if start is None:
        return None
    rows = []
    for line in lines[start + 2 :]:
        if not line.strip():
            break
        rows.append([cell.strip() for cell in line.split("\t")])
    return rows


def _plugins(lines: list[str]) -> tuple[tuple[str, str], ...] | None:
    rows = _rows(lines, "P L U G - I N S")
    return None if rows is None else tuple((row[1], row[5]) for row in rows if len(row) > 5)


def _markers(lines: list[str], clock: _Clock) -> Iterator[tuple[int | None, str]]:
    """Markers by their samples; one that is tied to a bar by its place in the time format of the text, or by none."""
    for row in _rows(lines, "M A R K E R S") or ():
        if len(row) < 5 or not row[0].isdecimal():
            continue
        try:
            yield max(0, int(row[2]) if row[3] == "Samples" else clock.frames(row[1])), row[4]
        except ValueError:
            yield None, row[4]


def _tracks(lines: list[str], clock: _Clock) -> Iterator[ListedTrack]:
    starts = [i for i, line in enumerate(lines) if line.startswith("TRACK NAME:\t")]
    for start, end in pairwise((*starts, len(lines))):
        name, block = lines[start].split("\t", 1)[1], lines[start:end]
        table = next((i for i, line in enumerate(block) if line.startswith("CHANNEL ")), len(block))
        head = dict(line.split(":", 1) for line in block[1:table] if ":" in line)
        plugins = head.get("PLUG-INS")
        rows = [[cell.strip() for cell in line.split("\t")] for line in block[table + 1 :]]
        found = _FORMAT.search(name)
        yield ListedTrack(
            name=_FORMAT.sub("", name),
            format=found[1] if found else "",
            comment=head.get("COMMENTS", "").removeprefix("\t"),
            delay=head.get("USER DELAY", "0").strip(),
            state=head.get("STATE", "").strip(),
            plugins=None if plugins is None else tuple(filter(None, map(str.strip, plugins.split("\t")))),
            events=tuple(
                Event(int(row[0]), row[2], clock.frames(row[3]), clock.frames(row[4]), row[-1])
                for row in rows
                if len(row) > 6 and row[0].isdecimal() and row[1].isdecimal()
            ),
        )
