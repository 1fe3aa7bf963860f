"""Where the audio of a DAWproject sounds: its timelines, which nest in beats and in seconds, unrolled.

A timeline counts in its `timeUnit`, else in that of the one around it. The content of a clip begins at `playStart` of
the timeline inside, and what it loops becomes one piece after another. Warps say which second of a file sounds at which
place of theirs, in straight lines between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.session.grid import GridPoint, along, quarters_at, seconds_at
from stemwright.units import linear

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNITS = ("beats", "seconds")

_FURTHEST = 10**8
"""Seconds or beats; three years."""

_MOST = 100_000
"""Clips, and times that one is repeated, in a project; nested loops multiply."""

_TOLERANCE = Fraction(1, 40_000)
"""Seconds by which audio may lie beside its own speed: a frame at 40 kHz, far more than rounding."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file on the timeline; everything in seconds."""

    audio: _Element
    start: Fraction
    end: Fraction
    source: Fraction
    fade_in: Fraction
    fade_out: Fraction
    gain: float  # linear
    comment: str
    flaw: str


@dataclass(frozen=True, slots=True)
class Place:
    """A timeline: its unit, where its 0 lies in that unit from frame 0 on, and what of it is heard."""

    points: tuple[GridPoint, ...]
    unit: str = "beats"
    zero: Fraction = Fraction(0)
    start: Fraction = Fraction(0)
    end: Fraction = Fraction(_FURTHEST)
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = Fraction(0)
    gain: float = 1.0
    comment: str = ""
    track: str = ""
    flaw: str = ""
    left: Iterator[int] = field(default_factory=lambda: iter(range(_MOST)))
    """Counts down, for all timelines of a project together."""

    def seconds(self, position: Fraction) -> Fraction:
        """The time of a position on this timeline."""
        return self.since_start(self.zero + position)

    def since_start(self, position: Fraction) -> Fraction:
        """The time of a position counted from frame 0 in the unit of this timeline."""
        return seconds_at(self.points, position) if self.unit == "beats" else position

    def position(self, at: Fraction) -> Fraction:
        """A time counted from frame 0 in the unit of this timeline."""
        return quarters_at(self.points, at) if self.unit == "beats" else at

    def counted_in(self, unit: str | None) -> Place:
        """The same timeline in another unit."""
        if unit not in _UNITS or unit == self.unit:
            return self
        other = replace(self, unit=unit)
        return replace(other, zero=other.position(self.seconds(Fraction(0))))


def number(element: _Element, name: str, default: float | None = None) -> Fraction:
    """An attribute as an exact number. Raises SessionError when it is none, or far beyond any session."""
    text = element.get(name)
    try:
        value = float(text) if text is not None else default
        if value is not None and abs(value) <= _FURTHEST:
            return Fraction(value)
    except ValueError:
        pass
    raise SessionError(f"{element.tag} {name}={(text or '')[:40]!r} is no place in a session", "export it again")


def pieces(timeline: _Element, place: Place) -> Iterator[tuple[str, Piece]]:
    """The id of the track and the piece for all audio below a timeline."""
    place = replace(place.counted_in(timeline.get("timeUnit")), track=timeline.get("track", place.track))
    if timeline.tag == "Lanes":
        place = replace(place, gain=place.gain * _gain(timeline))
        for child in timeline:
            yield from pieces(child, place)
    elif timeline.tag in ("Clips", "ClipSlot"):
        for clip in timeline.findall("Clip"):
            if clip.get("enable", "true") not in ("false", "0"):
                for inside in _inside(clip, place):
                    for child in clip:
                        yield from pieces(child, inside)
    elif timeline.tag == "Audio":
        yield from _played(timeline, place, [(place.seconds(Fraction(0)), Fraction(0))])
    elif timeline.tag == "Warps":
        warps = sorted((place.seconds(number(w, "time")), number(w, "contentTime")) for w in timeline.findall("Warp"))
        if timeline.get("contentTimeUnit") != "seconds":
            place, warps = replace(place, flaw="audio whose warps count in beats is read at its own speed"), []
        audio = timeline.find("Audio")
        if audio is not None:
            yield from _played(audio, place, warps or [(place.seconds(Fraction(0)), Fraction(0))])


def _gain(lanes: _Element) -> float:
    """The linear gain that expressions beside the audio give it; a moving one counts as it begins."""
    gain = 1.0
    for points in lanes.findall("Points"):
        target, first = points.find("Target"), points.find("RealPoint")
        if target is not None and target.get("expression") == "gain" and first is not None:
            gain *= amplitude(points.get("unit"), number(first, "value"))
    return gain


def amplitude(unit: str | None, value: Fraction) -> float:
    """A level of an attribute in its unit as an amplitude ratio, 0 to 1000."""
    return linear(min(float(value), 60.0)) if unit == "decibel" else min(max(float(value), 0.0), 1000.0)


def _inside(clip: _Element, place: Place) -> Iterator[Place]:
    """The timeline inside a clip, once for every time that it is heard."""
    start = place.seconds(number(clip, "time"))
    unit = clip.get("contentTimeUnit")
    inner = replace(place, unit=unit) if unit in _UNITS else place
    play, end = number(clip, "playStart", 0), place.end
    zero = inner.position(start) - play
    if clip.get("duration") is not None:
        end = place.seconds(number(clip, "time") + number(clip, "duration"))
    elif clip.get("playStop") is not None:
        end = inner.since_start(zero + number(clip, "playStop"))
    fades = place.counted_in(clip.get("fadeTimeUnit"))
    fade_in = fades.since_start(fades.position(start) + number(clip, "fadeInTime", 0)) - start
    fade_out = end - fades.since_start(fades.position(end) - number(clip, "fadeOutTime", 0))
    begin, stop = max(start, place.start), min(end, place.end)
    again, turn = number(clip, "loopStart", 0), number(clip, "loopEnd", _FURTHEST)
    if turn <= max(again, play):
        again, turn = Fraction(0), Fraction(_FURTHEST)
    fade_in, fade_out = max(fade_in, place.fade_in), max(fade_out, place.fade_out)
    inner = replace(inner, comment=clip.get("comment", place.comment))
    while True:
        if next(place.left, None) is None:
            raise SessionError(f"the project has more than {_MOST} clips", "bounce its loops in place")
        until = inner.since_start(zero + turn)
        last = until + _TOLERANCE >= stop
        if until > begin:
            here = replace(inner, zero=zero, start=begin, end=stop if last else until)
            yield replace(here, fade_in=fade_in, fade_out=fade_out if last else Fraction(0))
            begin, fade_in = until, Fraction(0)
        if last:
            return
        zero += turn - again


def _played(audio: _Element, place: Place, warps: list[tuple[Fraction, Fraction]]) -> Iterator[tuple[str, Piece]]:
    """What is heard of a file of which `warps` say (time, second of the file); nothing when that is nothing."""
    length = number(audio, "duration")
    start, flaw = place.start, place.flaw
    source = along(warps, start)
    if source < 0:
        start, source = start - source, Fraction(0)
    end = min(place.end, start + length - source)
    if end <= start:
        return
    inside = [at for at, _ in warps if start < at < end]
    if any(abs(along(warps, at) - source - (at - start)) > _TOLERANCE for at in (*inside, end)):
        flaw = "stretched audio is read at its own speed"
    yield place.track, Piece(audio, start, end, source, place.fade_in, place.fade_out, place.gain, place.comment, flaw)
