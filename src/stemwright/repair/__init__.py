"""Repairs: findings in, a `Plan` of treatments out; `render` does one treatment, `publish` puts the result in place.

A cure is one module of `repair/cures`: `CODES` (the rules whose findings it answers), `LOSSY` (whether it changes
samples for good, so that it has to be asked for), `ORDER` (lower ones plan first), and `treat(stems, findings, plan)`
with the findings of its codes, which gives the changed plan. What no cure answers is refused with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

from stemwright import registry
from stemwright.model import Finding, StemSet
from stemwright.naming import unused
from stemwright.repair.treatment import Plan, Treatment, unchanged

__all__ = ["Plan", "Treatment", "plan"]


def plan(stems: StemSet, findings: Iterable[Finding], *, lossy: bool = False) -> Plan:
    """What can be done about the findings of a measured set. Waived and undecided ones are left alone."""
    open_ = [finding for finding in findings if not finding.waived and finding.verdict == "fail"]
    made = unchanged(stems)
    cures = sorted(registry.discover("stemwright.repair.cures").values(), key=lambda cure: cure.ORDER)
    for cure in cures:
        if lossy or not cure.LOSSY:
            gone = {path for path, _ in made.aside}
            mine = (f for f in open_ if f.rule in cure.CODES and f not in made.claims and f.subject not in gone)
            made = cure.treat(stems, tuple(mine), made)
    if not lossy:
        askable = {code for cure in cures if cure.LOSSY for code in cure.CODES}
        late = [f for f in open_ if f.rule in askable and f not in made.claims]
        made = made.refuse(late, "a repair would change the samples; --lossy does it")
    known = {id(finding) for finding in made.claims}
    reasons = {id(finding): (finding, reason) for finding, reason in made.refused}
    for finding in open_:
        if id(finding) not in reasons and finding.subject not in {path for path, _ in made.aside}:
            reasons[id(finding)] = (finding, finding.fix.summary if finding.fix else "only the DAW can repair it")
    left = tuple(both for key, both in reasons.items() if key not in known)
    return _named(replace(made, refused=left), stems)


def _named(made: Plan, stems: StemSet) -> Plan:
    """No two files get the same name, whatever their case; those that keep theirs come first."""
    kept = [t.stem.file.path for t in made.treatments if not t.renamed]
    used = {path.stem.lower() for path in (*kept, *(bad.path for bad in stems.unreadable))}

    def settled(t: Treatment) -> Treatment:
        path = PurePath(t.name)
        return replace(t, name=unused(path.stem, used) + path.suffix) if t.renamed else t

    return replace(made, treatments=tuple(map(settled, made.treatments)))
