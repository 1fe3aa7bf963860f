"""Standard MIDI file: tempo map, metre, key and markers as an import guide beside formats that have none.

Type 1 with track 0 only, 960 ticks a quarter. A MIDI tempo is a whole number of microseconds a quarter; every tempo is
chosen so that the next change falls where it should although the ones before were rounded, so errors do not add up
(within one tempo at most 0.5 µs a quarter). Bar 1 lies after the lead-in that `session.grid` describes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from stemwright.model import Session
from stemwright.safety import write_bytes
from stemwright.session.formats import Written
from stemwright.session.grid import GridPoint, grid, quarters_at
from stemwright.units import seconds, short_key

NAME = "MIDI"
SUFFIXES = (".mid", ".midi")
EXPRESSES = frozenset({"tempo", "tempo_map", "meter", "key", "markers", "notes"})
OPTIONS: frozenset[str] = frozenset()

TICKS = 960
"""A quarter note."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write tempo, metre, key, markers and notes; regions become markers at their start."""
    import mido

    points = grid(session.song)
    events = [(0, mido.MetaMessage("track_name", name=session.song.title))]
    events += [(0, mido.MetaMessage("text", text=line)) for line in session.notes]
    if session.song.key:
        events.append((0, mido.MetaMessage("key_signature", key=short_key(session.song.key.value))))
    meter = None
    for tick, tempo, point in _tempos(points):
        if point.meter != meter:
            meter = point.meter
            events.append((tick, mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])))
        events.append((tick, mido.MetaMessage("set_tempo", tempo=tempo)))
    for marker in session.markers:
        tick = _ticks(quarters_at(points, seconds(marker.at, session.sample_rate)))
        events.append((tick, mido.MetaMessage("marker", text=marker.name)))
    events.sort(key=lambda event: event[0])
    end = max(events[-1][0], _ticks(quarters_at(points, seconds(session.frames, session.sample_rate))))
    events.append((end, mido.MetaMessage("end_of_track")))
    track = mido.MidiTrack()
    now = 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    data = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8", tracks=[track]).save(file=data)
    write_bytes(path, data.getvalue())
    return Written()


def _ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS)


def _tempos(points: tuple[GridPoint, ...]) -> list[tuple[int, int, GridPoint]]:
    """Tick and tempo (µs a quarter) of every grid point."""
    elapsed = Fraction(0)
    """µs at the tick reached, as a reader of the file will count them."""
    found = []
    for point, following in zip(points, (*points[1:], None), strict=True):
        tick, tempo = _ticks(point.quarters), round(60_000_000 / point.bpm)
        if following and (span := _ticks(following.quarters) - tick):
            tempo = round((following.at * 1_000_000 - elapsed) * TICKS / span)
            elapsed += Fraction(span * tempo, TICKS)
        found.append((tick, tempo, point))
    return found
