"""Where the beats of a song fall: exact arithmetic over its tempo and metre maps.

A beat is one of the metre's own: an eighth note in 7/8. Bars count from 1, which is the downbeat; before it they go on
to 0 and below at the first tempo and metre. A bar may be cut short by the next metre.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from stemwright.model import Song
from stemwright.units import exact_bpm, frames, seconds, tamed

_SHORTEST_S = Fraction(1, 256)
"""A lead-in that is shorter has no place on the grid of a session, which begins with bar 1 then."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat of the song; `number` 1 starts the bar."""

    bar: int
    number: int
    at: Fraction
    """Seconds from the start of the audio; negative when it lies before."""

    def frame(self, sample_rate: int) -> int:
        """The nearest frame."""
        return frames(self.at, sample_rate)


def beats(song: Song, start: Fraction, end: Fraction) -> Iterator[Beat]:
    """The beats up to `end`, from bar 1 or the bar before it in which `start` lies; none for a song without a tempo.

    Both in seconds.
    """
    if not song.bpm:
        return
    one = seconds(song.downbeat_frame, song.sample_rate)
    one = one if one >= _SHORTEST_S else Fraction(0)
    tempi = [(Fraction(0), exact_bpm(song.bpm.value))]
    tempi += [(change.at, exact_bpm(change.bpm)) for change in song.tempo_map if change.at > 0]
    metres = [(m.at, m.numerator, m.denominator) for m in song.meter_map if m.at > 0]
    first = next(((m.numerator, m.denominator) for m in song.meter_map if m.at <= 0), (4, 4))
    yield from _lead_in(one, start, end, 240 / tempi[0][1] / first[1], first[0])
    knots = [one]  # seconds at which each tempo begins
    for (before, bpm), (at, _) in pairwise(tempi):
        knots.append(tamed(knots[-1] + (at - before) * 60 / bpm))
    metres = [(Fraction(0), *first), *metres]
    at, bar = Fraction(0), 1
    for (_, count, unit), following in zip(metres, (*metres[1:], None), strict=True):
        number = 1
        while following is None or at < following[0]:
            tempo = bisect(tempi, at, key=lambda tempo: tempo[0]) - 1
            time = knots[tempo] + (at - tempi[tempo][0]) * 60 / tempi[tempo][1]
            if time > end:
                return
            yield Beat(bar, number, time)
            at += Fraction(4, unit)
            bar, number = (bar + 1, 1) if number == count else (bar, number + 1)
        at = following[0] if following else at
        bar += number > 1


def _lead_in(one: Fraction, start: Fraction, end: Fraction, length: Fraction, count: int) -> Iterator[Beat]:
    """The beats before bar 1, in whole bars from the one in which `start` lies."""
    bars = -((start - one) // (length * count))
    for left in range(max(bars, 0) * count, 0, -1):
        if (at := one - left * length) <= end:
            yield Beat(-((left - 1) // count), count - (left - 1) % count, at)
