"""How Ardour counts: superclocks for audio, ticks for music, a tempo map that ties one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.session.formats.xml import add
from stemwright.session.grid import GridPoint, is_meter, is_tempo
from stemwright.units import finite

if TYPE_CHECKING:
    from lxml.etree import _Element

SUPERCLOCKS = 282_240_000
"""A second; a whole number a frame at every usual sample rate."""

TICKS = 1920
"""A quarter note."""


def write_tempos(tempo_map: _Element, points: tuple[GridPoint, ...]) -> None:
    """The grid in ticks; a metre begins a bar, so a bar that is cut short by it is a bar of its own."""
    tempos, meters = add(tempo_map, "Tempos"), add(tempo_map, "Meters")
    bar, meter, since = 1, points[0].meter, Fraction(0)
    for index, point in enumerate(points):
        beat = Fraction(4, meter[1])
        bars, rest = divmod(point.quarters - since, beat * meter[0])
        place = bar + bars, rest // beat + 1, round(rest % beat / beat * TICKS)
        changes = not index or point.meter != meter
        if changes:
            bar, meter, since = bar + bars + (rest > 0), point.meter, point.quarters
            place = bar, 1, 0
        where = {
            "sclock": round(point.at * SUPERCLOCKS),
            "quarters": "{}:{}".format(*divmod(round(point.quarters * TICKS), TICKS)),
            "bbt": "|".join(map(str, place)),
        }
        if not index or point.bpm != points[index - 1].bpm:
            npm = f"{float(point.bpm):.17g}"
            kind = {"note_type": 4, "type": "Tempo::Constant", "active": 1, "locked_to_meter": 0, "continuing": 0}
            add(tempos, "Tempo", npm=npm, enpm=npm, **kind, **where, omega=0)
        if changes:
            add(meters, "Meter", note_value=meter[1], divisions_per_bar=meter[0], **where)
    add(tempo_map, "MusicTimes")


def read_tempos(root: _Element, path: Path) -> Iterator[tuple[Fraction, Fraction, tuple[int, int]]]:
    """Quarters, BPM and metre of every step."""
    bpm, meter = Fraction(120), (4, 4)
    steps = [(_quarters(e), e) for e in root.iterfind("TempoMap//*") if e.tag in ("Tempo", "Meter")]
    yield Fraction(0), bpm, meter
    for quarters, element in sorted(steps, key=lambda step: step[0]):
        unit = finite(element.get("note-type") or element.get("note-value"), 4)
        if element.tag == "Tempo":
            value = finite(element.get("npm") or element.get("beats-per-minute"), 120)
            if not (is_tempo(value) and unit in (1, 2, 4, 8, 16, 32, 64)):
                raise damaged(path, f"{value:g} BPM is no tempo")
            bpm = _as_meant(value) * 4 / int(unit)
        else:
            signature = int(finite(element.get("divisions-per-bar"), 0)), int(unit)
            meter = signature if is_meter(*signature) else meter
        yield quarters, bpm, meter


def _quarters(element: _Element) -> Fraction:
    whole, _, ticks = (element.get("quarters") or "").partition(":")
    pulse = finite(element.get("pulse"), 0)
    count = whole_number(whole) * TICKS + whole_number(ticks) if whole else round(4 * pulse * TICKS)
    found = Fraction(count, TICKS)
    return min(max(found, Fraction(0)), Fraction(10**8))


def _as_meant(npm: float) -> Fraction:
    """Ardour counts a beat in whole superclocks and saves 93.5 as 93.49999976: the short number that is the same."""
    short = round(npm, 4)
    same = round(SUPERCLOCKS * 60 / short) == round(SUPERCLOCKS * 60 / npm)
    return Fraction(str(short if same else npm))


def whole_number(text: str) -> int:
    """The whole number that stands there, or 0."""
    with suppress(ValueError):
        return int(text)
    return 0


def damaged(path: Path, what: str) -> SessionError:
    """The error for a session that holds what cannot be."""
    return SessionError(f"{path}: {what}", "the session is damaged; save it again in Ardour")
