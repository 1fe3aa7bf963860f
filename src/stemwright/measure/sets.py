"""A whole set measured: the files a few at a time, then what only the set together can tell."""

from __future__ import annotations

import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from stemwright.audio.checksum import verify_md5
from stemwright.errors import InputError
from stemwright.measure.across import measure_across, music
from stemwright.measure.kernels import pays
from stemwright.measure.levels import measure
from stemwright.measure.memory import Memory, Stamp, stamp
from stemwright.measure.tallies import Envelope
from stemwright.model import AudioFile, Levels, Progress, Stem, StemSet, Unreadable


def workers() -> int:
    """Files measured at the same time: one per core, or what the environment's STEMWRIGHT_WORKERS says."""
    asked = os.environ.get("STEMWRIGHT_WORKERS", "")
    return int(asked) if asked.isdecimal() and int(asked) else os.cpu_count() or 1


def measure_set(stems: StemSet, remember: bool = False) -> Generator[Progress, None, StemSet]:
    """Measure all stems and the mix; ends in the same set with levels and `across` filled in.

    A file that cannot be read to its end, or that changes meanwhile, moves to `unreadable`. With `remember`, files
    of the folder that did not change since the last time are not read again.
    """
    everything = stems.everything
    memory = Memory(stems.folder) if remember and stems.folder else None
    stamps = [_stamp(stem.file) for stem in everything]
    found: dict[int, Levels | Unreadable] = {}
    for index, (stem, now) in enumerate(zip(everything, stamps, strict=True)):
        if memory and now and (known := memory.levels(stem.file, now)):
            found[index] = known
    new = [index for index in range(len(everything)) if index not in found]
    size = {index: everything[index].file.bytes or 1 for index in new}
    fast = pays(sum(size.values()))
    total = Envelope(max((stem.file.frames for stem in stems.stems), default=0))
    summed = {stem.file.path for stem in music(stems)}
    with ThreadPoolExecutor(workers()) as pool:
        jobs = {}
        for index in new:
            file = everything[index].file
            jobs[pool.submit(_attempt, file, stamps[index], fast, total if file.path in summed else None)] = index
        try:
            done = 0
            for job in as_completed(jobs):
                index = jobs[job]
                found[index] = levels = job.result()
                done += size[index]
                if memory and isinstance(levels, Levels) and (now := stamps[index]):
                    memory.keep(everything[index].file, now, levels)
                yield Progress("measure", done, sum(size.values()), "bytes")
        finally:
            for job in jobs:
                job.cancel()
    measured = _filled(stems, found)
    across = memory.across() if memory and not new else None
    if across is None:
        yield Progress("compare", 0, 0)
        across = measure_across(measured, total)
    if memory:
        memory.save(across)
    return replace(measured, across=across)


def _filled(stems: StemSet, found: dict[int, Levels | Unreadable]) -> StemSet:
    def filled(stem: Stem, index: int) -> Stem | None:
        levels = found[index]
        return replace(stem, levels=levels) if isinstance(levels, Levels) else None

    return replace(
        stems,
        stems=tuple(done for index, stem in enumerate(stems.stems) if (done := filled(stem, index))),
        mix=filled(stems.mix, len(stems.stems)) if stems.mix else None,
        unreadable=stems.unreadable + tuple(bad for _, bad in sorted(found.items()) if isinstance(bad, Unreadable)),
    )


def _stamp(file: AudioFile) -> Stamp | None:
    try:
        return stamp(file.path)
    except OSError:
        return None


def _attempt(file: AudioFile, before: Stamp | None, fast: bool, total: Envelope | None) -> Levels | Unreadable:
    """The levels of a file, whose envelope is added to that of all stems."""
    own = Envelope(total.frames) if total else None
    try:
        levels = measure(file, fast, own)
        if total and own:
            total.add(own, file.path)
        wrong = verify_md5(file)
        found: Levels | Unreadable = replace(levels, checksum=wrong.detail if wrong else "")
    except InputError as error:
        found = Unreadable(file.path, error.kind, error.message.removeprefix(f"{file.path}: "))
    return found if _stamp(file) == before else Unreadable(file.path, "changing", "was changed while it was read")
