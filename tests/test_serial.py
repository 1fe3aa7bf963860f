"""The model's JSON: exact both ways for every class, as published, and no traceback for a bad document."""

from __future__ import annotations

import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemwright import model as m
from stemwright.errors import InputError
from stemwright.serial import dumps, from_json, plain, to_json

CLASSES = [c for c in vars(m).values() if dataclasses.is_dataclass(c)]
st.register_type_strategy(Path, st.from_regex(r"[^/\0]{1,9}(/[^/\0]{1,9}){0,2}", fullmatch=True).map(Path))
st.register_type_strategy(Fraction, st.fractions(max_denominator=10**30))
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(
    m.Estimate, lambda kind: _estimates(*(kind.__args__ if hasattr(kind, "__args__") else (float,)))
)


def _estimates(kind: Any) -> st.SearchStrategy[m.Estimate[Any]]:
    values = st.floats(20, 400) if kind is float else st.text(max_size=9) if kind is str else st.none()
    sources = st.sampled_from(["user", "tag", "filename", "session", "measured"])
    return st.builds(m.Estimate, values, st.floats(0, 1), sources, st.lists(values, max_size=2).map(tuple))


@pytest.mark.parametrize("cls", [c for c in CLASSES if c is not m.Outcome])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_class_round_trips(cls: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(cls))
    if not (isinstance(value, m.Evidence) and {"inf", "-inf", "nan"} & {value.measured, value.limit}):
        assert from_json(cls, to_json(value)) == value


@pytest.mark.parametrize("measured", [1.5, "stereo", "1.5", math.inf, -math.inf, ""])
def test_numbers_and_words_stay_apart(measured: float | str) -> None:
    read = from_json(m.Evidence, to_json(m.Evidence(measured, -3, "dB")))
    assert (read.measured, type(read.measured), read.limit) == (measured, type(measured), -3)


def test_not_a_number_comes_back() -> None:
    assert math.isnan(from_json(m.Evidence, to_json(m.Evidence(math.nan, 0.0))).measured)  # type: ignore[arg-type]


def test_a_name_that_is_no_unicode_survives_a_utf8_file(tmp_path: Path) -> None:
    value = m.Output(Path("caf\udce9\u00e9.wav"), "stem")
    (tmp_path / "a.json").write_text(to_json(value), encoding="utf-8")
    assert from_json(m.Output, (tmp_path / "a.json").read_text(encoding="utf-8")) == value
    assert "é" in to_json(value)


KICK = m.AudioFile(Path("in/Kick.wav"), m.AudioFormat("wav", "pcm", 24, 48_000, 1), 480, 3600, (("bpm", "93.5"),))
CLIP = m.Clipping(full_scale=m.Runs(1, (m.Span(3, 7, 0),)))
LEVELS = m.Levels(-6.02, (-6.02,), -math.inf, 0.0, clipping=CLIP, first_sound=0, last_sound=479, overview=(-63, 64))
SONG = m.Song(
    "Tune",
    48_000,
    bpm=m.Estimate(93.5, 0.9, "filename", (187.0,)),
    tempo_map=(m.TempoChange(Fraction(1, 3), 120.0),),
    key=m.Estimate("F# minor", 1.0, "user"),
    markers=(m.Marker(0, "Intro", 96, "#ff0000"),),
)
STEMS = m.StemSet(
    SONG,
    (m.Stem(KICK, "drums.kick", "Kick", LEVELS),),
    folder=Path("in"),
    unreadable=(m.Unreadable(Path("in/x.wav"), "empty", "is empty (0 bytes)"),),
    other_files=(Path("in/notes.txt"),),
)


def test_the_document_of_a_set_is_the_published_one() -> None:
    """A change here is a change of schema: raise its version, or do not make it."""
    golden = (Path(__file__).parent / "golden" / "stemset.json").read_text(encoding="utf-8")
    assert to_json(STEMS) == golden
    assert from_json(m.StemSet, golden) == STEMS


def test_unknown_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    text = '{"schema": "stemwright.marker/1", "at": 5, "name": "Verse", "of_tomorrow": [1]}'
    assert from_json(m.Marker, text) == m.Marker(5, "Verse")


def hostile() -> list[str]:
    good = json.loads(to_json(STEMS))
    paths = [("song",), ("stems",), ("song", "bpm"), ("stems", 0, "file", "format"), ("stems", 0, "file", "path")]
    paths += [("song", "tempo_map", 0, "at"), ("stems", 0, "levels", "sample_peak_dbfs"), ("unreadable", 0, "kind")]
    found = []
    for path in paths:
        for bad in (7, "x", [[]], {}, True, "1/0", "1e999999999", 10**400, [1, 2, 3]):
            document = json.loads(json.dumps(good))
            at = document
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = bad
            found.append(json.dumps(document))
    return found


def test_hostile_documents_are_input_errors() -> None:
    accepted = []
    for text in hostile():
        try:
            accepted.append(from_json(m.StemSet, text).stems[0])
        except InputError as error:
            assert error.hint
    assert [str(stem.file.path) for stem in accepted] == ["x", "1/0", "1e999999999", "in/Kick.wav"]
    assert accepted[-1].levels and accepted[-1].levels.sample_peak_dbfs == 7


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "null", "{}", "{", '{"schema": "stemwright.song/1"}', "[" * 100_000, "1" * 5000]
)
def test_what_is_no_document_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="not a StemSet document"):
        from_json(m.StemSet, text)


def test_dicts_and_outcomes_are_written_too() -> None:
    outcome = m.Outcome((m.Output(Path("a.wav"), "stem"),), {1: (Fraction(1, 3), -math.inf)})
    assert plain(outcome)["result"] == {"1": ["1/3", "-inf"]}
    assert json.loads(dumps({"a": math.nan})) == {"a": "nan"}
