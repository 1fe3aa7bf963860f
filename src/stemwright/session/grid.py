"""The musical grid of a song in exact numbers, the same for every format that has one.

Audio begins at frame 0 and bar 1 at `Song.downbeat_frame`, which is rarely a beat of a grid that begins at frame 0.
So that audio is never moved and every bar line from bar 1 on is exact in time, what lies before becomes a lead-in:
whole beats (of a finer metre when it is shorter than a beat and a half), an incomplete bar first, then complete ones,
at the one tempo that makes them end on the downbeat. That tempo is at most a third faster or a fifth slower than the
song's unless the lead-in is shorter than a 32nd note; one of less than 4 ms, too short for any DAW's tempo range, is
left out and the grid begins at frame 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from stemwright.model import Song
from stemwright.units import exact_bpm, seconds

DEFAULT_BPM = 120.0
"""What DAWs assume when a song's tempo is unknown."""

_FASTEST = 960
"""BPM; REAPER takes no more."""


@dataclass(frozen=True, slots=True)
class GridPoint:
    """From `at` seconds and `quarters` quarter notes after frame 0 on: tempo (quarters a minute) and metre."""

    at: Fraction
    quarters: Fraction
    bpm: Fraction
    meter: tuple[int, int]


def grid(song: Song) -> tuple[GridPoint, ...]:
    """Tempo and metre from frame 0 on, the lead-in first; at least one point."""
    tempos = {Fraction(0): exact_bpm(song.bpm.value if song.bpm else DEFAULT_BPM)}
    tempos |= {change.at: exact_bpm(change.bpm) for change in song.tempo_map}
    meters = {Fraction(0): (4, 4)} | {m.at: (m.numerator, m.denominator) for m in song.meter_map}
    bpm, meter = tempos[Fraction(0)], meters[Fraction(0)]
    downbeat = seconds(song.downbeat_frame, song.sample_rate) if song.bpm else Fraction(0)
    points, quarters = _lead_in(downbeat, bpm, meter)
    at = downbeat if points else Fraction(0)
    here = Fraction(0)
    for position in sorted({*tempos, *meters}):
        at += (position - here) * 60 / bpm
        quarters += position - here
        here, bpm, meter = position, tempos.get(position, bpm), meters.get(position, meter)
        points.append(GridPoint(at, quarters, bpm, meter))
    return tuple(points)


def quarters_at(points: tuple[GridPoint, ...], at: Fraction) -> Fraction:
    """The grid position, in quarters after frame 0, of a time in seconds after frame 0."""
    point = next((p for p in reversed(points) if p.at <= at), points[0])
    return point.quarters + (at - point.at) * point.bpm / 60


def _lead_in(downbeat: Fraction, bpm: Fraction, meter: tuple[int, int]) -> tuple[list[GridPoint], Fraction]:
    """The points before bar 1 and their length in quarters."""
    beats_per_bar, beat_type = meter
    beats = round(downbeat * bpm / 60 * beat_type / 4)
    while beats < 2 and beat_type < 64:
        beat_type, beats_per_bar = beat_type * 2, beats_per_bar * 2
        beats = round(downbeat * bpm / 60 * beat_type / 4)
    beats = max(beats, 1)
    quarters = Fraction(4 * beats, beat_type)
    if downbeat * _FASTEST < quarters * 60:
        return [], Fraction(0)
    tempo = quarters * 60 / downbeat
    rest = beats % beats_per_bar
    points = [GridPoint(Fraction(0), Fraction(0), tempo, (rest, beat_type))] if rest else []
    if beats > rest:
        start = Fraction(4 * rest, beat_type)
        points.append(GridPoint(start * 60 / tempo, start, tempo, meter))
    return points, quarters
