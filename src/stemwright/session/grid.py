"""The musical grid of a song in exact numbers, the same for every format that has one.

Audio begins at frame 0 and bar 1 at `Song.downbeat_frame`, which is rarely a beat of a grid that begins at frame 0.
So that audio is never moved and every bar line from bar 1 on is exact in time, what lies before becomes a lead-in:
whole beats, an incomplete bar first, then complete ones, at the one tempo that makes them end on the downbeat. Where
that is more than 2 % off the song's, the beats are 8ths or 16ths: an odd metre disturbs less than an odd tempo (and no
tempo is off by more than an eighth of a quarter note in the lead-in). A lead-in of less than one and a half 16ths gets
finer beats, to 64ths, for a tempo at most a third faster or a fifth slower unless it is shorter than a 32nd note.

In less than 12.5 ms not even a 64th fits at 300 BPM, and not every DAW has more. Bar 1 begins at frame 0 then and is so
much longer (or its part up to a change of tempo), by less than 1 % of two seconds: nobody hears that, and every bar
line from bar 2 on is exact. A lead-in of less than 4 ms is not worth a change of tempo: it is left out, and the whole
grid begins at frame 0.

A DAW that is told by hand where bar 1 is stretches one tempo over whole bars before it, as Logic's Beat Mapping does.
That is not done here: an upbeat would leave the grid, synced delays would run at a tempo that the song never has, and
whoever reads the first tempo alone would show it as the song's. A bar of 1/64 is odd to look at, but it has no room for
music, and every bar line from bar 1 on is where it would be anyway.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from stemwright.model import Estimate, Marker, MeterChange, Song, TempoChange
from stemwright.units import exact_bpm, frames, parse_key, seconds, tamed

DEFAULT_BPM = 120.0
"""What DAWs assume when a song's tempo is unknown."""

_SHORTEST_S, _ROOM_S = Fraction(1, 256), Fraction(1, 80)
"""A lead-in that is left out below the first, and is a part of bar 1 below the second: a 64th at 300 BPM."""

_FASTEST = 960
"""BPM; REAPER takes no more."""

_NEAR = Fraction(1, 50)
"""A tempo that is no further off, as a part of the song's, is taken for it by who sees it."""


Meter = tuple[int, int]


@dataclass(frozen=True, slots=True)
class GridPoint:
    """From `at` seconds and `quarters` quarter notes after frame 0 on: tempo (quarters a minute) and metre."""

    at: Fraction
    quarters: Fraction
    bpm: Fraction
    meter: tuple[int, int]


def grid(song: Song) -> tuple[GridPoint, ...]:
    """Tempo and metre from frame 0 on, the lead-in first; at least one point."""
    own = _from_bar_one(song)
    lead, quarters = _lead_in(own[0])
    if not lead and own[0].at:
        own = _from_zero(own)
    return (*lead, *(replace(point, quarters=point.quarters + quarters) for point in own))


def _from_bar_one(song: Song) -> tuple[GridPoint, ...]:
    """The points from bar 1 on, exact, with quarters counted from there."""
    tempos = {Fraction(0): exact_bpm(song.bpm.value if song.bpm else DEFAULT_BPM)}
    tempos |= {change.at: exact_bpm(change.bpm) for change in song.tempo_map}
    meters = {Fraction(0): (4, 4)} | {m.at: (m.numerator, m.denominator) for m in song.meter_map}
    downbeat = seconds(song.downbeat_frame, song.sample_rate) if song.bpm else Fraction(0)
    points = points_of(changes_of(tempos, meters))
    return tuple(replace(point, at=point.at + (downbeat if downbeat >= _SHORTEST_S else 0)) for point in points)


def _from_zero(points: tuple[GridPoint, ...]) -> tuple[GridPoint, ...]:
    """The same with a longer bar 1, which begins at frame 0."""
    first, *later = points
    bar = first.quarters + _bar(first.meter)
    if not later or later[0].quarters > bar:
        later = [replace(first, at=seconds_at(points, bar), quarters=bar), *later]
    return replace(first, at=Fraction(0), bpm=later[0].quarters * 60 / later[0].at), *later


def _bar(meter: Meter) -> Fraction:
    """The quarters in a bar."""
    return Fraction(4 * meter[0], meter[1])


def quarters_at(points: tuple[GridPoint, ...], at: Fraction) -> Fraction:
    """The grid position, in quarters after frame 0, of a time in seconds after frame 0."""
    point = point_at(points, at)
    return point.quarters + (at - point.at) * point.bpm / 60


def point_at(points: tuple[GridPoint, ...], at: Fraction) -> GridPoint:
    """The point that counts at a time in seconds after frame 0."""
    return points[max(bisect(points, at, key=lambda p: p.at) - 1, 0)]


def longest(points: tuple[GridPoint, ...], end: Fraction) -> GridPoint:
    """The point that counts longest until `end` seconds: with its tempo alone, most of the audio keeps its speed."""
    ends = (*(point.at for point in points[1:]), end)
    return max(zip(points, ends, strict=True), key=lambda pair: pair[1] - pair[0].at)[0]


def lead_in_of(song: Song) -> tuple[int, GridPoint]:
    """How many bars lie before bar 1, an incomplete one counted whole, and the grid point of bar 1."""
    first = _from_bar_one(song)[0]
    lead, quarters = _lead_in(first)
    bar_one = replace(first, quarters=quarters)
    return sum(int((q.quarters - p.quarters) / _bar(p.meter)) for p, q in pairwise((*lead, bar_one))), bar_one


def bar_start(song: Song, bar: int) -> Fraction:
    """The time in seconds after frame 0 at which a bar begins; bars count from 1, which is the downbeat."""
    counted, length, left = Fraction(0), Fraction(4), bar - 1
    for meter, following in zip(song.meter_map, (*song.meter_map[1:], None), strict=True):
        length = Fraction(4 * meter.numerator, meter.denominator)
        bars = -((counted - following.at) // length) if following else left
        if bars > left or not following:  # a bar may be cut short by the next metre
            break
        left, counted = left - bars, following.at if following else counted
    return seconds_at(_from_bar_one(song), counted + left * length)


def seconds_at(points: tuple[GridPoint, ...], quarters: Fraction) -> Fraction:
    """The time in seconds after frame 0 of a grid position in quarters after frame 0."""
    point = points[max(bisect(points, quarters, key=lambda p: p.quarters) - 1, 0)]
    return point.at + (quarters - point.quarters) * 60 / point.bpm


def points_of(changes: Iterable[tuple[Fraction, Fraction, tuple[int, int]]]) -> tuple[GridPoint, ...]:
    """The grid of (quarters after frame 0, BPM, metre) in order; one at the same place as another replaces it."""
    points: list[GridPoint] = []
    for quarters, bpm, meter in changes:
        last = points[-1] if points else GridPoint(Fraction(0), Fraction(0), bpm, meter)
        if points and quarters <= last.quarters:
            points.pop()
        at = tamed(last.at + max(quarters - last.quarters, Fraction(0)) * 60 / last.bpm)
        points.append(GridPoint(at, max(quarters, last.quarters), bpm, meter))
    return tuple(points)


def changes_of(
    tempos: Mapping[Fraction, Fraction], meters: Mapping[Fraction, Meter]
) -> Iterator[tuple[Fraction, Fraction, Meter]]:
    """(quarters, BPM, metre) from 0 on, wherever either changes; what comes first counts before it, too."""
    bpm, meter = tempos[min(tempos)], meters[min(meters)]
    for at in sorted({Fraction(0), *tempos, *meters}):
        bpm, meter = tempos.get(at, bpm), meters.get(at, meter)
        yield at, bpm, meter


def along(line: Sequence[tuple[Fraction, Fraction]], at: Fraction) -> Fraction:
    """Where a line through points, in order, is at a place; before the first and behind the last it goes straight on.

    Through a single point, and between two at one place, it rises by 1.
    """
    first = min(max(bisect(line, at, key=lambda point: point[0]) - 1, 0), max(len(line) - 2, 0))
    (here, value), (there, other) = line[first], line[min(first + 1, len(line) - 1)]
    return value + (at - here) * ((other - value) / (there - here) if there > here else 1)


def is_meter(numerator: int, denominator: int) -> bool:
    """Whether it is a metre that any DAW knows."""
    return 1 <= numerator <= 255 and denominator in (1, 2, 4, 8, 16, 32, 64)


def is_tempo(bpm: float | Fraction) -> bool:
    """Whether it is a tempo in BPM that a session may have, not a damaged number."""
    return 1 <= bpm <= 10_000


def song_from(
    markers: Iterable[Marker],
    points: tuple[GridPoint, ...],
    sample_rate: int,
    title: str,
    artist: str = "",
    lines: Iterable[str] = (),
) -> Song:
    """The song of a session that was read; the markers `Bar 1` and `Key: A minor` are facts about it, not its own.

    The key may stand in further `lines` as well, which come first. Without points there is no tempo and no metre.
    """
    markers = tuple(markers)
    facts = [m for m in markers if not m.length and (m.name == "Bar 1" or _key(m.name))]
    key = next(filter(None, map(_key, (*lines, *(marker.name for marker in facts)))), None)
    own = tuple(marker for marker in markers if marker not in facts)
    song = Song(title, sample_rate, artist, key=Estimate(key, 1.0, "session") if key else None, markers=own)
    bar_one = next((marker.at for marker in facts if marker.name == "Bar 1"), 0)
    return replace(song, **song_of_points(points, bar_one, sample_rate)) if points else song


def _key(line: str) -> str | None:
    """The key that a line as `Key: F# minor = F#m = 11A` tells."""
    with suppress(ValueError):
        return parse_key(line[5:].partition("=")[0]) if line.startswith("Key: ") else None
    return None


def song_of_points(points: tuple[GridPoint, ...], bar_one: int = 0, sample_rate: int = 1) -> dict[str, Any]:
    """The fields of a Song, for `replace`, whose grid is `points` again: tempo, changes and downbeat.

    `bar_one` (frames at `sample_rate`) is where the session says that bar 1 begins. When the points before are the
    lead-in that `grid` would write, it is; otherwise the first point is bar 1, which is as exact in time.
    """
    starts = [(bar_one, points[first:]) for first in range(min(len(points), 3))]
    if len(points) > 1:  # bar 1 may be longer by what is before it
        (first, end), same = points[:2], points[0].meter == points[1].meter
        first = replace(first, at=end.at - (end.quarters - first.quarters) * 60 / end.bpm, bpm=end.bpm)
        starts.append((frames(first.at, sample_rate), (first, *points[1 + same :])))
    for downbeat, start in starts:
        changes = _changes(start) | {"downbeat_frame": downbeat}
        close = abs(start[0].at - seconds(bar_one, sample_rate)) < Fraction(1, 200)
        if close and _alike(grid(replace(Song("", sample_rate), **changes)), points):
            return changes
    return _changes(points) | {"downbeat_frame": 0}


def _changes(points: tuple[GridPoint, ...]) -> dict[str, Any]:
    first = points[0]
    tempos, meters = [], [MeterChange(Fraction(0), *first.meter)]
    for before, point in pairwise(points):
        at = point.quarters - first.quarters
        if point.meter != before.meter:
            meters.append(MeterChange(at, *point.meter))
        if point.bpm != before.bpm or point.meter == before.meter:
            tempos.append(TempoChange(at, float(point.bpm)))
    return {
        "bpm": Estimate(float(first.bpm), 1.0, "session"),
        "tempo_map": tuple(tempos),
        "meter_map": tuple(meters),
    }


def _alike(some: tuple[GridPoint, ...], others: tuple[GridPoint, ...]) -> bool:
    """Whether two grids agree to 0.1 ms and 1 in 10,000, far less than what would make another lead-in."""
    return len(some) == len(others) and all(
        a.meter == b.meter and a.quarters == b.quarters and abs(a.at - b.at) < Fraction(1, 10_000)
        and abs(a.bpm / b.bpm - 1) < Fraction(1, 10_000)
        for a, b in zip(some, others, strict=True)
    )  # fmt: skip


def _lead_in(bar_one: GridPoint) -> tuple[list[GridPoint], Fraction]:
    """The points before bar 1 and their length in quarters; none where there is no room for any."""
    beats_per_bar, beat_type = meter = bar_one.meter
    exact = bar_one.at * bar_one.bpm / 240 * beat_type
    while beat_type < (64 if round(exact) < 2 else 16) and abs(round(exact) - exact) > _NEAR * exact:
        beat_type, beats_per_bar, exact = beat_type * 2, beats_per_bar * 2, exact * 2
    beats = max(round(exact), 1)
    while beats % 2 == 0 and beat_type > meter[1]:  # 3/4, not 12/16
        beat_type, beats_per_bar, beats = beat_type // 2, beats_per_bar // 2, beats // 2
    quarters = Fraction(4 * beats, beat_type)
    if bar_one.at < _ROOM_S or bar_one.at * _FASTEST < quarters * 60:
        return [], Fraction(0)
    tempo = quarters * 60 / bar_one.at
    rest = beats % beats_per_bar
    points = [GridPoint(Fraction(0), Fraction(0), tempo, (rest, beat_type))] if rest else []
    if beats > rest:
        start = Fraction(4 * rest, beat_type)
        points.append(GridPoint(start * 60 / tempo, start, tempo, meter))
    return points, quarters
