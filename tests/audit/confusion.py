"""What the audit makes of every planted defect, told apart by family: `python tests/audit/confusion.py`.

A case of `tests/cases` plants a defect in the file that it changes. A finding is right when it has the right code and
names that file; the rule of the table must also point into the frames that the case gives. Exceptions::

    where = "FullMix.wav"   # another file; a list when it must be found in each of several; "" for the whole set
    frames = [5000, 5003]   # the finding's first span lies within these frames
    folder = "Song_120_Am"  # what the folder is called; "Song" unless said
    options.LVL001.limit_dbfs = -6.0  # on top of the profile's
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import synth

from stemwright import audit
from stemwright.audio.folder import read_stems
from stemwright.measure.sets import measure_set
from stemwright.model import Finding, StemSet

CASES = Path(__file__).resolve().parents[1] / "cases"
TABLES: dict[str, list[dict[str, Any]]] = {
    path.stem: tomllib.loads(path.read_text("utf-8"))["case"] for path in sorted(CASES.glob("*.toml"))
}


@dataclass(frozen=True)
class Verdict:
    """What became of one case: codes of findings, with repeats."""

    planted: Counter[str]
    found: Counter[str]
    misplaced: Counter[str]
    """Codes that are right, on a file or in a place that is wrong."""

    @property
    def right(self) -> bool:
        return self.planted == self.found and not self.misplaced


def measure(folder: Path) -> StemSet:
    """A folder, read and measured as the product does it."""
    measuring = measure_set(read_stems(folder))
    while True:
        try:
            next(measuring)
        except StopIteration as end:
            return end.value


def judge(code: str, case: dict[str, Any], folder: Path) -> tuple[Verdict, tuple[Finding, ...]]:
    """Build a case of the table `code` in a new folder, audit it, and compare."""
    folder = folder.with_name(case.get("folder", folder.name))
    synth.build(folder, case)
    profile = audit.load_profile(case.get("profile", "protools"))
    profile = replace(profile, options={**profile.options, **case.get("options", {})})
    findings = audit.audit(measure(folder), profile, case.get("select", ()))
    expected = places(case)
    own = {name_of(finding) for finding in findings if finding.rule == code}
    misplaced = [
        finding.rule
        for finding in findings
        if (expected and name_of(finding) not in expected)
        or (finding.rule == code and ((expected and own != expected) or not in_frames(finding, case)))
    ]
    found = Counter(finding.rule for finding in findings)
    return Verdict(Counter(case["finds"]), found, Counter(misplaced)), findings


def places(case: dict[str, Any]) -> set[str]:
    """Names of the files that findings must be about; empty when a case changes several and does not say."""
    if "where" in case:
        return {case["where"]} if isinstance(case["where"], str) else set(case["where"])
    changed = case.get("stems", {})
    if len(changed) != 1 or case.keys() & {"set", "files", "without", "rename", "mix"}:
        return set()
    ((name, changes),) = changed.items()
    return {changes.get("file") or f"{name}.wav"}


def name_of(finding: Finding) -> str:
    return finding.subject.name if finding.subject else ""


def in_frames(finding: Finding, case: dict[str, Any]) -> bool:
    start, end = case.get("frames", (0, 0))
    return not end or bool(finding.spans and start <= finding.spans[0].start < finding.spans[0].end <= end)


def confusion(folder: Path) -> str:
    """Per family of all cases what was planted, found, missed, wrongly placed and too much; below it what was wrong."""
    wrong: list[str] = []
    rows: dict[str, Counter[str]] = {}
    for code, cases in TABLES.items():
        for index, case in enumerate(cases):
            place = folder / f"{code}-{index}"
            place.mkdir()
            verdict, _ = judge(code, case, place / "Song")
            shutil.rmtree(place)
            missed, extra = verdict.planted - verdict.found, verdict.found - verdict.planted
            rows.setdefault(code[:3], Counter()).update(cases=1, quiet=not verdict.planted)
            columns = {"planted": verdict.planted, "found": verdict.planted - missed - verdict.misplaced}
            columns |= {"missed": missed, "misplaced": verdict.misplaced, "extra": extra}
            for column, codes in columns.items():
                for found, count in codes.items():
                    rows.setdefault(found[:3], Counter())[column] += count
            if not verdict.right:
                gone, placed, more = (
                    ", ".join(codes.elements()) or "-" for codes in (missed, verdict.misplaced, extra)
                )
                wrong.append(f"{code}: {case['what']}: missed {gone}; misplaced {placed}; extra {more}")
    names = ("cases", "quiet", "planted", "found", "missed", "misplaced", "extra")
    rows["all"] = sum(rows.values(), Counter())
    table = [f"{family:5}" + "".join(f"{row[name]:11}" for name in names) for family, row in rows.items()]
    return "\n".join(["     " + "".join(f"{name:>11}" for name in names), *table, *wrong, ""])


if __name__ == "__main__":
    os.environ["PATH"] = ""  # what decodes must not depend on an ffmpeg
    with tempfile.TemporaryDirectory() as scratch:
        sys.stdout.write(confusion(Path(scratch)))
