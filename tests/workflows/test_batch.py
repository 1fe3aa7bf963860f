"""Many songs: one bad file stops nothing, several at once change no bit, a kill costs only what was not done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_failures import SLOW

from stemwright.model import Progress
from stemwright.workflows.batch import each
from stemwright.workflows.facts import Given
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.split import split
from support import finish, write_wav

ONE = Given(title="One")


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(4)
    return [
        write_wav(tmp_path / f"Song {n}.wav", random.normal(0, 0.1, (2, 60_000 + 10_000 * n)).astype(np.float32))
        for n in range(5)
    ]


def stems(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*.wav"))}


def run(songs: list[Path], out: Path, at_once: int = 1):
    return each(songs, lambda path: split(path, SplitOptions(), out=out), at_once)


def test_several_at_once_give_the_same_bytes(songs: list[Path], tmp_path: Path, free_engine: list[str]) -> None:
    songs.insert(2, tmp_path / "gone.wav")
    for folder, at_once in (("one", 1), ("three", 3)):
        items = finish(run(songs, tmp_path / folder, at_once)).result
        assert [bool(item.outcome) for item in items] == [True, True, False, True, True, True]
        assert [item.input for item in items] == songs and items[2].hint
    assert stems(tmp_path / "one") == stems(tmp_path / "three") and len(stems(tmp_path / "one")) == 25


def test_progress_of_the_whole_batch(songs: list[Path], tmp_path: Path, free_engine: list[str]) -> None:
    whole = [event for event in run(songs, tmp_path / "out") if event.step == "all"]
    done = [event.done for event in whole]
    assert done == sorted(done) and done[-1] == whole[0].total == sum(path.stat().st_size for path in songs)


@pytest.mark.parametrize("at_once", [1, 3])
def test_closed_in_the_middle_nothing_half_is_left(songs, tmp_path: Path, free_engine, at_once: int) -> None:
    work = run(songs, tmp_path / "out", at_once)
    for event in work:
        if isinstance(event, Progress) and event.step == "write":
            break
    work.close()
    for folder in (tmp_path / "out").iterdir():
        assert len(list(folder.glob("*.wav"))) in (0, 5)
        assert not [path for path in folder.glob(".*") if path.suffix == ".part"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_only_the_rest_is_done(songs, tmp_path: Path, free_engine, number: int) -> None:
    finish(run(songs, tmp_path / "undisturbed"))
    done_once = len(free_engine)
    code = SLOW.format(tests=str(Path(__file__).parents[1]))
    argv = [sys.executable, "-c", code, "split", *map(str, songs), "-o", str(tmp_path / "out"), "--progress", "json"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if '"step": "split"' in line and '"subject": "Song 2.wav"' in line:
                break
        time.sleep(0.1)
        process.send_signal(number)
        process.communicate(timeout=60)
    before = stems(tmp_path / "out")
    assert len(before) == 10 and before.items() <= stems(tmp_path / "undisturbed").items()
    outcome = finish(run(songs, tmp_path / "out"))
    assert all(item.outcome for item in outcome.result)
    assert free_engine[done_once:] == ["Song 2.wav", "Song 3.wav", "Song 4.wav"]
    assert stems(tmp_path / "out") == stems(tmp_path / "undisturbed")
    assert not list((tmp_path / "out").rglob(".*.part"))


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_bug_with_one_song_leaves_the_others(songs, tmp_path: Path, free_engine, at_once: int) -> None:
    def work(path: Path):
        if path is songs[1]:
            raise RuntimeError("surprise")
        return (yield from split(path, SplitOptions(), out=tmp_path / "out"))

    items = finish(each(songs, work, at_once)).result
    assert [bool(item.outcome) for item in items] == [True, False, True, True, True]
    assert "surprise" in items[1].error and "bug" in items[1].hint


def test_songs_of_one_name_never_share_a_folder(songs, tmp_path: Path, free_engine: list[str]) -> None:
    for number in range(4):
        out = tmp_path / f"out{number}"
        items = finish(each(songs, lambda path, out=out: split(path, SplitOptions(), given=ONE, out=out), 3)).result
        assert [bool(item.outcome) for item in items].count(True) == 1, items
        assert all("--force" in item.hint for item in items if item.error)
