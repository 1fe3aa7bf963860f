"""Beats of a song: on the grid that every session has, through changes of tempo and metre."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stemwright.measure.beats import beats
from stemwright.model import Estimate, MeterChange, Song, TempoChange
from stemwright.session.grid import bar_start

METRES = st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (2, 2)])
TEMPI = st.floats(40, 240).map(lambda bpm: round(bpm, 3))


def song(downbeat: int = 30_001, bpm: float = 120.0, **facts: object) -> Song:
    return Song("Song", 48_000, bpm=Estimate(bpm, 1.0, "user"), downbeat_frame=downbeat, **facts)


@given(
    st.sampled_from([0, 150, 187, 188, 30_001]),
    TEMPI,
    METRES,
    st.lists(st.tuples(st.integers(1, 60), TEMPI, METRES), max_size=4, unique_by=lambda c: c[0]),
)
def test_bars_begin_where_sessions_have_them(
    downbeat: int, bpm: float, metre: tuple[int, int], changes: list[tuple[int, float, tuple[int, int]]]
) -> None:
    changes.sort(key=lambda change: change[0])
    tempi = tuple(TempoChange(Fraction(at), tempo) for at, tempo, _ in changes)
    metres = (MeterChange(Fraction(0), *metre), *(MeterChange(Fraction(at), *then) for at, _, then in changes))
    made = song(downbeat, bpm=bpm, tempo_map=tempi, meter_map=metres)
    found = list(beats(made, Fraction(1), Fraction(60)))
    assert all(bar_start(made, beat.bar) == beat.at for beat in found if beat.number == 1 and beat.bar >= 1)
    assert all(one.at < other.at for one, other in pairwise(found))
    assert found[-1].at <= 60


def test_bars_before_the_first_one_go_on_in_its_tempo() -> None:
    found = list(beats(song(downbeat=3 * 48_000), Fraction(0), Fraction(4)))
    assert [(b.bar, b.number, b.at) for b in found[:4]] == [
        (-1, 1, Fraction(-1)), (-1, 2, Fraction(-1, 2)), (-1, 3, Fraction(0)), (-1, 4, Fraction(1, 2))
    ]  # fmt: skip
    assert next(b for b in found if (b.bar, b.number) == (1, 1)).at == 3


def test_a_song_without_a_tempo_has_no_beats() -> None:
    assert not list(beats(Song("Song", 48_000), Fraction(0), Fraction(10)))


def test_a_bar_that_the_next_metre_cuts_short_counts() -> None:
    made = song(downbeat=0, meter_map=(MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(6), 3, 4)))
    ones = [beat.at for beat in beats(made, Fraction(0), Fraction(6)) if beat.number == 1]
    assert ones == [0, 2, 3, Fraction(9, 2), 6]
