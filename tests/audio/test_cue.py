"""Cue points that are written are read again, behind those that were there, under numbers of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stemwright.audio.cue import cue_chunks, cue_points, free_numbers, held, moved_cues

FRAME = st.integers(0, 0xFFFFFFFF)
PLACES = st.lists(st.tuples(FRAME, FRAME, st.text("abc ABC", min_size=1).filter(lambda name: name == name.strip())))


@given(PLACES, PLACES, st.integers(-(1 << 33), 1 << 33))
def test_written_points_are_read_again(old: list, new: list, by: int) -> None:
    points = entries = b""
    for places in (old, new):
        numbers = free_numbers(points)
        cue, entries = cue_chunks(
            ((next(numbers), at, frames, name.encode()) for at, frames, name in places), points, entries
        )
        points = cue[4:]
    assert list(cue_points(cue, entries)) == old + new
    moved = [(held(at + by), frames, name) for at, frames, name in old + new]
    assert list(cue_points(moved_cues(cue, lambda frame: frame + by), entries)) == moved
