"""Times and bars as people write them in a list of markers.

`1m02.5s` is how we write a time: spreadsheets take `1:02.5` or `62.5` for a time of day, a date or, where the comma is
the decimal sign, for thousands, and save something else. A place in the music is `17|1`, bar and beat, or `17|2.5`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from itertools import takewhile

from stemwright.measure.beats import Beat, beats
from stemwright.model import Song
from stemwright.session.markers import LONGEST_S

Find = Callable[[str], Fraction | None]
"""What gives the seconds of a place in the music; None for what is none."""

_CLOCK = re.compile(
    r"(?:(?P<h>\d{1,3})\s*[:h])??(?:(?P<m>\d{1,5})\s*[:m'])?\s*(?P<s>\d{1,9}(?:[.,]\d{1,9})?)\s*(?:s|sec|\")?", re.ASCII
)
_BARS = re.compile(r"(?P<bar>-?\d{1,5})\s*(?:[|.:]\s*(?P<beat>\d{1,3}(?:[.,]\d{1,6})?))?", re.ASCII)
_REAPER = re.compile(r"(?P<bar>-?\d{1,5})\.(?P<number>\d{1,3})\.(?P<hundredths>\d\d)", re.ASCII)


def spell_time(at: Fraction) -> str:
    """`1m02.345208s`, to the microsecond: any frame is found again."""
    whole = round(at * 1_000_000)
    minutes, rest = divmod(whole, 60_000_000)
    return f"{minutes}m{rest // 1_000_000:02d}.{rest % 1_000_000:06d}".rstrip("0").rstrip(".") + "s"


def parse_time(text: str) -> Fraction | None:
    """Seconds of `1m02.5s`, `1:02.5`, `1:02:03,5` or `62.5`, perhaps with a minus; None for what is no time."""
    text = text.strip()
    found = _CLOCK.fullmatch(text.removeprefix("-"))
    if not found:
        return None
    whole = Fraction(found["s"].replace(",", ".")) + 60 * int(found["m"] or 0) + 3600 * int(found["h"] or 0)
    return None if whole > LONGEST_S else -whole if text.startswith("-") else whole


def speller(song: Song, last: Fraction) -> Callable[[Fraction], str]:
    """What names the bar and beat of times up to `last` seconds; "" for a song without a tempo."""
    grid = list(beats(song, Fraction(0), last))
    period = grid[-1].at - grid[-2].at if len(grid) > 1 else Fraction(1)
    edges = [beat.at for beat in grid]

    def spell(at: Fraction) -> str:
        if not grid:
            return ""
        place = max(bisect_right(edges, at) - 1, 0)
        span = edges[place + 1] - edges[place] if place + 1 < len(edges) else period
        share = round((at - edges[place]) / span, 4)
        if share >= 1 and place + 1 < len(grid):
            place, share = place + 1, Fraction(0)
        return f"{grid[place].bar}|{float(grid[place].number + share):g}"

    return spell


def finder(song: Song, cells: list[str]) -> Find:
    """What gives the time in seconds of places that `cells` name; None for those that are none."""
    wanted = [place for cell in cells if (place := _place(cell))]
    if not wanted:
        return lambda cell: None
    first, last = (choose(place[0] for place in wanted) for choose in (min, max))
    length = next((Fraction(4 * m.numerator, m.denominator) for m in song.meter_map), Fraction(4))
    before = Fraction(max(1 - first, 0) * 240) / Fraction(song.bpm.value if song.bpm else 120) * length / 4
    upto = takewhile(lambda beat: beat.bar <= last + 1, beats(song, -before, Fraction(LONGEST_S)))
    known: dict[tuple[int, int], Beat] = {}
    following: dict[tuple[int, int], Fraction] = {}
    previous: Beat | None = None
    for beat in upto:
        known[beat.bar, beat.number] = beat
        if previous:
            following[previous.bar, previous.number] = beat.at
        previous = beat

    def find(cell: str) -> Fraction | None:
        place = _place(cell)
        if not place or (beat := known.get((place[0], int(place[1])))) is None:
            return None
        end = following.get((beat.bar, beat.number), beat.at)
        return beat.at + (place[1] - beat.number) * (end - beat.at)

    return find


def _place(cell: str) -> tuple[int, Fraction] | None:
    """Bar and beat."""
    if found := _REAPER.fullmatch(cell.strip()):
        return int(found["bar"]), int(found["number"]) + Fraction(int(found["hundredths"]), 100)
    found = _BARS.fullmatch(cell.strip())
    return (int(found["bar"]), Fraction((found["beat"] or "1").replace(",", "."))) if found else None
