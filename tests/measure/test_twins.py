"""Twins and sums: found in any container, at any gain, with and without a mix; never between different sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from songs import band, measured, real, told, total

from stemwright.measure.twins import sums
from stemwright.model import Across, StemSet


def across(stems: StemSet) -> Across:
    assert stems.across is not None
    return stems.across


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff"])
def test_the_same_samples_are_found_in_any_container(tmp_path: Path, mixed: bool, suffix: str) -> None:
    sounds = band(4)
    stems = measured(tmp_path, {**sounds, f"Copy{suffix}": sounds["Part1"]}, total(sounds) if mixed else None)
    (pair,) = across(stems).twins
    assert (pair.first.name, pair.second.name, pair.exact, pair.gain) == ("Part1.wav", f"Copy{suffix}", True, 1.0)


@pytest.mark.parametrize("mixed", [True, False])
def test_one_changed_sample_makes_a_near_twin(tmp_path: Path, mixed: bool) -> None:
    sounds = band(4)
    copy = sounds["Part1"].copy()
    copy[0, 100_000] += 2.0**-22
    stems = measured(tmp_path, {**sounds, "Copy": copy}, total(sounds) if mixed else None)
    assert [(pair.exact, round(pair.gain, 6)) for pair in across(stems).twins] == [(False, 1.0)]


def test_a_softer_and_inverted_copy_is_a_near_twin_with_its_gain(tmp_path: Path) -> None:
    sounds = band(4)
    (pair,) = across(measured(tmp_path, {**sounds, "Copy": -0.7 * sounds["Part2"]}, None)).twins
    assert pair.gain == pytest.approx(-0.7, abs=1e-6)
    assert pair.correlation == pytest.approx(-1, abs=1e-6)


def test_of_three_alike_two_are_reported(tmp_path: Path) -> None:
    sound = band(2)["Part0"]
    pairs = across(measured(tmp_path, {"A": sound, "B": sound, "C": sound}, None)).twins
    assert [(pair.first.stem, pair.second.stem) for pair in pairs] == [("A", "B"), ("A", "C")]


def test_a_mono_file_and_its_stereo_copy_are_near_twins(tmp_path: Path) -> None:
    mono = band(2)["Part0"][:1]
    (pair,) = across(measured(tmp_path, {"A": mono, "B": np.repeat(mono, 2, axis=0)}, None)).twins
    assert not pair.exact


@pytest.mark.parametrize("mixed", [True, False])
def test_a_bus_beside_its_members_and_a_bus_of_buses(tmp_path: Path, mixed: bool) -> None:
    sounds = band(4, stems=5)
    drums = sounds["Part0"] + sounds["Part1"]
    buses = {"Drums": drums, "Band": 0.5 * (drums + sounds["Part2"])}
    stems = measured(tmp_path, sounds | buses, total(sounds) if mixed else None)
    found = {one.stem: sorted(member.stem for member in members) for one, members in across(stems).sums}
    assert found == {"Drums": ["Part0", "Part1"], "Band": ["Drums", "Part2"]}


@pytest.mark.parametrize("song", ["lmms_saber-finalstep", "ghostpines30", "midi_daybreak"])
def test_real_stems_are_no_twins_and_no_sums(tmp_path: Path, shared: Path, song: str) -> None:
    found = across(measured(tmp_path, real(shared / "material/music" / song, 12), None))
    assert (found.twins, found.sums) == ((), ())


def test_a_bus_and_a_copy_among_twenty_real_stems_are_one_finding_each(tmp_path: Path, shared: Path) -> None:
    sounds = real(shared / "material/music/lmms_saber-finalstep", 8)
    kick, clap = sorted(sounds)[:2]
    more = {"Bus": sounds[kick] + sounds[clap], "Copy.flac": sounds[sorted(sounds)[2]]}
    found = told(measured(tmp_path, sounds | more, total(sounds), rate=44_100))
    assert found == {("SET009", "Copy"), ("SET011", "Bus")}


@given(st.integers(3, 8), st.integers(0, 1000))
def test_a_sum_is_found_with_its_members_whatever_the_levels(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 500)) * 10 ** rng.uniform(-1, 0, (count, 1))
    members = sorted(rng.choice(count, rng.integers(2, count + 1), replace=False).tolist())
    rows = np.vstack((rows, rng.uniform(0.1, 2) * rows[members].sum(axis=0)))
    assert sums(rows @ rows.T, frozenset()) == ((count, tuple(members)),)


@pytest.mark.parametrize("mastered", [False, True])
@pytest.mark.parametrize(("copy", "rule"), [("equal", "SET009"), ("softer", "SET010"), ("16 bits", "SET010")])
def test_a_copy_of_the_mix_among_the_stems_is_one_finding(tmp_path: Path, mastered: bool, copy: str, rule: str) -> None:
    sounds = band(4)
    mix = np.tanh(2 * total(sounds)) / 2 if mastered else 0.5 * total(sounds)
    other = {"equal": mix, "softer": 0.4 * mix, "16 bits": np.round(mix * 2**15) / 2**15}[copy]
    stems = measured(tmp_path, {**sounds, "Song_v2": other}, mix)
    assert told(stems) - {("MIX008", "FullMix")} == {(rule, "Song_v2")}
    assert [pair.first.stem for pair in across(stems).twins] == ["FullMix"]
    made = across(stems).mixdown
    assert made is not None
    assert {part.path.stem for part in made.parts} == set(sounds)


def test_a_solo_that_is_the_mix_is_no_copy_of_it(tmp_path: Path) -> None:
    sounds = band(4)
    stems = measured(tmp_path, sounds, 0.5 * sounds["Part1"])
    assert told(stems) == {("MIX002", name) for name in sounds if name != "Part1"}
    assert across(stems).twins == ()
