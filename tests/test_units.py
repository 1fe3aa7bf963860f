"""Conversions are exact, and every key is spelled as musicians spell it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright import units

RATES = st.sampled_from([8000, 44_100, 48_000, 88_200, 96_000, 192_000])

SPELLED = {  # Camelot: (minor, major), as on every DJ's wheel
    1: ("Abm", "B"), 2: ("Ebm", "F#"), 3: ("Bbm", "Db"), 4: ("Fm", "Ab"), 5: ("Cm", "Eb"), 6: ("Gm", "Bb"),
    7: ("Dm", "F"), 8: ("Am", "C"), 9: ("Em", "G"), 10: ("Bm", "D"), 11: ("F#m", "A"), 12: ("Dbm", "E"),
}  # fmt: skip
SHARPS = {1: 5, 2: 6, 3: -5, 4: -4, 5: -3, 6: -2, 7: -1, 8: 0, 9: 1, 10: 2, 11: 3, 12: 4}
KEYS = [f"{tonic} {mode}" for tonic in units.PITCH_CLASSES for mode in ("major", "minor")]


@given(st.integers(0, 1 << 40), RATES)
def test_frames_and_seconds_round_trip(count: int, rate: int) -> None:
    assert units.frames(units.seconds(count, rate), rate) == count


@given(st.integers(0, 1 << 40), RATES, RATES)
def test_rescale_is_the_nearest_frame(count: int, source: int, target: int) -> None:
    there = units.rescale(count, source, target)
    assert abs(Fraction(there, target) - Fraction(count, source)) <= Fraction(1, 2 * target)
    if target >= source:
        assert units.rescale(there, target, source) == count
    assert there == units.frames(units.seconds(count, source), target)


@given(st.floats(1e-6, 1e3))
def test_db_round_trip(ratio: float) -> None:
    assert units.linear(units.db(ratio)) == pytest.approx(ratio, rel=1e-12)


def test_db_of_silence_and_of_known_levels() -> None:
    assert (units.db(0), units.linear(-math.inf), units.db(1)) == (-math.inf, 0, 0)
    assert units.db(0.5) == pytest.approx(-6.0206, abs=1e-4)


@given(st.integers(2000, 40_000).map(lambda n: n / 100), st.integers(1, 10_000))
def test_tempo_is_exact_as_written(bpm: float, beats: int) -> None:
    assert Fraction(beats * 60) / units.exact_bpm(bpm) == Fraction(beats * 6000, round(bpm * 100))


@pytest.mark.parametrize(
    ("frames", "text"), [(0, "0:00.000"), (48_000 * 187 + 12_000, "3:07.250"), (2_879_999, "1:00.000")]
)
def test_clock(frames: int, text: str) -> None:
    assert units.clock(frames, 48_000) == text


@pytest.mark.parametrize("number", SPELLED)
@pytest.mark.parametrize("letter", "AB")
def test_all_24_keys_by_camelot(number: int, letter: str) -> None:
    key = units.parse_key(f"{number}{letter}")
    written = SPELLED[number]["AB".index(letter)]
    assert units.parse_key(written) == key and key in KEYS
    assert units.camelot(key) == f"{number}{letter}" and units.parse_key(f"{number:02d}{letter}") == key
    assert units.key_signature_sharps(key) == SHARPS[number]


@pytest.mark.parametrize("number", SPELLED)
@pytest.mark.parametrize("letter", "md")
def test_all_24_keys_by_open_key(number: int, letter: str) -> None:
    """The clock of Camelot, seven hours later."""
    camelot = f"{number}{'AB'['md'.index(letter)]}"
    hour = (number - 8) % 12 + 1
    assert units.parse_key(f"{hour}{letter}") == units.parse_key(camelot)
    assert units.open_key(units.parse_key(camelot)) == f"{hour}{letter}"


@pytest.mark.parametrize(
    ("text", "key"),
    [("1m", "A minor"), ("12d", "F major"), ("5d", "E major"), ("7M", "D# minor"), ("07m", "D# minor")],
)
def test_open_key_as_dj_software_writes_it(text: str, key: str) -> None:
    assert units.parse_key(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("H-Dur", "B major"),
        ("B-Dur", "A# major"),
        ("b-moll", "A# minor"),
        ("h moll", "B minor"),
        ("fis-Moll", "F# minor"),
        ("As-Dur", "G# major"),
        ("Es dur", "D# major"),
        ("Des-Dur", "C# major"),
        ("a-moll", "A minor"),
        ("F sharp minor", "F# minor"),
        ("A-flat major", "G# major"),
        ("B flat", "A# major"),
    ],
)
def test_keys_in_german_and_in_words(text: str, key: str) -> None:
    assert units.parse_key(text) == key


@pytest.mark.parametrize("key", KEYS)
def test_every_spelling_means_the_same_key(key: str) -> None:
    tonic, mode = key.split()
    spelled = units.spell_key(key)
    for text in (key, spelled, units.short_key(key), f"{tonic.lower()} {mode.upper()}", f"{tonic}{mode[:3]}"):
        assert units.parse_key(text) == key
    assert units.parse_key(spelled.replace("b ", "♭ ").replace("#", "♯")) == key
    flats = units.key_signature_sharps(key) < 0
    assert ("#" in spelled) <= (not flats) and ("b" in spelled.split()[0]) <= flats


def test_minor_keys_spelled_by_their_signature() -> None:
    found = {units.short_key(key) for key in KEYS if key.endswith("minor")}
    assert found == {"Cm", "C#m", "Dm", "D#m", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"}


@pytest.mark.parametrize(
    "text", ["", "H", "Cm7", "A sharp thing", "#", "minor", "Cx", "Ds-Dur", "dur", "Gis", "F sharp flat"]
)
def test_no_key(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_key(text)


@pytest.mark.parametrize("text", ["13A", "0B", "²A", "13m", "0d", "m", "00A", "-1A", "1 m"])
def test_no_hour_of_a_clock(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_key(text)
