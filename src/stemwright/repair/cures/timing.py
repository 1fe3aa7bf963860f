"""Starts, shifts and lengths: a consolidation from the reference mix, the time stamps, and silence."""

from __future__ import annotations

from dataclasses import replace

from stemwright.measure.across import measure_across
from stemwright.model import Finding, StemSet
from stemwright.repair import timeline
from stemwright.repair.treatment import Plan, Treatment

CODES = ("SET004", "MIX006", "SET003")
LOSSY = False
ORDER = 50


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Move files to where their stamps say, then stems to where the mix has them, then make all equally long."""
    stems = _without_twins(stems, plan)
    starts, shifts, lengths = (tuple(f for f in findings if f.rule == code) for code in CODES)
    if starts:
        plan = _by_stamps(stems, plan, starts)
    for finding in shifts:
        plan = _by_mix(stems, plan, finding)
    if not lengths and all(t.scale == 1 for t in plan.treatments):
        return plan
    stamps = {t.start for t in plan.stems}
    if _in_the_mix(stems, plan) or (len(stamps) == 1 and None not in stamps):
        return timeline.place(plan, lengths)
    why = "nothing proves that all files start together: no time stamps, no reference mix that they fit; put one there"
    return plan.refuse(lengths, why)


def _without_twins(stems: StemSet, plan: Plan) -> StemSet:
    """Without the twins that were put aside, compared anew: with them nobody knows which of the two the mix holds."""
    gone = {path for path, _ in plan.aside}
    kept = tuple(stem for stem in stems.stems if stem.file.path not in gone)
    if len(kept) == len(stems.stems) or not stems.compared.mixdown:
        return stems
    rest = replace(stems, stems=kept)
    return replace(rest, across=measure_across(rest))


def _by_stamps(stems: StemSet, plan: Plan, answers: tuple[Finding, ...]) -> Plan:
    """All files from the earliest stamp on; where the mix tells that they do start together, the stamps are wrong."""
    bare = next((t for t in plan.stems if t.start is None), None)
    if bare:
        return plan.refuse(answers, f"{bare.name} has no time stamp, so its place is not known")
    first = min(t.start for t in plan.stems if t.start is not None)
    right = _in_the_mix(stems, plan)

    def head(t: Treatment) -> int:
        return t.head if right or t.start is None else max(0, t.start - first)

    return timeline.place(plan, answers, head, lambda t: None if t.start is None else first)


def _by_mix(stems: StemSet, plan: Plan, finding: Finding) -> Plan:
    """One stem to where the mix has it."""
    mixdown = stems.compared.mixdown
    part = next((part for part in mixdown.parts if part.path == finding.subject), None) if mixdown else None
    if part is None or part.lag is None or abs(part.lag - round(part.lag)) > 0.05 or not part.certain:
        return plan.refuse((finding,), "it does not lie a whole number of frames off, so no shift is exact")
    moved, mix = plan.of(part.path), next((t.head for t in plan.treatments if t.mix), 0)
    return timeline.place(plan, (finding,), lambda t: mix + round(part.lag or 0) if t is moved else t.head)


def _in_the_mix(stems: StemSet, plan: Plan) -> bool:
    """Whether the reference mix holds every stem from its first frame on."""
    mixdown = stems.compared.mixdown
    if mixdown is None:
        return False
    if mixdown.fitted_db > -10:
        return False  # whatever the gains are, this is another song
    sure = [part for part in mixdown.parts if part.certain and not part.lag]
    fit = {part.path for part in sure if abs(part.gain) > 0.1 * abs(mixdown.gain)}
    return all(stem.file.path in fit for t in plan.stems for stem in t.sources)
