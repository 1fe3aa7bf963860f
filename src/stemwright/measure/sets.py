"""A whole set measured: the files a few at a time, then what only the set together can tell."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from stemwright.audio.checksum import verify_md5
from stemwright.errors import InputError
from stemwright.measure.across import measure_across, music
from stemwright.measure.crew import each, workers
from stemwright.measure.kernels import kernels, pays
from stemwright.measure.levels import measure
from stemwright.measure.memory import Memory, Stamp, stamp
from stemwright.measure.tallies import Envelope
from stemwright.model import AudioFile, Levels, Progress, Stem, StemSet, Unreadable


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
    kernels(fast)  # loaded once, for all
    crew = max(1, min(workers(), len(new)))
    longest = max((stem.file.frames for stem in stems.stems), default=0)
    totals = [Envelope(longest, shared=crew > 1) for _ in range(crew)]
    summed = {stem.file.path for stem in music(stems)}

    def attempt(job: int, worker: int) -> Levels | Unreadable:
        file, total = everything[new[job]].file, totals[worker]
        return _attempt(file, stamps[new[job]], fast, total if file.path in summed else None)

    done = 0
    for job, levels in each(attempt, len(new), crew, heavy=fast):
        index = new[job]
        file, now = everything[index].file, stamps[index]
        found[index] = levels
        done += size[index]
        if memory and isinstance(levels, Levels) and now:
            memory.keep(file, now, levels)
        yield Progress("measure", done, sum(size.values()), "bytes")
    measured = _filled(stems, found)
    across = memory.across() if memory and not new else None
    if across is None:
        yield Progress("compare", 0, 0)
        heard = {everything[index].file.path for index in new}
        across = measure_across(measured, _sum(totals) if {s.file.path for s in music(measured)} <= heard else None)
    if memory:
        memory.save(across)
    return replace(measured, across=across)


def _sum(totals: list[Envelope]) -> Envelope:
    for other in totals[1:]:
        totals[0].add(other)
    return totals[0]


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
    envelope = Envelope(total.frames) if total else None
    found: Levels | Unreadable
    try:
        levels = measure(file, fast, envelope)
        wrong = verify_md5(file)
        found = replace(levels, checksum=wrong.detail if wrong else "")
    except InputError as error:
        found = Unreadable(file.path, error.kind, error.message.removeprefix(f"{file.path}: "))
    if _stamp(file) != before:
        found = Unreadable(file.path, "changing", "was changed while it was read")
    if total and envelope and isinstance(found, Levels):
        total.add(envelope)
    return found
