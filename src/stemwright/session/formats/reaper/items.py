"""The items of a REAPER project as clips: the take that plays, loops as one clip after another, media looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import SessionError
from stemwright.model import Clip
from stemwright.session.formats.reaper.chunks import Chunk, number, split, whole
from stemwright.session.formats.reaper.left_out import ITEM, TAKE, tell
from stemwright.session.media import Media
from stemwright.session.told import Told
from stemwright.units import frames, gain, rescale

_LONGEST_S = 30 * 24 * 3600
_MOST_CLIPS = 100_000
_UNHEARD = {"MIDI", "MIDIPOOL", "RPP_PROJECT", "VIDEO", "VIDEOEFFECT", "CLICK", "LTC", "EMPTY"}
"""Kinds of sources that are no audio file."""

_Piece = tuple[int, int, int]
"""Place, length and source position of a clip."""


@dataclass(slots=True)
class Reading:
    """What all parts of one reading share."""

    path: Path
    media: Media
    rate: int = 44100
    clips: int = 0

    @property
    def told(self) -> Told:
        """What is left out or read otherwise."""
        return self.media.told

    def time(self, words: list[str], index: int) -> int:
        """A time as frames at the session rate. Raises SessionError for one that no session reaches."""
        seconds = number(words, index)
        if abs(seconds) > _LONGEST_S:
            raise SessionError(f"{self.path}: {seconds:g} s is no place in a song", "look at the file in REAPER")
        return frames(seconds, self.rate)


def sources(chunk: Chunk) -> Iterator[Chunk]:
    """The sources of an item or a take, those inside of sections too."""
    for source in chunk.chunks("SOURCE"):
        yield source
        yield from sources(source)


def _take(item: Chunk) -> tuple[Chunk, float]:
    """The take that plays, as if it were the only one, and its gain."""
    takes: list[Chunk] = [Chunk(["FIRST"])]
    chosen = 0
    for part in item.parts:
        if isinstance(part, str) and split(part)[0] == "TAKE":
            chosen = len(takes) if "SEL" in part else chosen
            takes.append(Chunk(["TAKE"]))
        else:
            takes[-1].parts.append(part)
    take = takes[chosen]
    return take, number(take.line("TAKEVOLPAN"), 1, 1.0) if chosen else number(take.line("VOLPAN"), 2, 1.0)


def clips_of(item: Chunk, name: str, reading: Reading) -> Iterator[Clip]:
    """The clips of an item: one, or one for every time its source is heard."""
    take, volume = _take(item)
    source = next(take.chunks("SOURCE"), None)
    inner = next((s for s in sources(take) if s.line("FILE")), None)
    if source is None:
        return
    if inner is None or (source.words[1:] or [""])[0] in _UNHEARD or (inner.words[1:] or [""])[0] in _UNHEARD:
        reading.told.tell("items that are no audio file are left out", name)
        return
    if whole(item.line("MUTE"), 0):
        reading.told.tell("muted items are left out", name)
        return
    tell(item, ITEM, name, reading.told)
    tell(take, TAKE, name, reading.told)
    factor = number(item.line("VOLPAN"), 0, 1.0) * volume
    if factor < 0 or whole(source.line("MODE"), 0) & 2:
        reading.told.tell("inverted or reversed items are read as they were recorded", name)
    at, length = reading.time(item.line("POSITION"), 0), reading.time(item.line("LENGTH"), 0)
    first = max(reading.time(source.line("STARTPOS"), 0), 0)  # of a section
    start = first + reading.time(take.line("SOFFS"), 0)
    skip = max(0, first - start, -at)
    at, length, start = at + skip, length - skip, start + skip
    if length <= 0:
        return
    file = reading.media.file(inner.line("FILE")[0], reading.rate, start + length)
    end = rescale(file.frames, file.format.sample_rate, reading.rate)
    section = reading.time(source.line("LENGTH"), 0)
    end = min(end, first + section) if section > 0 else end
    fade_in, fade_out = (_fade(item.line(key), reading) for key in ("FADEIN", "FADEOUT"))
    loop = bool(whole(item.line("LOOP"), 0))
    clips = list(_pieces(at, length, start, range(first, end), loop, reading))
    for count, (place, frames_of, begin) in enumerate(clips, 1):
        yield Clip(
            file, place, frames_of, begin, gain(factor),
            min(fade_in, frames_of) if count == 1 else 0,
            max(0, min(fade_out, frames_of) - (at + length - place - frames_of)) if count == len(clips) else 0,
        )  # fmt: skip


def _fade(words: list[str], reading: Reading) -> int:
    """A fade's length: the automatic one of a crossfade when there is one."""
    return max(reading.time(words, 2) or reading.time(words, 1), 0)


def _pieces(at: int, length: int, start: int, heard: range, loop: bool, reading: Reading) -> Iterator[_Piece]:
    """What is heard of the frames `heard` of a source, from `start` on and, in a loop, again and again."""
    stop = at + length
    start = heard[(start - heard.start) % len(heard)] if loop and heard else start
    while at < stop and start < heard.stop:
        reading.clips += 1
        if reading.clips > _MOST_CLIPS:
            raise SessionError(f"{reading.path}: has more clips than any session", "glue the loops in REAPER")
        piece = min(stop - at, heard.stop - start)
        yield at, piece, start
        at, start = at + piece, heard.start
        if not loop:
            return
