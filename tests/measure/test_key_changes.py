"""Changes of key that last are found where they are; constant songs have none, whatever they do besides."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from band import RATE, song
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.measure.key import estimate_key, key_markers
from stemwright.measure.keychanges import key_changes
from stemwright.measure.pitchclasses import PitchClasses
from stemwright.model import Estimate, Song

BAR_S = 4 * 60 / 110


@cache
def part(tonic: int, minor: bool = False) -> np.ndarray:
    """24 bars."""
    return np.tile(song(110, 8 * BAR_S, tonic=tonic, minor=minor, cents=30), 3)


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ((7, False), (8, False), ("G major", "G# major")),
        ((9, True), (11, True), ("A minor", "B minor")),
        ((0, False), (3, False), ("C major", "D# major")),
        ((4, True), (5, True), ("E minor", "F minor")),
    ],
)
def test_the_last_chorus_goes_up(first: tuple[int, bool], last: tuple[int, bool], names: tuple[str, str]) -> None:
    found = estimate_key(np.concatenate([part(*first), part(*last)]), RATE)
    assert found is not None
    assert (found.estimate.value, [key for _, key in found.changes]) == (names[0], [names[1]])
    assert found.changes[0][0] / RATE == pytest.approx(24 * BAR_S, abs=BAR_S)


def test_there_and_back_again() -> None:
    found = estimate_key(np.concatenate([part(2), part(5), part(2)]), RATE)
    assert found is not None
    assert (found.estimate.value, [key for _, key in found.changes]) == ("D major", ["F major", "D major"])


@pytest.mark.parametrize("tonic", [1, 8])
@pytest.mark.parametrize("minor", [False, True])
def test_constant_songs_have_no_change(tonic: int, minor: bool) -> None:
    music = part(tonic, minor)
    quiet = np.concatenate([music, 0.1 * music, np.zeros(10 * RATE, np.float32), music])
    found = estimate_key(quiet, RATE)
    assert found is not None
    assert found.changes == ()


def test_the_relative_key_and_a_short_excursion_are_no_change() -> None:
    relative = estimate_key(np.concatenate([part(0), part(9, minor=True)]), RATE)
    short = estimate_key(np.concatenate([part(0), part(1)[: 8 * RATE], part(0)]), RATE)
    assert relative is not None and short is not None
    assert (relative.changes, short.changes) == ((), ())


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 11)), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_sparse_sound_gives_changes_in_order_or_none(events: list[tuple[int, int]]) -> None:
    frame = np.unique([at for at, _ in events]) * RATE
    full = np.eye(12)[[classes for _, classes in events][: len(frame)]]
    found = key_changes(PitchClasses(full, np.zeros_like(full), frame, 0.0), RATE)
    assert [at for at, _ in found] == sorted({at for at, _ in found})
    assert all(0 <= key < 24 for _, key in found)


@pytest.mark.parametrize(("bpm", "at"), [(120.0, 48_000 * 65), (None, 48_000 * 66)])
def test_a_marker_stands_on_the_nearest_bar_line(bpm: float | None, at: int) -> None:
    tempo = Estimate(bpm, 1.0, "user") if bpm else None
    known = Song("Song", 48_000, bpm=tempo, downbeat_frame=48_000)
    assert [(m.at, m.name) for m in key_markers(known, [(48_000 * 66 - 1, "D# major")])] == [
        (at if bpm else 48_000 * 66 - 1, "Key: Eb major")
    ]
