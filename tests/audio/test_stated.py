"""notes.toml: what is written is read again as it was, and what is wrong is named with its line."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stemwright.audio import stated
from stemwright.audio.folder import read_stems
from stemwright.audio.stated import Release, Stated, StemWords
from stemwright.errors import SettingsError
from stemwright.model import Estimate, Marker, MeterChange, Song, TempoChange
from stemwright.units import PITCH_CLASSES
from stemwright.workflows.facts import Given, song_of
from support import finish, tone, write_stems

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
TEMPI = st.floats(0.001, 999.999)
PEOPLES_TEMPI = st.floats(20, 400)
KEYS = st.builds("{} {}".format, st.sampled_from(PITCH_CLASSES), st.sampled_from(("major", "minor")))
SOURCES = st.sampled_from(("user", "tag", "filename", "session", "measured"))


def estimates(values: st.SearchStrategy) -> st.SearchStrategy:
    others = st.lists(values, max_size=3).map(tuple)
    return st.none() | st.builds(Estimate, values, st.floats(0, 1), SOURCES, others)


def changes(kind: type, first: Fraction | None, *values: st.SearchStrategy) -> st.SearchStrategy:
    places = st.lists(st.fractions(Fraction(1, 64), 10_000, max_denominator=64), unique=True, max_size=4)
    starts = places.map(lambda at: sorted(at if first is None else [first, *at]))
    return starts.flatmap(lambda at: st.tuples(*(st.builds(kind, st.just(place), *values) for place in at)))


MARKERS = st.builds(
    Marker,
    st.integers(0, 10**9),
    TEXTS,
    st.integers(0, 10**9),
    st.none() | st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
)
SONGS = st.builds(
    Song,
    title=TEXTS.filter(bool),
    sample_rate=st.sampled_from((44_100, 48_000, 96_000)),
    artist=TEXTS,
    bpm=estimates(PEOPLES_TEMPI),
    tempo_map=changes(TempoChange, None, TEMPI),
    meter_map=changes(MeterChange, Fraction(0), st.integers(1, 99), st.sampled_from((1, 2, 4, 8, 16))),
    key=estimates(KEYS),
    downbeat_frame=st.integers(0, 10**9),
    markers=st.lists(MARKERS, max_size=4).map(tuple),
    tuning_cents=st.none() | st.floats(-100, 100),
)
WORDS = st.dictionaries(TEXTS, st.builds(StemWords, TEXTS.filter(bool), TEXTS), max_size=3)
LISTS = st.lists(TEXTS, max_size=3).map(tuple)
RELEASES = st.builds(Release, TEXTS, TEXTS, TEXTS, TEXTS, LISTS, LISTS, LISTS, st.none() | st.booleans(), LISTS)
EVERYTHING = st.builds(Stated, SONGS, TEXTS, TEXTS, RELEASES, WORDS)


@given(EVERYTHING)
def test_what_is_written_is_read_again(everything: Stated) -> None:
    text = stated.dump(everything)
    assert stated.parse(text) == everything
    assert set(tomllib.loads(text)) <= {*stated._SONG, "click", "comments", "release", "stems"}


@given(SONGS, SONGS)
@example(*(Song("A", 48_000, bpm=Estimate(120.0, 1.0, "user", heard)) for heard in ((), (60.0,))))
def test_a_whole_record_takes_the_place_of_what_else_is_known(song: Song, known: Song) -> None:
    told = stated.told(known, Stated(song))
    for name in ("tempo_map", "meter_map", "downbeat_frame", "markers", "sample_rate", "title"):
        assert getattr(told, name) == getattr(song, name)
    assert told.bpm == (song.bpm or known.bpm) and told.key == (song.key or known.key)
    assert stated.told(known, Stated()) == known


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stems(tmp_path_factory.mktemp("a") / "Take", {name: tone(110, 0.1) for name in ("Vocals", "Bass")})


@given(EVERYTHING, TEXTS, TEXTS)
def test_a_folder_gives_the_song_and_the_words_that_were_written(
    take: Path, everything: Stated, effects: str, comments: str
) -> None:
    words = StemWords(effects, comments)
    stated.write(take, replace(everything, stems={"VOCALS": words, "Song_Bass": words}))
    found = read_stems(take)
    assert finish(song_of(found, Given())) == everything.song
    assert [(stem.printed_effects, stem.comments) for stem in found.stems] == [(effects, comments)] * 2
    again = finish(song_of(found, Given(bpm=77, key="Eb", title="Other")))
    assert (again.bpm.value, again.key.value, again.title) == (77, "D# major", "Other")
    kept = replace(everything.song, bpm=again.bpm, key=again.key, title="Other")
    same = everything.song.bpm is not None and everything.song.bpm.value == 77
    assert again == (kept if same else replace(kept, tempo_map=()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Song_120_Am", {name: tone(110) for name in ("Vocals", "Bass")}, 44_100)


def test_plain_values_are_the_producers(folder: Path) -> None:
    (folder / stated.NAME).write_text(
        'bpm = 93.5\nkey = "11A"\ntitle = "Night Train"\n[stems.vocals]\nprinted_effects = "plate"\n'
        '[stems."Song_Bass.wav"]\ncomments = "DI"\n[stems.Gone]\ncomments = "x"\n'
    )
    found = read_stems(folder)
    assert found.song.bpm == Estimate(93.5, 1.0, "user") and found.song.key == Estimate("F# minor", 1.0, "user")
    assert found.song.title == "Night Train" and found.song.sample_rate == 44_100
    said = {stem.name: (stem.printed_effects, stem.comments) for stem in found.stems}
    assert said == {"Vocals": ("plate", ""), "Bass": ("", "DI")}


@pytest.mark.parametrize(("text", "bpm"), [("", 117.0), ("bpm = 117", None), ("bpm = 117", 117.0)])
def test_what_is_heard_is_told_beside_a_tempo_that_is_stated(tmp_path: Path, text: str, bpm: float | None) -> None:
    burst = np.random.default_rng(1).standard_normal(2205) * np.exp(-np.arange(2205) / 300)
    beats = np.zeros((1, 44_100 * 20))
    for at in range(0, 44_100 * 19, 26_460):  # 100 BPM
        beats[0, at : at + len(burst)] += 0.2 * burst
    folder = write_stems(tmp_path / "Song", {"Drums": beats}, 44_100)
    (folder / stated.NAME).write_text(text)
    song = finish(song_of(read_stems(folder), Given(bpm=bpm)))
    assert song.bpm == Estimate(117.0, 1.0, "user", (100.0,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bpm = nan", "line 1: bpm: nan is no tempo"),
        ("\nbpm = 0", "line 2: bpm: 0.0 is no tempo"),
        ("bpm = 450", "line 1: bpm: 450.0 is no tempo; give quarter notes a minute, from 20 to 400"),
        ("bpm = 'fast'", "line 1: bpm: 'fast' is not a number"),
        ("bpm = { value = 120, sure = true }", "line 1: bpm: 'sure' is not known"),
        ("bpm = { value = 120, confidence = 7 }", "line 1: bpm: a confidence of 7.0"),
        ("bpm = { value = 120, source = 'aunt' }", "line 1: bpm: 'aunt' is none of"),
        ("title = 'x'\nkey = 'H?'", "line 2: key: 'H?' is none"),
        ("title = 3", "line 1: title: 3 is not a text"),
        ("# hm\ntempo = 120", "line 2: 'tempo' is not known here; known: title, artist, bpm, key, tuning_cents, click"),
        ("downbeat_frame = 3", "line 1: downbeat_frame needs sample_rate"),
        ("sample_rate = -1", "line 1: sample_rate: -1 Hz"),
        ("tuning_cents = inf", "line 1: tuning_cents: inf"),
        ("sample_rate = 48000\nmeter_map = [{ at = 0, numerator = 0, denominator = 4 }]", "line 2: meter_map: 0/4"),
        ("sample_rate = 48000\ntempo_map = [{ at = 8, bpm = 99 }, { at = 4, bpm = 98 }]", "line 2: tempo_map: the pl"),
        ("sample_rate = 48000\ndowbeat_frame = 1", "line 2: 'dowbeat_frame' is not known"),
        (f"sample_rate = 48000\ndownbeat_frame = {10**40}", "line 2: downbeat_frame: 1000"),
        (f"sample_rate = 48000\nmarkers = [{{ at = {10**40}, name = 'x' }}]", "line 2: markers: a place"),
        (f"sample_rate = 48000\nmarkers = [{{ at = {10**13}, name = 'x' }}]", "line 2: markers: a place"),
        ("sample_rate = 48000\nmeter_map = [{ at = '1/0', numerator = 4, denominator = 4 }]", "line 2: meter_map: "),
        ("[release]\nisrc = 'a'\nowner = 'b'", "line 3: [release] 'owner' is not known"),
        ("[release]\nexplicit = 'no'", "line 2: [release] explicit: 'no'"),
        ("stems = 3", "line 1: stems: one table"),
        ("[stems.\"a.b.wav\"]\neffects = 'x'", "line 2: [stems.a.b.wav] 'effects' is not known"),
        ("[stems]\nVocals = 3", "line 2: [stems.Vocals] a table is wanted"),
        ("title = \n", "line 1"),
        pytest.param("bpm = 1".encode("utf-16").decode("latin-1"), "is no text in UTF-8", id="utf-16"),
        pytest.param("a = " + "[" * 100_000, "nested too deep", id="deep"),
        pytest.param("#" + "x" * (10 << 20), "larger than 1 MiB", id="large"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder: Path, text: str, told: str) -> None:
    (folder / stated.NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        read_stems(folder)
    assert told in caught.value.message and stated.NAME in caught.value.message and caught.value.hint


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_is_a_surprise(text: str) -> None:
    with suppress(ValueError):
        stated.parse(text)
