"""Jobs side by side: all are done, whoever does them, and nobody stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from stemwright.audio.folder import read_stems
from stemwright.errors import DamagedAudio
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
@pytest.mark.parametrize("how", ["killed", "fails", "cannot answer"])
def test_what_a_process_leaves_undone_is_done_here(how: str) -> None:
    """Once two processes that asked at the same time got the same job, and another was forgotten."""
    here = os.getpid()

    def work(job: int, worker: int) -> object:
        if worker and how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if worker and how == "fails":
            raise MemoryError
        time.sleep(0.002)
        return threading.Lock() if worker else (job, os.getpid() == here)

    before = children()
    assert sorted(each(work, 50, 3, heavy=True)) == [(job, (job, True)) for job in range(50)]
    assert children() <= before


@forks
def test_no_job_is_done_twice_or_forgotten_by_processes_that_ask_at_once() -> None:
    found = [job for job, _ in each(lambda job, worker: None, 20_000, 4, heavy=True)]
    assert sorted(found) == list(range(20_000))


@forks
@pytest.mark.parametrize("allowed", [0, 1])
def test_fewer_processes_than_wanted_do_it_all(allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fork, left = os.fork, [allowed]

    def refusing() -> int:
        left[0] -= 1
        if left[0] < 0:
            raise BlockingIOError("Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(os, "fork", refusing)
    before, opened = signal.pthread_sigmask(signal.SIG_BLOCK, []), len(list(Path("/proc/self/fd").iterdir()))
    assert sorted(each(lambda job, worker: job, 5, 3, heavy=True)) == [(job, job) for job in range(5)]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


@forks
def test_children_may_be_reaped_by_the_system() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert len(list(each(lambda job, worker: job, 5, 2, heavy=True))) == 5
    finally:
        signal.signal(signal.SIGCHLD, before)


@forks
def test_a_process_ended_at_its_birth_does_not_go_on_as_its_parent() -> None:
    code = (
        "import os, signal, sys\n"
        "from stemwright.measure.crew import each\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "try:\n"
        "    print(len(list(each(lambda job, worker: job, 3, 2, True))), flush=True)\n"
        "finally:\n"
        "    os.write(1, b'tidied')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"3\ntidied", b"")


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
        "done = []\n"
        "work = lambda job, worker: time.sleep(60 if worker or done else 0.5) or done.append(job)\n"
        "answers = each(work, 4, 3, True)\n"
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
