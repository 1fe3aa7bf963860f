"""Jobs done side by side: with forked processes where that is safe, else by threads.

Python's lock makes threads wait for each other: two of them measure hardly faster than one. A fork takes milliseconds
and knows all that was loaded, but is safe only on Linux, from the main thread.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from threading import current_thread, main_thread
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
Work = Callable[[int, int], T]
"""What makes the result of a job, given its number and that of the worker."""

_MOST = 1024
"""Jobs of one crew: their numbers, four bytes each, have room in the smallest pipe."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What a process that was just forked must not take for its parent: it would tidy up for both."""
_PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets when its parent has died."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _MOST_BYTES = -1, -3, 32 << 20


def workers() -> int:
    """Files measured at the same time: one per core, or what the environment's STEMWRIGHT_WORKERS says."""
    asked = os.environ.get("STEMWRIGHT_WORKERS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def each(work: Work[T], jobs: int, crew: int, heavy: bool) -> Generator[tuple[int, T], None, None]:
    """The numbers of all jobs with their results, as they are done by so many workers; `heavy` jobs are worth a fork.

    Raises what a job raises.
    """
    if crew < 2:
        yield from ((job, work(job, 0)) for job in range(jobs))
    elif heavy and sys.platform == "linux" and current_thread() is main_thread():
        for first in range(0, jobs, _MOST):
            yield from _forked(work, range(jobs)[first : first + _MOST], crew)
    else:
        yield from _threaded(work, jobs, crew)


def _threaded(work: Work[T], jobs: int, crew: int) -> Generator[tuple[int, T], None, None]:
    from concurrent.futures import ThreadPoolExecutor, as_completed
    from queue import SimpleQueue

    idle: SimpleQueue[int] = SimpleQueue()
    for worker in range(crew):
        idle.put(worker)

    def attempt(job: int) -> T:
        worker = idle.get()
        try:
            return work(job, worker)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(crew) as pool:
        begun = {pool.submit(attempt, job): job for job in range(jobs)}
        try:
            for done in as_completed(begun):
                yield begun[done], done.result()
        finally:
            for job in begun:
                job.cancel()


def _forked(work: Work[T], jobs: Sequence[int], crew: int) -> Generator[tuple[int, T], None, None]:
    """What a process leaves undone, because it failed or was ended from outside, is done here at the end."""
    queue, filled = os.pipe()  # which all processes read, one after the other
    os.write(filled, struct.pack(f"{len(jobs)}i", *jobs))
    os.close(filled)
    pipes: dict[int, int] = {}
    left = set(jobs)
    try:
        for worker in range(1, crew):
            pipes |= _started(work, worker, queue)
        own = b"a job"
        while own or (pipes and left):
            if own := own and os.read(queue, 4):
                (job,) = struct.unpack("i", own)
                left.remove(job)
                yield job, work(job, 0)
            for answer in _answers(pipes, wait=bool(pipes and left and not own)):
                left.remove(answer[0])
                yield answer
        for job in sorted(left):
            yield job, work(job, 0)
    finally:
        os.close(queue)
        for pipe in list(pipes):
            _ended(pipes, pipe)


def _started(work: Work[T], worker: int, queue: int) -> dict[int, int]:
    """The pipe of a new process and its number; nothing if none may be started."""
    import fcntl  # Windows has none

    answers, into = os.pipe()
    with suppress(OSError):  # a user may have many already
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 1 << 20)  # so that it need not wait while we work ourselves
    parent, mask = os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a progress bar's thread is no harm
            process = os.fork()
        if not process:
            _serve(work, worker, queue, into, parent)
        return {answers: process}
    except OSError:
        os.close(answers)
        return {}
    finally:
        os.close(into)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(work: Work[T], worker: int, queue: int, into: int, parent: int) -> NoReturn:
    """Do jobs until none is left, in a process of its own, which leaves Ctrl-C to its parent and dies with it."""
    try:
        import ctypes
        import gc

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        system = ctypes.CDLL(None)
        system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # it died before the line above
        with suppress(AttributeError):  # of glibc alone: buffers that are freed are soon needed again
            for setting in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
                system.mallopt(setting, _MOST_BYTES)
        gc.freeze()  # what is never looked at stays shared
        with open(into, "wb") as pipe:
            while own := os.read(queue, 4):
                (job,) = struct.unpack("i", own)
                with suppress(Exception):  # the parent will do it again, and raise it
                    answer = pickle.dumps((job, work(job, worker)), pickle.HIGHEST_PROTOCOL)
                    pipe.write(struct.pack("q", len(answer)) + answer)
                    pipe.flush()
    finally:
        os._exit(0)


def _answers(pipes: dict[int, int], wait: bool) -> Iterator[tuple[int, Any]]:
    """One answer of every process that has one; those that have ended are taken out."""
    ready = select.poll()
    for pipe in pipes:
        ready.register(pipe, select.POLLIN)
    for pipe, _ in ready.poll(None if wait else 0):
        length = _read(pipe, 8)
        if answer := _read(pipe, *struct.unpack("q", length)) if length else b"":
            yield pickle.loads(answer)
        else:
            _ended(pipes, pipe)


def _ended(pipes: dict[int, int], pipe: int) -> None:
    process = pipes.pop(pipe)
    os.close(pipe)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    with suppress(ChildProcessError):  # whoever started us ignores SIGCHLD, so the system has done it
        os.waitpid(process, 0)


def _read(pipe: int, length: int) -> bytes:
    """So many bytes, or none from a process that has ended."""
    found = b""
    while len(found) < length:
        if not (more := os.read(pipe, length - len(found))):
            return b""
        found += more
    return found
