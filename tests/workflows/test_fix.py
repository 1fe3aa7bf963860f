"""The whole of fix on real folders: what is claimed is gone, no sample is lost, originals stay, undo restores."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repair.defects import DEFECTS, FRAMES, ODD, RATE, build, samples, sound, tree, write
from stemwright import safety
from stemwright.audio.probe import probe
from stemwright.cli import main
from stemwright.errors import AlreadyThere, DiskFull, InputError, NotFoundInput, OutputError, SettingsError
from stemwright.model import Outcome
from stemwright.workflows.fix import Fixed, FixOptions, fix_folder, report, undo_fix
from support import finish, run, run_json


def fix(folder: Path, **options: object) -> Fixed:
    return finish(fix_folder(folder, FixOptions(**options))).result


def codes(findings: tuple) -> set[str]:
    return {finding.rule for finding in findings if finding.severity != "info"}


def spoilt(folder: Path, *defects: str) -> Path:
    build(folder)
    for name in defects:
        DEFECTS[name](folder)
    return folder


def test_a_clean_set_is_left_alone(tmp_path: Path) -> None:
    made = fix(build(tmp_path / "Song"))
    assert not made.work
    assert "nothing to repair" in report(made)
    assert [path.name for path in tmp_path.iterdir()] == ["Song"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(sorted(DEFECTS)), min_size=1, max_size=5))
@example({"twin", "aiff", "short"})
def test_any_defects_are_gone_and_no_sample_with_them(
    tmp_path_factory: pytest.TempPathFactory, defects: set[str]
) -> None:
    folder = spoilt(tmp_path_factory.mktemp("set") / "Song", *sorted(defects))
    before = tree(folder)
    made = fix(folder)
    assert made.work
    assert made.still == ()
    assert not set(made.claimed) & codes(made.after)
    assert tree(folder) == before
    for treated in made.treated:
        result = made.folder / treated.name
        assert np.array_equal(sound(folder / treated.sources[0]), sound(result))
        read = probe(result)
        assert read.damage == ()
        if treated.steps and treated.sources[0] != "Kick.aiff" and "streamed" not in defects:
            assert ODD[1] in result.read_bytes()
    assert not fix(made.folder).work, "a second run has nothing to do"


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_each_defect_alone_leaves_a_clean_set(tmp_path: Path, defect: str) -> None:
    made = fix(spoilt(tmp_path / "Song", defect))
    assert made.claimed
    assert {finding.rule for finding in made.before} >= set(made.claimed)
    assert codes(made.after) - {"MIX001", "MIX002"} == set()  # stems that were added are in no mix
    assert not list(tmp_path.glob(".*"))


def test_stamps_consolidate_and_the_mix_says_so(tmp_path: Path) -> None:
    made = fix(spoilt(tmp_path / "Song", "stamp"))
    read, _ = soundfile.read(made.folder / "Basso.wav")
    assert np.array_equal(read.T, samples("Basso"))
    assert probe(made.folder / "Basso.wav").start_frame == 0


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("MIX005", lambda made: -made),
        ("MIX006", lambda made: np.roll(made, 480, axis=1)),
        ("MIX006", lambda made: np.roll(made, -1_000, axis=1)),
        ("CHN006", lambda made: made[::-1]),
    ],
)
def test_what_the_mix_tells_is_put_right_to_the_bit(tmp_path: Path, code: str, spoil: Callable) -> None:
    folder = build(tmp_path / "Song")
    write(folder / "Basso.wav", spoil(samples("Basso")))
    made = fix(folder)
    assert made.claimed == (code,)
    assert codes(made.after) == set()
    assert np.array_equal(soundfile.read(made.folder / "Basso.wav")[0].T, samples("Basso"))


def test_wrong_stamps_are_mended_where_the_mix_knows_better(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    write(folder / "Basso.wav", samples("Basso"), start=4_800)
    made = fix(folder)
    read, _ = soundfile.read(made.folder / "Basso.wav")
    assert np.array_equal(read.T, samples("Basso"))
    assert probe(made.folder / "Basso.wav").start_frame == 0


def test_lengths_are_not_touched_where_nothing_proves_the_start(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    for name, frames in (("Kick", FRAMES), ("Basso", 60_001), ("Vocals", FRAMES)):
        write(folder / f"{name}.wav", samples(name)[:, :frames], start=None)
    (folder / "FullMix.wav").unlink()
    made = fix(folder)
    assert not made.work, "nor is a time stamp written, which would be proof the next time"
    assert ["nothing proves" in why for finding, why in made.left if finding.rule == "SET003"] == [True]


def test_lossy_repairs_only_when_asked_and_one_gain_for_all(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    loud = samples("Kick") * 3.6
    write(folder / "Kick.wav", np.rint(loud * 2**23) / 2**23)
    plain = fix(folder, select=("LVL001",))
    assert not plain.work
    assert "--lossy" in plain.left[0][1]
    made = fix(folder, select=("LVL001",), lossy=True)
    assert made.still == ()
    before = [np.abs(soundfile.read(folder / f"{name}.wav")[0]).max() for name in ("Kick", "Basso", "Vocals")]
    after = [np.abs(soundfile.read(made.folder / f"{name}.wav")[0]).max() for name in ("Kick", "Basso", "Vocals")]
    ratios = np.array(after) / before
    assert np.ptp(ratios) < 1e-5
    assert -3.02 < 20 * np.log10(after[0]) <= -3.0
    assert (made.folder / "FullMix.wav").read_bytes() == (folder / "FullMix.wav").read_bytes()
    assert not fix(made.folder, lossy=True, select=("LVL001",)).work


def test_other_lossy_repairs(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    (folder / "FullMix.wav").unlink()
    off = samples("Kick")
    off[:, 26_000:50_000] += 0.02
    write(folder / "Kick.wav", off)
    write(folder / "Basso.wav", samples("Basso") * 0.7, bits=32)
    soundfile.write(folder / "Vocals.wav", samples("Vocals").T[:70_560], 44_100, subtype="PCM_24")
    made = fix(folder, lossy=True)
    assert {"LVL006", "FMT004", "SET001", "SET002"} <= set(made.claimed)
    assert made.still == ()
    read, _ = soundfile.read(made.folder / "Kick.wav")
    assert np.abs(read[:26_000]).max() == 0
    assert np.ptp(read.T[:, 26_000:50_000] - off[:, 26_000:50_000], axis=1).max() < 2**-22, "one constant came off"
    assert np.abs(read.mean(axis=0)).max() < 1e-6
    assert probe(made.folder / "Vocals.wav").format.sample_rate == RATE
    assert not fix(made.folder, lossy=True).work


def test_a_cut_tail_is_faded_once_and_never_claimed(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    write(folder / "Kick.wav", np.roll(samples("Kick"), 35_000, axis=1))
    made = fix(folder, lossy=True, select=("TIM001",))
    assert "TIM001" not in made.claimed
    assert "TIM001" in {finding.rule for finding, _ in made.left}
    assert not soundfile.read(made.folder / "Kick.wav")[0][-1].any()
    assert not fix(made.folder, lossy=True, select=("TIM001",)).work


def test_damage_that_a_new_header_would_hide_stays(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    path = folder / "Vocals.wav"
    path.write_bytes(path.read_bytes()[:200_000])
    path.rename(folder / "Lead Vox.wav")
    made = fix(folder)
    assert "INT005" not in made.claimed
    assert (made.folder / "Lead_Vox.wav").read_bytes() == (folder / "Lead Vox.wav").read_bytes()
    assert {"INT005", "SET003"} <= {finding.rule for finding, _ in made.left}


@pytest.mark.parametrize("defects", [("name", "junk", "short", "no notes"), ("silent", "twin", "aiff")])
def test_in_place_and_back(tmp_path: Path, defects: tuple[str, ...]) -> None:
    folder = spoilt(tmp_path / "Song", *defects)
    before = tree(folder)
    made = fix(folder, in_place=True)
    assert made.still == ()
    away = next(folder.glob("_originals_*"))
    assert (folder / "FIXED.log").is_file()
    assert (folder / "_quarantine").is_dir() == ("junk" in defects or "twin" in defects)
    assert {before[name] for name in before} <= set(tree(folder).values()), "every original is still there"
    assert not fix(folder, in_place=True).work
    undo_fix(folder)
    assert tree(folder) == before
    assert not away.exists()


def test_two_repairs_are_undone_one_by_one(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "name")
    first = tree(folder)
    fix(folder, in_place=True)
    DEFECTS["short"](folder)
    second = tree(folder)
    fix(folder, in_place=True)
    undo_fix(folder)
    assert tree(folder) == second
    write(folder / "Basso.wav", samples("Basso"))
    undo_fix(folder)
    assert tree(folder).keys() == first.keys()
    with pytest.raises(NotFoundInput):
        undo_fix(folder)


def test_undo_moves_nothing_when_a_result_was_edited(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "short", "name")
    fix(folder, in_place=True)
    write(folder / "Basso.wav", samples("Basso") / 2)
    edited = tree(folder)
    with pytest.raises(InputError, match=r"Basso\.wav: was changed since"):
        undo_fix(folder)
    assert tree(folder) == edited


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("in_place", [True, False])
def test_an_interrupt_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, in_place: bool
) -> None:
    folder = spoilt(tmp_path / "Song", "name", "short", "junk")
    before, calls, rename = tree(tmp_path), [], Path.rename

    def stops(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == at:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stops)
    if in_place or at == 1:
        with pytest.raises(KeyboardInterrupt):
            fix(folder, in_place=in_place)
        monkeypatch.undo()
        assert tree(tmp_path) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from stemwright.cli import main
from stemwright.model import Outcome
from stemwright.workflows.fix import FixOptions, fix_folder
left, rename = [int(sys.argv[2])], Path.rename
def stops(path, target):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
Path.rename = stops
for _ in fix_folder(Path(sys.argv[1]), FixOptions(in_place=True)):
    pass
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_what_a_kill_leaves_is_taken_back_by_undo(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "name", "short", "junk")
    before = tree(folder)
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), "4"], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(AlreadyThere, match="interrupted"):
        fix(folder, in_place=True)
    undo_fix(folder)
    after = {name: was for name, was in tree(folder).items() if not name.startswith(".")}
    assert after == before
    fix(folder, in_place=True)
    assert not list(folder.glob(".*")), "what the kill left is swept"


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = spoilt(tmp_path / "Song", "short")
    before = tree(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safety.os, "fsync", full)
    with pytest.raises(DiskFull):
        fix(folder)
    assert tree(tmp_path) == before


def test_where_the_result_goes(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song_120_Am", "short")
    assert fix(folder, dry_run=True).folder == tmp_path / "Song_fixed_120_Am"
    assert [path.name for path in tmp_path.iterdir()] == ["Song_120_Am"]
    made = fix(folder, out=tmp_path / "there")
    assert made.folder == tmp_path / "there" / "Song_fixed_120_Am"
    with pytest.raises(AlreadyThere):
        fix(folder, out=tmp_path / "there")
    fix(folder, out=tmp_path / "there", force=True)
    (made.folder / "FIXED.log").unlink()
    with pytest.raises(AlreadyThere):
        fix(folder, out=tmp_path / "there", force=True)
    with pytest.raises(OutputError):
        fix(folder, out=Path("/proc/nowhere"))


def test_codes_choose_the_repairs(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "name", "short", "junk")
    assert fix(folder, select=("NAM",), dry_run=True).claimed == ("NAM002", "NAM003")
    assert "SET003" not in fix(folder, ignore=("SET",), dry_run=True).claimed
    with pytest.raises(SettingsError):
        fix(folder, select=("NOPE",))


def outcome(folder: Path, **options: object) -> Outcome[Fixed]:
    return finish(fix_folder(folder, FixOptions(**options)))


def test_undo_overwrites_no_new_file_under_an_old_name(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "name")
    fix(folder, in_place=True)
    (folder / "Full Mix (ü).wav").write_text("mine")
    now = tree(folder)
    with pytest.raises(InputError, match="an original belongs there"):
        undo_fix(folder)
    assert tree(folder) == now


@pytest.mark.parametrize("touched", ["My take.wav", "Kick.wav", "Sub"])
def test_force_deletes_nothing_of_the_user(tmp_path: Path, touched: str) -> None:
    folder = spoilt(tmp_path / "Song", "short")
    result = fix(folder).folder
    (result / touched).mkdir() if touched == "Sub" else (result / touched).write_text("mine")
    now = tree(result)
    with pytest.raises(AlreadyThere, match=touched):
        fix(folder, force=True)
    assert tree(result) == now


def test_undo_is_not_mixed_with_a_repair(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "name")
    fix(folder, in_place=True)
    now = tree(folder)
    for option in (["--dry-run"], ["--backup"], ["--select", "NAM"]):
        with pytest.raises(SystemExit, match="2"):
            main(["fix", str(folder), "--undo", *option])
    assert tree(folder) == now
    with suppress(SystemExit):
        main(["fix", str(folder), "--undo"])
    assert (folder / "Full Mix (ü).wav").is_file()


def linked(tmp_path: Path) -> Path:
    folder = build(tmp_path / "Song")
    (tmp_path / "else").mkdir()
    (folder / "Kick.wav").rename(tmp_path / "else" / "Kick.wav")
    (folder / "Kick.wav").symlink_to("../else/Kick.wav")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_link_comes_back_as_the_link_it_was(tmp_path: Path) -> None:
    folder = linked(tmp_path)
    fix(folder, in_place=True)
    assert not (folder / "Kick.wav").is_symlink()
    undo_fix(folder)
    assert (folder / "Kick.wav").readlink() == Path("../else/Kick.wav")
    assert np.array_equal(soundfile.read(folder / "Kick.wav")[0].T, samples("Kick"))


def test_the_journal_stays_while_an_original_is_gone(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "short", "name")
    fix(folder, in_place=True)
    next(folder.glob("_originals_*/Basso.wav")).unlink()
    now = tree(folder)
    with pytest.raises(InputError, match=r"Basso\.wav: the original is gone"):
        undo_fix(folder)
    assert tree(folder) == now


def test_a_taken_name_stops_a_repair_in_place_before_the_first_move(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "short", "no notes")
    (folder / "Song_notes.txt").mkdir()
    now = sorted(folder.rglob("*"))
    with pytest.raises(OutputError, match=r"Song_notes\.txt: stands where"):
        fix(folder, in_place=True)
    assert sorted(folder.rglob("*")) == now


def test_no_stem_that_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "Song"
    folder.mkdir()
    (folder / "Kick.wav").write_bytes(b"RIFF")
    (folder / "Thumbs.db").write_text("x")
    made = outcome(folder)
    assert not made.result.work
    assert made.failed == ("nothing can be repaired: no file of the set can be read",)
    assert {finding.rule for finding, _ in made.result.left} >= {finding.rule for finding in made.result.before}
    assert [path.name for path in tmp_path.iterdir()] == ["Song"]


def test_common_silence_is_cut_only_when_asked_for(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    for name in ("Kick", "Basso", "Vocals", "FullMix"):
        made = soundfile.read(folder / f"{name}.wav")[0].T
        write(folder / f"{name}.wav", np.pad(made, ((0, 0), (12 * RATE, 0))), start=None)
    plain = fix(folder, ignore=("MET", "SET005"))
    assert not plain.work
    assert ["--select TIM004" in why for finding, why in plain.left if finding.rule == "TIM004"] == [True]
    made = fix(folder, select=("tim004",))
    assert made.still == ()
    read = probe(made.folder / "Kick.wav")
    cut = 12 * RATE + 26_000 - RATE
    assert (read.frames, read.start_frame) == (FRAMES + 12 * RATE - cut, cut)


def test_subfolders_that_stay_behind_are_named(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "short")
    for name in ("Audio Files", "Lyrics"):
        (folder / name).mkdir()
    warnings = outcome(folder, dry_run=True).warnings
    assert [warning for warning in warnings if "a folder" in warning] == [
        "Audio Files is not in the result: a folder",
        "Lyrics is not in the result: a folder",
    ]
    assert outcome(folder, in_place=True).warnings == ()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_stem_that_is_missing_from_the_result_fails_a_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dry: tuple[str, ...]
) -> None:
    """It was told, and yet the exit code said that all was well."""
    folder = spoilt(tmp_path / "Song", "short")
    (folder / "Gtr.wav").symlink_to("../away/Gtr.wav")
    told = "Gtr.wav is not in the result: it cannot be read"
    code, made = run_json(capsys, "fix", folder, *dry)
    assert (code, made["ok"], made["failed"], made["warnings"]) == (3, False, [told], [])
    code, _, err = run(capsys, "fix", folder, "--out", tmp_path / "there", *dry)
    assert code == 3
    assert f"error: {told}\n" in err
    assert run(capsys, "fix", folder, "--in-place", *dry)[0] == 0, "in place nothing is missing"


def test_undo_sweeps_what_a_kill_left(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", "short")
    fix(folder, in_place=True)
    (folder / f".Song.{2**31 - 1}{safety.PART}").mkdir()
    undo_fix(folder)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("name", ["Kick.wav", "Basso.wav", "notes.txt"])  # copied, rewritten, beside
def test_a_source_that_vanishes_is_no_write_error(tmp_path: Path, name: str) -> None:
    folder = spoilt(tmp_path / "Song", "short")
    steps = fix_folder(folder)
    with pytest.raises(NotFoundInput, match=name):
        for step in steps:
            if step.step == "repair":
                (folder / name).unlink(missing_ok=True)
    assert [path.name for path in tmp_path.iterdir()] == ["Song"]


def test_a_mix_that_keeps_its_level_is_told(tmp_path: Path) -> None:
    folder = build(tmp_path / "Song")
    write(folder / "Kick.wav", np.rint(samples("Kick") * 3.6 * 2**23) / 2**23)
    made = outcome(folder, select=("LVL001",), lossy=True)
    assert [w for w in made.warnings if "the reference mix keeps its level; the stems are" in w] == list(made.warnings)
    assert len(made.warnings) == 1


def test_what_is_rewritten_is_called_wav(tmp_path: Path) -> None:
    """Selecting only the lengths of an AIFF once wrote WAV bytes under its old name."""
    folder = build(tmp_path / "Song")
    write(folder / "Solo.aiff", samples("Basso")[:, :-300])
    made = fix(folder, select=("SET003",))
    assert "Solo.wav" in {treated.name for treated in made.treated}
    assert not (made.folder / "Solo.aiff").exists()
    assert (made.folder / "Solo.wav").read_bytes()[:4] == b"RIFF"


def test_a_second_mix_is_taken_over(tmp_path: Path) -> None:
    folder = spoilt(tmp_path / "Song", sorted(DEFECTS)[0])
    soundfile.write(folder / "Song_Master.wav", 0.1 * samples("Basso").T, RATE, subtype="PCM_24")
    made = fix(folder)
    assert (made.folder / "Song_Master.wav").read_bytes() == (folder / "Song_Master.wav").read_bytes()
