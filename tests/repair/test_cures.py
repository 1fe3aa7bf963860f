"""Cures that need more than a file's header: twins, sides, and how the mix holds a stem."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from repair.defects import DEFECTS, FRAMES, build, samples, write
from stemwright import repair
from stemwright.audio.folder import read_stems
from stemwright.measure.sets import measure_set
from stemwright.model import Across, Evidence, Finding, Mixdown, Part, Sides, StemSet, Twins
from support import finish


def measured(folder: Path, **parts: Part) -> StemSet:
    stems = finish(measure_set(read_stems(folder)))
    made = tuple(parts.get(s.file.path.stem, Part(s.file.path, 0.5)) for s in stems.stems)
    return replace(stems, across=Across(mixdown=Mixdown(made, -90.0, -90.0, (), 0.5, 1.0)))


def finding(rule: str, path: Path | None, measured: str = "") -> Finding:
    return Finding(rule, "error", "", path, evidence=Evidence(measured, ""))


def test_of_twins_the_first_stays(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    stems = measured(folder)
    kick, vox = folder / "Kick.wav", folder / "Vocals.wav"
    twins = Across(twins=(Twins(kick, vox, 1.0, True), Twins(kick, folder / "Basso.wav", 0.5, True)))
    plan = repair.plan(replace(stems, across=twins), [finding("SET009", vox), finding("SET009", kick)])
    assert [path for path, _ in plan.aside] == [vox]
    assert {f.subject for f in plan.claims} == {vox, kick}


@pytest.mark.parametrize(("relation", "signs"), [("opposite", (1, -1)), ("", (1, 1))])
def test_sides_are_turned_only_when_exactly_opposite(tmp_path: Path, relation: str, signs: tuple[int, int]) -> None:
    stems = measured(build(tmp_path / "Song"))
    stem = stems.stems[0]
    assert stem.levels
    sides = replace(stem, levels=replace(stem.levels, sides=Sides(-1.0, relation)))
    stems = replace(stems, stems=(sides, *stems.stems[1:]))
    plan = repair.plan(stems, [finding("CHN004", stem.file.path)])
    assert plan.treatments[0].signs == signs
    assert len(plan.refused) == (not relation)


def test_inverted_stems_are_turned_unless_a_sample_has_no_inverse(tmp_path: Path) -> None:
    stems = measured(build(tmp_path / "Song"))
    path = stems.stems[0].file.path
    assert repair.plan(stems, [finding("MIX005", path)]).treatments[0].signs == (-1, -1)
    levels = replace(stems.stems[0].levels, lowest=-1.0)
    low = replace(stems, stems=(replace(stems.stems[0], levels=levels), *stems.stems[1:]))
    plan = repair.plan(low, [finding("MIX005", path)])
    assert not any(treatment.changed for treatment in plan.treatments)
    assert "lowest value" in plan.refused[0][1]


@pytest.mark.parametrize(
    ("lag", "where"),
    [
        (480.0, {"Kick.wav": (0, FRAMES), "Basso.wav": (480, FRAMES)}),  # the end is silent: no frame more
        (-480.02, {"Kick.wav": (0, FRAMES), "Basso.wav": (-480, FRAMES)}),  # so is the start
        (-30_000.0, {"Kick.wav": (4_000, FRAMES), "Basso.wav": (-26_000, FRAMES)}),  # into the sound: all others wait
        (30_000.0, {"Kick.wav": (0, 80_000), "Basso.wav": (30_000, 80_000)}),
    ],
)
def test_a_late_stem_goes_where_the_mix_has_it(tmp_path: Path, lag: float, where: dict[str, tuple[int, int]]) -> None:
    folder = build(tmp_path / "Song")
    path = folder / "Basso.wav"
    plan = repair.plan(measured(folder, Basso=Part(path, 0.5, lag)), [finding("MIX006", path)])
    placed = {t.name: (t.head, t.frames) for t in plan.treatments}
    assert {name: place for name, place in placed.items() if name in where} == {
        name: (head, max(frames, placed["Kick.wav"][1])) for name, (head, frames) in where.items()
    }
    heads = {t.name: t.head for t in plan.treatments}
    assert heads["Basso.wav"] - heads["Kick.wav"] == round(lag)
    assert heads["FullMix.wav"] == heads["Kick.wav"]
    assert len({t.frames for t in plan.stems}) == 1
    for t in plan.stems:
        assert t.sound
        assert t.sound[0] >= 0
        assert t.sound[1] <= t.frames
    assert {t.start for t in plan.treatments} == {0}


@pytest.mark.parametrize("part", [{"lag": 12.4}, {"lag": None}, {"lag": 12.0, "certain": False}])
def test_a_shift_that_is_not_exact_is_left(tmp_path: Path, part: dict) -> None:
    folder = build(tmp_path / "Song")
    path = folder / "Basso.wav"
    plan = repair.plan(measured(folder, Basso=Part(path, 0.5, **part)), [finding("MIX006", path)])
    assert not any(treatment.changed for treatment in plan.treatments)
    assert len(plan.refused) == 1


def test_halves_are_joined_by_a_certain_suffix_only(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    for name in ("Gtr.L", "Gtr.R", "Keys_L", "Keys_R", "Pad.L", "Pad.R"):
        made = samples(name)[:1]
        write(folder / f"{name}.wav", made[:, :-9] if name == "Pad.R" else made)
    lefts = sorted(path for path in folder.glob("*L.wav"))
    found = [finding("SET007", path, f"{path.stem[:-1]}R.wav") for path in lefts]
    plan = repair.plan(measured(folder), found)
    assert [t.name for t in plan.treatments if len(t.sources) == 2] == ["Gtr.wav"]
    assert [f.subject.name for f in plan.claims if f.subject] == ["Gtr.L.wav"]
    assert [f.subject.name for f, _ in plan.refused if f.subject] == ["Keys_L.wav", "Pad.L.wav"]


def test_names_never_collide(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    for name in ("A b", "A#b", "A_b", "a_B"):
        write(folder / f"{name}.wav", samples(name))
    paths = [*sorted(folder.glob("[Aa]*b.wav")), folder / "a_B.wav"]
    plan = repair.plan(measured(folder), [finding("NAM003", path) for path in paths] + [finding("NAM005", paths[-1])])
    names = [t.name.lower() for t in plan.treatments]
    assert len(set(names)) == len(names)


def test_long_names_stay_within_the_limit_with_their_number(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    paths = [write(folder / f"{'Long' * 13}_{end}.wav", samples(end)) for end in "AB"]
    found = [Finding("NAM004", "warning", "", path, evidence=Evidence(54, 50)) for path in paths]
    names = [PurePath(t.name).stem for t in repair.plan(measured(folder), found).treatments if t.renamed]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 50


def test_a_new_name_is_not_that_of_a_folder(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    (folder / "A_b.wav").mkdir()
    path = write(folder / "A b.wav", samples("A"))
    plan = repair.plan(measured(folder), [finding("NAM003", path)])
    assert [t.name for t in plan.treatments if t.renamed] == ["A_b_2.wav"]


@pytest.mark.parametrize(("marks", "told"), [(b"", False), (b"\0\1\0\1\0\0\0\5\1A", True)])
def test_markers_of_an_aiff_are_told_to_come_along(tmp_path: Path, marks: bytes, told: bool) -> None:
    folder = build(tmp_path / "Song")
    DEFECTS["aiff"](folder)
    path = folder / "Kick.aiff"
    if marks:
        data = path.read_bytes() + b"MARK" + len(marks).to_bytes(4, "big") + marks
        path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "big") + data[8:])
    plan = repair.plan(measured(folder), [finding("FMT002", path)])
    steps = next(t.steps for t in plan.treatments if t.name == "Kick.wav")
    assert ("AIFF to WAV, with its markers" in steps) == told
