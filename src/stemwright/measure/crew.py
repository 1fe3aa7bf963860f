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
from collections.abc import Callable, Generator
from contextlib import suppress
from threading import current_thread, main_thread
from typing import NoReturn, TypeVar

from stemwright.errors import StemwrightError

T = TypeVar("T")
Work = Callable[[int, int], T]
"""What makes the result of a job, given its number and that of the worker."""

_PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets when its parent has died."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def workers() -> int:
    """Files measured at the same time: one per core, or what the environment's STEMWRIGHT_WORKERS says."""
    asked = os.environ.get("STEMWRIGHT_WORKERS", "")
    return int(asked) if asked.isdecimal() and int(asked) else os.cpu_count() or 1


def each(work: Work[T], jobs: int, crew: int, heavy: bool) -> Generator[tuple[int, T], None, None]:
    """The numbers of all jobs with their results, as they are done by so many workers; `heavy` jobs are worth a fork.

    Raises what a job raises, and StemwrightError when a process is ended from outside.
    """
    if crew < 2:
        yield from ((job, work(job, 0)) for job in range(jobs))
    elif heavy and sys.platform == "linux" and current_thread() is main_thread():
        yield from _forked(work, jobs, crew)
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


def _forked(work: Work[T], jobs: int, crew: int) -> Generator[tuple[int, T], None, None]:
    import fcntl  # Windows has none

    queue = os.memfd_create("jobs")  # all processes read on from the same place
    os.write(queue, struct.pack(f"{jobs}i", *range(jobs)))
    os.lseek(queue, 0, os.SEEK_SET)
    pipes: dict[int, int] = {}
    parent, left = os.getpid(), jobs
    try:
        for worker in range(1, crew):
            answers, into = os.pipe()
            with suppress(OSError):  # a user may have many already
                fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 1 << 20)  # so that nobody waits while we work ourselves
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # a progress bar's thread is no harm
                process = os.fork()
            if not process:
                _serve(work, worker, queue, into, parent)
            pipes[answers] = process
            os.close(into)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        while left:
            if own := os.read(queue, 4):
                (job,) = struct.unpack("i", own)
                left -= 1
                yield job, work(job, 0)
            elif not pipes:
                raise StemwrightError(
                    "a process that measured stems was ended from outside, most likely because memory ran out",
                    "close other programs, or set STEMWRIGHT_WORKERS=1 to measure one stem at a time",
                )
            for pipe in select.select(list(pipes), [], [], 0 if own else None)[0]:
                if not (answer := _answer(pipe)):
                    os.close(pipe)
                    os.waitpid(pipes.pop(pipe), 0)
                    continue
                job, result = pickle.loads(answer)
                if isinstance(result, BaseException):
                    raise result
                left -= 1
                yield job, result
    finally:
        os.close(queue)
        for pipe, process in pipes.items():
            os.close(pipe)
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _serve(work: Work[T], worker: int, queue: int, into: int, parent: int) -> NoReturn:
    """Do jobs until none is left, in a process of its own, which leaves Ctrl-C to its parent and dies with it."""
    import ctypes
    import gc

    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        system = ctypes.CDLL(None)
        system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # it died before the line above
        with suppress(AttributeError):  # of glibc alone: buffers that are freed are soon needed again
            for setting in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
                system.mallopt(setting, 1 << 30)
        gc.freeze()  # what is never looked at stays shared
        with open(into, "wb") as pipe:
            while job := os.read(queue, 4):
                (number,) = struct.unpack("i", job)
                try:
                    result: T | BaseException = work(number, worker)
                except BaseException as error:
                    result = error
                answer = pickle.dumps((number, result), pickle.HIGHEST_PROTOCOL)
                pipe.write(struct.pack("q", len(answer)) + answer)
                pipe.flush()
    finally:
        os._exit(0)


def _answer(pipe: int) -> bytes:
    """The next answer of a process, or nothing when it has ended."""
    length = _read(pipe, 8)
    return _read(pipe, *struct.unpack("q", length)) if length else b""


def _read(pipe: int, length: int) -> bytes:
    """So many bytes, or none from a process that has ended."""
    found = b""
    while len(found) < length:
        if not (more := os.read(pipe, length - len(found))):
            return b""
        found += more
    return found
