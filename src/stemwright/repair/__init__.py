"""Repairs: findings in, a `Plan` of treatments out; `render` does one treatment, `publish` puts the result in place.

A cure is one module of `repair/cures`: `CODES` (the rules whose findings it answers), `LOSSY` (whether it changes
samples for good, so that it has to be asked for), `ORDER` (lower ones plan first), and `treat(stems, findings, plan)`
with the findings of its codes, which gives the changed plan. A cure with `UNASKED`, a reason, is left out unless its
rule is selected. What no cure answers is refused with a reason.
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


def plan(stems: StemSet, findings: Iterable[Finding], *, lossy: bool = False, select: Iterable[str] = ()) -> Plan:
    """What can be done about the findings of a measured set. Waived and undecided ones are left alone.

    `select` are the prefixes of rules that the user named.
    """
    open_ = [finding for finding in findings if not finding.waived and finding.verdict == "fail"]
    made, named = unchanged(stems), tuple(prefix.strip().upper() for prefix in select)
    if not made.treatments:
        return made.refuse(open_, "no file of the set can be read")
    cures = sorted(registry.discover("stemwright.repair.cures").values(), key=lambda cure: cure.ORDER)
    for cure in cures:
        if lossy or not cure.LOSSY:
            gone = {path for path, _ in made.aside}
            found = (f for f in open_ if f.rule in cure.CODES and f not in made.claims and f.subject not in gone)
            mine, unasked = tuple(found), getattr(cure, "UNASKED", "")
            asked = not unasked or any(code.startswith(named) for code in cure.CODES)
            made = cure.treat(stems, mine, made) if asked else made.refuse(mine, unasked)
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
    limits = [int(f.evidence.limit) for f in open_ if f.rule == "NAM004" and f.evidence]
    return _named(replace(made, refused=left), stems, min(limits, default=50))


def _named(made: Plan, stems: StemSet, limit: int) -> Plan:
    """No two files get the same name, whatever their case, nor that of anything else that stays in the folder.

    Those that keep theirs come first; the others have at most `limit` characters with their number.
    """
    kept = [t.stem.file.path for t in made.treatments if not t.renamed]
    freed = {stem.file.path for t in made.treatments if t.renamed for stem in t.sources} | {p for p, _ in made.aside}
    suffixes = {PurePath(t.name).suffix.lower() for t in made.treatments if t.renamed}
    beside = [path for path in (stems.folder.iterdir() if stems.folder else ()) if path.suffix.lower() in suffixes]
    kept += [*(bad.path for bad in stems.unreadable), *(path for path in beside if path not in freed)]
    used = {path.stem.lower() for path in kept}

    def settled(t: Treatment) -> Treatment:
        path = PurePath(t.name)
        name = path.stem if path.stem.lower() not in used else path.stem[: limit - 4].rstrip("_-")  # room for _999
        return replace(t, name=unused(name, used) + path.suffix) if t.renamed else t

    return replace(made, treatments=tuple(map(settled, made.treatments)))
