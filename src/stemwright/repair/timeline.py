"""Stems on a common timeline: whatever moves or lengthens one of them moves or lengthens all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from stemwright.model import Finding
from stemwright.repair.treatment import Plan, Treatment


def place(
    plan: Plan,
    answers: tuple[Finding, ...],
    heads: Callable[[Treatment], int] = lambda t: t.head,
    starts: Callable[[Treatment], int | None] = lambda t: t.start,
) -> Plan:
    """The plan with the first frame of every file at `heads`, and all stems equally long.

    `starts` are the time stamps that go with it. Silence is put in front and behind; what is taken off is digital
    silence only. Refused when a file would have to change that cannot be written. Lossy files and those at another
    rate stay out of it.
    """
    rates = Counter(t.rate for t in plan.stems)
    usual = max(rates, key=lambda rate: (rates[rate], rate), default=0)
    early = [t.head - heads(t) - sound[0] for t in plan.treatments if (sound := t.sound)]
    low = max([0, *early])  # so much silence in front of all that no sound has to be cut
    moved = [replace(t, head=heads(t) + low, start=_later(starts(t), -low)) for t in plan.treatments]
    bound = [t.rate == usual and not t.stem.file.format.lossy for t in moved]
    inside = [t for t, is_bound in zip(moved, bound, strict=True) if is_bound and not t.mix]
    length = max([*(t.body for t in inside), *(sound[1] for t in inside if (sound := t.sound))], default=0)
    for index, (old, new) in enumerate(zip(plan.treatments, moved, strict=True)):
        frames = new.head + new.body if new.mix else length if bound[index] else old.frames
        moved[index] = replace(new, frames=frames)
        if (new.head, frames) != (old.head, old.frames) and (new.obstacle or not bound[index]):
            reason = new.obstacle or f"it is at {new.rate} Hz"
            return plan.refuse(answers, f"{new.name} would have to be moved or lengthened, but {reason}")
    return _applied(plan, moved).claim(answers)


def cut(plan: Plan, answers: tuple[Finding, ...], start: int, end: int) -> Plan:
    """The plan with so many frames of silence taken off the start and the end of every file.

    What is cut at the start goes into the time stamps; a file without one counts as starting at 0.
    """
    for t in plan.treatments:
        if t.obstacle:
            return plan.refuse(answers, f"{t.name} would have to be cut, but {t.obstacle}")
    moved = [
        replace(t, head=t.head - start, frames=t.frames - start - end, start=_later(t.start or 0, start))
        if start
        else replace(t, frames=t.frames - end)
        for t in plan.treatments
    ]
    return _applied(plan, moved).claim(answers)


def _later(start: int | None, frames: int) -> int | None:
    return None if start is None else max(0, start + frames)


def _applied(plan: Plan, moved: list[Treatment]) -> Plan:
    for old, new in zip(plan.treatments, moved, strict=True):
        if new != old:
            front, back = new.head - old.head, (new.frames - new.head) - (old.frames - old.head)
            told = [
                f"{abs(count)} frames of silence {'added' if count > 0 else 'cut'} {where}"
                for count, where in ((front, "in front"), (back, "at the end"))
                if count
            ] + ([f"time stamp {new.start}"] if new.start != old.start else [])
            plan = plan.change(old, ", ".join(told), head=new.head, frames=new.frames, start=new.start)
    return plan
