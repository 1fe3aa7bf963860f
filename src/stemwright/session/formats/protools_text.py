"""Pro Tools' "Session Info as Text": the only thing besides AAF that Pro Tools tells others; it can only be read.

Source: the Pro Tools Reference Guide, "Exporting Session Information as Text", and exports of real sessions. Times may
be in samples, timecode (with sub-frames, drop or not) or minutes and seconds; feet and frames and bars are refused,
because they need facts that the text lacks. A stereo track has a row per channel and event: the first channel counts.
Where in its file a clip begins stands only in the TIMESTAMP column, if at all, so clips are read from the file's start
and that is told, as is what the text only mentions: plug-ins, fades, clip groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from stemwright.errors import SessionError
from stemwright.model import Clip, Marker, Session, Track
from stemwright.naming import unique
from stemwright.session.formats import Opened
from stemwright.session.formats._told import Told
from stemwright.session.grid import song_from
from stemwright.session.media import Roots, read_media
from stemwright.units import frames

NAME = "Pro Tools text"
SUFFIXES = (".txt",)
EXPRESSES = frozenset({"audio", "markers", "mute", "solo", "comments", "start_timecode", "frame_rate"})
MOST_BYTES = 32 << 20

_HINT = "in Pro Tools: File > Export > Session Info as Text, with Samples or Timecode as the time format"
_TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)[:;](\d\d)(?:\.(\d{2,3}))?")
_MINUTES = re.compile(r"(\d+):(\d\d(?:\.\d{1,6})?)")
_SIDE = re.compile(r"\.(L|R|C|LFE|Ls|Rs|\d+)$")

_Listing = dict[str, list[list[str]]]


def read(path: Path, roots: Roots) -> Opened:
    """Read tracks, clips and markers. Raises SessionError for what is no such text, or counts in feet or bars."""
    try:
        text = path.read_bytes()
        lines = _decode(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        head = dict(line.split("\t", 1) for line in lines[:12] if "\t" in line)
        rate = round(float(head["SAMPLE RATE:"]))
        fps, drop = _frame_rate(head["TIMECODE FORMAT:"])
        clock = _Clock(rate, fps, drop, 0)
        clock = _Clock(rate, fps, drop, clock.frames(head["SESSION START TIMECODE:"]))
        sources = {row[0]: row[1] for row in _rows(lines, "O N L I N E  C L I P S") if len(row) > 1}
        told = Told()
        tracks = list(_tracks(lines, clock, sources, roots, told))
        markers = tuple(sorted(_markers(lines, clock, told), key=lambda marker: marker.at))
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise SessionError(f"{path}: is no session text of Pro Tools: {error}", _HINT) from error
    if any(track.clips for track in tracks):
        told.tell("the text does not tell where in its file a clip begins: each is taken from the file's start")
    names = unique(track.name for track in tracks)
    return Opened(
        Session(
            song=song_from(markers, (), rate, unique([head.get("SESSION NAME:", path.stem)])[0]),
            tracks=tuple(replace(track, name=name) for track, name in zip(tracks, names, strict=True)),
            sample_rate=rate,
            frames=max((clip.at + clip.length for track in tracks for clip in track.clips), default=0),
            markers=markers,
            frame_rate=fps,
            drop_frame=drop,
            start_frame=clock.start,
        ),
        told.lines(),
    )


class _Clock:
    """Times of the text in frames of the session."""

    def __init__(self, rate: int, fps: Fraction, drop: bool, start: int) -> None:
        self.rate, self.fps, self.drop, self.start = rate, fps, drop, start

    def frames(self, text: str) -> int:
        """Frames after the session's start for timecode, as it stands there for samples and minutes."""
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


def _rows(lines: list[str], heading: str) -> list[list[str]]:
    """The table below a heading, without its column names; cells are padded with blanks."""
    start = next((i for i, line in enumerate(lines) if line.startswith(heading)), len(lines))
    rows = []
    for line in lines[start + 2 :]:
        if not line.strip():
            break
        rows.append([cell.strip() for cell in line.split("\t")])
    return rows


def _markers(lines: list[str], clock: _Clock, told: Told) -> Iterator[Marker]:
    """Markers by their samples; one that is tied to a bar by its place in the time format of the text."""
    for row in _rows(lines, "M A R K E R S"):
        if len(row) < 5 or not row[0].isdecimal():
            continue
        try:
            at = int(row[2]) if row[3] == "Samples" else clock.frames(row[1])
        except ValueError:
            told.tell("markers at bars and beats are left out: export them with Timecode or Samples", row[4])
        else:
            yield Marker(max(at, 0), unique([row[4]])[0])


def _tracks(lines: list[str], clock: _Clock, sources: dict[str, str], roots: Roots, told: Told) -> Iterator[Track]:
    starts = [i for i, line in enumerate(lines) if line.startswith("TRACK NAME:\t")]
    for start, end in zip(starts, (*starts[1:], len(lines)), strict=True):
        name, block = lines[start].split("\t", 1)[1], lines[start:end]
        table = next((i for i, line in enumerate(block) if line.startswith("CHANNEL ")), len(block))
        state = next((line for line in block[:table] if line.startswith("STATE:")), "")
        track = Track(
            re.sub(r" \((?:Stereo|Mono|[\d.]+)\)$", "", name),
            comment=" ".join(block[1:2])[len("COMMENTS:\t") :] if block[1:2] else "",
            mute="Muted" in state or "Inactive" in state,
            solo="Solo" in state,
        )
        rows = [[cell.strip() for cell in line.split("\t")] for line in block[table + 1 :]]
        events = [row for row in rows if len(row) > 6 and row[0].isdecimal() and row[1].isdecimal()]
        head = dict(line.split(":", 1) for line in block[:table] if ":" in line)
        if head.get("PLUG-INS", "").strip():
            told.tell("plug-ins are not read", track.name)
        if head.get("USER DELAY", "0").split()[:1] not in ([], ["0"]):
            told.tell("delays of tracks are not read", track.name)
        channels = max((int(row[0]) for row in events), default=1)
        found = []
        for row in (row for row in events if row[0] == "1"):
            at, length = clock.frames(row[3]), clock.frames(row[4]) - clock.frames(row[3])
            source = _source(row[2], sources)
            if row[2].startswith("(") and "fade" in row[2]:
                told.tell("fades are not read", track.name)
            elif row[-1] != "Unmuted":
                told.tell("muted clips are left out", track.name)
            elif length <= 0 or not source:
                told.tell("clip groups and clips without audio are left out", track.name)
            else:
                file, warning = read_media(source, roots, sample_rate=clock.rate, frames=length, channels=channels)
                if warning:
                    told.tell(warning)
                if at < 0:
                    told.tell("clips before the session's start are read as at it", track.name)
                found.append(Clip(file, max(at, 0), length))
        yield replace(track, clips=tuple(found))


def _source(clip: str, sources: dict[str, str]) -> str:
    """The file of a clip; a clip group or a clip without audio has none. Exports may leave the list of clips out."""
    if not sources:
        return f"{_SIDE.sub('', clip)}.wav"
    names = (clip, *(f"{clip}.{side}" for side in ("L", "1")), _SIDE.sub("", clip))
    return next((sources[name] for name in names if name in sources), "")
