"""Jobs side by side: all are done, whoever does them, and nobody stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stemwright.audio.folder import read_stems
from stemwright.errors import DamagedAudio, StemwrightError
from stemwright.measure import sets
from stemwright.measure.crew import each
from stemwright.measure.tallies import Envelope
from support import finish, tone, write_stems

forks = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
kinds = pytest.mark.parametrize(("crew", "heavy"), [(1, True), (3, False), pytest.param(3, True, marks=forks)])


@kinds
def test_every_job_is_done_once(crew: int, heavy: bool) -> None:
    found = list(each(lambda job, worker: (job * job, worker), 100, crew, heavy))
    assert sorted(job for job, _ in found) == list(range(100))
    assert all(square == job * job and worker in range(crew) for job, (square, worker) in found)
    assert list(each(lambda job, worker: job, 0, crew, heavy)) == []


@forks
def test_answers_may_be_long() -> None:
    found = dict(each(lambda job, worker: bytes([job]) * 3_000_000, 6, 3, heavy=True))
    assert {job: set(answer) for job, answer in found.items()} == {job: {job} for job in range(6)}


@kinds
def test_what_a_job_raises_is_raised(crew: int, heavy: bool) -> None:
    def work(job: int, worker: int) -> int:
        raise DamagedAudio("it is broken", "mend it")

    before = children()
    with pytest.raises(DamagedAudio, match="it is broken") as caught:
        list(each(work, 5, crew, heavy))
    assert caught.value.hint == "mend it"
    assert children() <= before


@forks
def test_a_process_that_is_ended_from_outside_is_an_error_with_a_way_out() -> None:
    def work(job: int, worker: int) -> int:
        if worker:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        return job

    before = children()
    with pytest.raises(StemwrightError, match="ended from outside") as caught:
        list(each(work, 50, 2, heavy=True))
    assert "STEMWRIGHT_WORKERS=1" in caught.value.hint
    assert children() <= before


@forks
def test_nobody_works_on_when_the_results_are_not_wanted_any_more() -> None:
    before = children()
    answers = each(lambda job, worker: time.sleep(60 * worker), 4, 3, heavy=True)
    next(answers)
    assert children() - before
    answers.close()
    assert children() <= before


@forks
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_one_they_work_for(signal_number: int) -> None:
    code = (
        "import time\n"
        "from stemwright.measure.crew import each\n"
        "answers = each(lambda job, worker: time.sleep(60 if worker or job else 0.5), 4, 3, True)\n"
        "print(next(answers), flush=True)\n"
        "list(answers)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout
    assert parent.stdout.readline()
    workers = children(parent.pid)
    assert len(workers) == 2
    parent.send_signal(signal_number)
    parent.communicate(timeout=20)
    until = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@forks
def test_processes_measure_what_one_alone_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_stems(tmp_path / "S", {f"Part{n}": tone(100 + n) for n in range(5)}, 48_000)
    (folder / "Song_Broken.wav").write_bytes((folder / "Song_Part0.wav").read_bytes()[:3000])
    monkeypatch.setattr(sets, "pays", lambda size: True)
    found = []
    for workers in ("1", "2", "9"):
        monkeypatch.setenv("STEMWRIGHT_WORKERS", workers)
        found.append(finish(sets.measure_set(read_stems(folder))))
    assert found[0].stems[0].levels
    assert found[0] == found[1] == found[2]


@forks
def test_an_envelope_is_shared() -> None:
    total = Envelope(6400, shared=True)

    def work(job: int, worker: int) -> None:
        own = Envelope(6400)
        own.feed(np.full((1, 100), -0.5, np.float32), np.full((1, 100), job / 4, np.float32))
        total.add(own)

    list(each(work, 3, 1, heavy=True))
    alone = total.heights().copy()
    list(each(work, 1, 2, heavy=True))
    assert (total.heights() >= alone + 0.5).all()


def children(parent: int | None = None) -> set[int]:
    """The processes that a process has started and that still are."""
    tasks = Path(f"/proc/{parent or os.getpid()}/task")
    return {int(child) for made in tasks.glob("*/children") for child in made.read_text().split()}
