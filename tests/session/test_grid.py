from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_kit import band, moving_song, song

from stemwright.model import Estimate, Marker, MeterChange, Song, TempoChange
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, read_session, write_session
from stemwright.session.grid import bar_start, grid, lead_in_of, quarters_at, seconds_at, song_from, song_of_points
from stemwright.session.verify import prove
from stemwright.units import exact_bpm


@given(
    downbeat=st.integers(0, 48000 * 60),
    bpm=st.integers(4000, 24000).map(lambda n: n / 100),
    meter=st.sampled_from([(4, 4), (3, 4), (7, 8), (6, 8), (2, 2), (1, 4), (5, 16)]),
)
def test_bar_one_is_exact_and_a_bar_line(downbeat: int, bpm: float, meter: tuple[int, int]) -> None:
    points = grid(
        song(bpm=Estimate(bpm, 1.0, "user"), downbeat_frame=downbeat, meter_map=(MeterChange(Fraction(0), *meter),))
    )
    at = Fraction(downbeat, 48000)
    *lead, bar_one = points
    assert points[0].at == points[0].quarters == 0 and bar_one.bpm == exact_bpm(bpm) and bar_one.meter == meter
    if at < Fraction(1, 80):
        assert len(points) == 1 + (at >= Fraction(1, 256))
        return
    assert bar_one.at == at
    for point, following in zip(lead, points[1:], strict=False):
        assert following.at - point.at == (following.quarters - point.quarters) * 60 / point.bpm
        assert ((following.quarters - point.quarters) / Fraction(4 * point.meter[0], point.meter[1])).denominator == 1
        assert point.meter[1] in (2, 4, 8, 16, 32, 64) and point.bpm <= 320
        if at * exact_bpm(bpm) / 60 >= Fraction(4, 32):
            assert Fraction(4, 5) <= point.bpm / exact_bpm(bpm) <= Fraction(4, 3)
            quarters = at * exact_bpm(bpm) / 60
            assert abs(point.bpm / exact_bpm(bpm) - 1) <= max(Fraction(1, 48), 1 / (8 * quarters)) or quarters < 1
    assert quarters_at(points, at) == bar_one.quarters


def test_a_lead_in_at_the_songs_tempo_has_another_metre_instead() -> None:
    for frames, expected in ((48000 * 2, [(75, (5, 8))]), (38400 * 4, [(75, (4, 4))]), (38400, [(75, (1, 4))])):
        one = song(bpm=Estimate(75.0, 1.0, "user"), downbeat_frame=frames)
        *lead, bar_one = grid(one)
        assert [(point.bpm, point.meter) for point in lead] == expected
        assert lead_in_of(one) == (1, bar_one) and bar_start(one, 1) == bar_one.at


def test_a_lead_in_has_the_plainest_metre_of_its_length() -> None:
    metres = {2_000: (3, 4), 50: (1, 64), 70: (1, 32), 130: (1, 16), 333: (1, 8), 4_321: (11, 16)}
    for length_ms, meter in metres.items():
        first = grid(song(bpm=Estimate(93.5, 1.0, "user"), downbeat_frame=48 * length_ms))[0]
        assert first.meter == meter and first.quarters == 0


@pytest.mark.parametrize("bpm", [60.0, 93.5, 120.0, 174.61, 200.0])
@pytest.mark.parametrize("lead_in_ms", [1, 2, 3, 4, 5, 8, 12, 13, 16, 20, 30, 60, 125, 250, 500, 1_000, 2_345, 10_000])
def test_any_lead_in_has_tempos_that_daws_take_and_exact_bars(lead_in_ms: int, bpm: float) -> None:
    """Every DAW takes 30 to 300 BPM; 5 ms before bar 1 were 750 once, and all that came later was elsewhere."""
    one = song(bpm=Estimate(bpm, 1.0, "user"), downbeat_frame=48 * lead_in_ms)
    points, left_out = grid(one), lead_in_ms < 4
    assert all(30 <= point.bpm <= 300 for point in points)
    bars, bar_one = lead_in_of(one)
    assert (bars > 0) == (lead_in_ms >= 12.5) and bar_one.bpm == exact_bpm(bpm)
    for bar in range(1, 9):
        at = Fraction(0 if left_out else lead_in_ms, 1000) + (bar - 1) * 240 / exact_bpm(bpm)
        assert bar_start(one, bar) == at
        late = at - seconds_at(points, bar_one.quarters + 4 * (bar - 1))
        assert late == 0 or (bar == 1 and not bars and late == Fraction(lead_in_ms, 1000))
    found = song_of_points(points, one.downbeat_frame, 48000)
    assert (found["bpm"].value, found["tempo_map"], found["downbeat_frame"]) == (bpm, (), one.downbeat_frame)


def test_bar_one_takes_a_short_lead_in_up_to_the_first_change() -> None:
    meters = (MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(4), 3, 4))
    one = song(bpm=Estimate(120.0, 1.0, "user"), downbeat_frame=480, meter_map=meters)
    one = replace(one, tempo_map=(TempoChange(Fraction(2), 140.0),))
    assert [(p.at, p.quarters, p.bpm) for p in grid(one)] == [
        (0, 0, Fraction(12000, 101)), (Fraction("1.01"), 2, 140), (Fraction("1.01") + Fraction(6, 7), 4, 140),
    ]  # fmt: skip
    waltz = replace(one, tempo_map=())
    assert [p.quarters for p in grid(waltz)] == [0, 4]
    found = song_of_points(grid(waltz), 480, 48000)
    assert (found["bpm"].value, found["meter_map"], found["downbeat_frame"]) == (120.0, meters, 480)


@pytest.mark.parametrize("name", [name for name, module in formats().items() if "tempo" in module.EXPRESSES])
@pytest.mark.parametrize("downbeat", [190, 240, 590])
def test_every_format_gives_a_short_lead_in_back(tmp_path: Path, name: str, downbeat: int) -> None:
    stems = replace(band(tmp_path), song=replace(moving_song(), downbeat_frame=downbeat))
    plan = replace(arrange(stems), frames=20 * 48000)
    path = write_session(name, plan, tmp_path / "s").outputs[0].path
    assert prove(path, plan).ok
    read = read_session(path).session.song
    assert read.bpm and read.bpm.value == 93.5 and len(read.tempo_map) == 2
    assert abs(read.downbeat_frame - downbeat * read.sample_rate / 48000) <= 1


def test_bars_before_bar_one_are_counted() -> None:
    for beats, bars in ((0, 0), (3, 1), (4, 1), (5, 2), (16, 4), (17, 5)):
        one = song(bpm=Estimate(120.0, 1.0, "user"), downbeat_frame=24000 * beats)
        assert lead_in_of(one)[0] == bars
    assert lead_in_of(song(bpm=None)) == (0, grid(song(bpm=None))[0])


def test_changes_count_from_bar_one() -> None:
    points = grid(moving_song())
    first = next(p for p in points if p.at == Fraction(24577, 48000))
    later = [p for p in points if p.quarters > first.quarters]
    assert [(p.quarters - first.quarters, p.bpm, p.meter) for p in later] == [
        (33, Fraction(481, 4), (7, 8)), (64, Fraction(617, 10), (7, 8)),
    ]  # fmt: skip
    assert later[0].at - first.at == 33 * 60 / Fraction(187, 2)
    assert quarters_at(points, later[1].at + 60) == later[1].quarters + Fraction(617, 10)


def test_unknown_tempo_is_the_default_from_frame_0() -> None:
    (point,) = grid(song(bpm=None))
    assert (point.at, point.bpm, point.meter) == (0, 120, (4, 4))


@given(
    downbeat=st.integers(0, 48000 * 20),
    bpms=st.lists(st.integers(4000, 24000).map(lambda n: n / 100), min_size=1, max_size=4),
    meters=st.lists(st.sampled_from([(4, 4), (3, 4), (7, 8), (2, 2)]), min_size=1, max_size=3),
)
def test_points_give_the_song_back(downbeat: int, bpms: list[float], meters: list[tuple[int, int]]) -> None:
    one = song(
        bpm=Estimate(bpms[0], 1.0, "session"),
        downbeat_frame=downbeat,
        tempo_map=tuple(TempoChange(Fraction(7 * n), bpm) for n, bpm in enumerate(bpms) if n),
        meter_map=tuple(MeterChange(Fraction(12 * n), *meter) for n, meter in enumerate(meters)),
    )
    points = grid(one)
    for bar_one in (downbeat, 0, 12345):
        back = grid(replace(Song("", 48000), **song_of_points(points, bar_one, 48000)))
        assert len(back) == len(points)
        for found, point in zip(back, points, strict=True):
            assert (found.quarters, found.meter) == (point.quarters, point.meter)
            assert abs(found.at - point.at) < Fraction(1, 10**9)
    assert song_of_points(points, downbeat, 48000)["downbeat_frame"] == downbeat
    assert all(seconds_at(points, quarters_at(points, p.at)) == p.at for p in points)


def test_markers_tell_facts_of_a_song() -> None:
    facts = (Marker(0, "Key: Bbm = 3A"), Marker(24000, "Bar 1"))
    own = (Marker(0, "Key: change"), Marker(5, "Bar 1", 10), Marker(9, "Verse"))
    song = song_from((*facts, *own), (), 48000, "T", "A")
    assert song.markers == own and song.key and song.key.value == "A# minor"
    assert (song.title, song.artist, song.bpm, song.downbeat_frame) == ("T", "A", None, 0)
    planned = Song("T", 48000, bpm=Estimate(120.0, 1.0, "user"), downbeat_frame=24000)
    read = song_from(facts, grid(planned), 48000, "T", lines=("a note", "Key: G major = G = 9B (sure)"))
    assert read.key and read.key.value == "G major" and read.downbeat_frame == 24000 and grid(read) == grid(planned)
