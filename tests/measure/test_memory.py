"""A second audit of an unchanged folder reads nothing, and a changed one is measured again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stemwright.audio.folder import read_stems
from stemwright.measure import memory, sets
from stemwright.model import StemSet
from support import finish, tone, write_stems, write_wav

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    return tmp_path / "cache" / "measured"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60), "FullMix": tone(100) + tone(60)}, 48_000)


def measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[StemSet, list[str]]:
    """The measured set, and the names of the files that were read for it."""
    read: list[str] = []

    def noting(file, *asked):
        read.append(file.path.stem.removeprefix("Song_"))
        return attempt(file, *asked)

    attempt = sets._attempt
    with monkeypatch.context() as patch:
        patch.setattr(sets, "_attempt", noting)
        return finish(sets.measure_set(read_stems(folder), remember=True)), sorted(read)


def test_unchanged_files_are_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, read = measured(folder, monkeypatch)
    assert read == ["Bass", "Drums", "FullMix"]
    with monkeypatch.context() as patch:
        patch.setattr(sets, "measure_across", lambda *_: pytest.fail("the set was compared again"))
        second, read = measured(folder, monkeypatch)
    assert (second, read) == (first, [])


def test_what_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(folder, monkeypatch)
    write_wav(folder / "Song_Bass.wav", tone(60, level=0.1))
    again, read = measured(folder, monkeypatch)
    assert read == ["Bass"]
    peaks = {stem.name: stem.levels.sample_peak_dbfs for stem in again.stems if stem.levels}
    assert peaks["Bass"] < -19 < peaks["Drums"]
    (folder / "Song_Drums.wav").unlink()
    assert measured(folder, monkeypatch)[1] == []
    os.utime(folder / "Song_Bass.wav")
    assert measured(folder, monkeypatch)[1] == ["Bass"]


def test_other_measuring_code_forgets_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(folder, monkeypatch)
    monkeypatch.setattr(memory, "code_version", lambda: "another")
    assert measured(folder, monkeypatch)[1] == ["Bass", "Drums", "FullMix"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', "null", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_broken_cache_is_an_empty_one(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes
) -> None:
    first, _ = measured(folder, monkeypatch)
    (file,) = cache.glob("*.json")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert measured(folder, monkeypatch) == (first, ["Bass", "Drums", "FullMix"])


def test_damaged_entries_are_measured_again(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = measured(folder, monkeypatch)
    (file,) = cache.glob("*.json")
    file.write_text(file.read_text().replace('"sample_peak_dbfs"', '"sample_peek"'))
    assert measured(folder, monkeypatch) == (first, ["Bass", "Drums", "FullMix"])


def test_a_cache_that_cannot_be_written_is_no_error(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    assert measured(folder, monkeypatch)[1] == measured(folder, monkeypatch)[1] == ["Bass", "Drums", "FullMix"]


def test_what_is_remembered_names_the_files_as_they_are_named_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit of `S` once told a repair of `/full/S` about files that it did not know."""
    (folder / "Song_Copy.wav").write_bytes((folder / "Song_Bass.wav").read_bytes())
    monkeypatch.chdir(folder.parent)
    for place in (Path("S"), folder, Path("S")):
        found, _ = measured(place, monkeypatch)
        assert found.across and found.across.mixdown
        named = {twin.first for twin in found.across.twins} | {part.path for part in found.across.mixdown.parts}
        assert named and named <= {stem.file.path for stem in found.stems}


def test_only_so_many_folders_are_remembered(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MOST", 2)
    for name in "ABC":
        measured(write_stems(tmp_path / name, {"Drums": tone(100)}, 48_000), monkeypatch)
    assert len(list(cache.glob("*.json"))) == 2


def test_a_file_that_changes_meanwhile_is_no_stem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meddling(file, *asked):
        if "Bass" in file.path.name:
            with file.path.open("ab") as growing:
                growing.write(b"more")
        return measure(file, *asked)

    measure = sets.measure
    monkeypatch.setattr(sets, "measure", meddling)
    found = finish(sets.measure_set(read_stems(folder)))
    assert [(bad.path.name, bad.kind) for bad in found.unreadable] == [("Song_Bass.wav", "changing")]
    assert [stem.name for stem in found.stems] == ["Drums"]


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ("0", CORES), ("many", CORES)])
def test_workers_by_environment(monkeypatch: pytest.MonkeyPatch, text: str, expected: int) -> None:
    monkeypatch.setenv("STEMWRIGHT_WORKERS", text)
    assert sets.workers() == expected


def test_progress_counts_bytes(folder: Path) -> None:
    events = [event for event in sets.measure_set(read_stems(folder)) if event.step == "measure"]
    assert len(events) == 3
    assert events[-1].done == events[-1].total == sum(path.stat().st_size for path in folder.iterdir())
