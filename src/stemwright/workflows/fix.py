"""fix: a folder of stems in, the same set repaired out; the originals are never written to.

Read, measure, audit, plan; build the whole result in a hidden folder, audit it there, and only then put it in place.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright import audit, repair
from stemwright.audio.folder import read_stems
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.measure.sets import measure_set
from stemwright.model import Finding, Outcome, Output, Progress, StemSet, Workflow
from stemwright.naming import without_bpm_and_key
from stemwright.repair import publish
from stemwright.repair.render import render
from stemwright.safety import write_text
from stemwright.workflows import deliver, facts
from stemwright.workflows.facts import Given


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What is asked of a repair."""

    profile: str = "protools"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    lossy: bool = False
    in_place: bool = False
    out: Path | None = None
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Treated:
    """What became of one file."""

    name: str
    sources: tuple[str, ...]
    steps: tuple[str, ...]
    lossy: bool
    digest: str = ""
    """BLAKE2b-128 of the decoded samples (float32, frame by frame); empty when copied or not done yet."""

    @property
    def was(self) -> str:
        """The names of the files that it was, where they are not its own."""
        return " and ".join(self.sources) if self.sources != (self.name,) else ""

    @property
    def same(self) -> bool:
        """Whether nothing is done to it."""
        return not (self.steps or self.was)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A repair that was done, or would be; subjects of findings are relative to their folder."""

    folder: Path
    treated: tuple[Treated, ...]
    aside: tuple[tuple[str, str], ...]
    """(file that was not taken over, why)."""
    notes: tuple[str, ...]
    """Notes files that were missing."""
    left: tuple[tuple[Finding, str], ...]
    """(finding that stays, why)."""
    before: tuple[Finding, ...]
    claimed: tuple[str, ...]
    """Rules whose findings are answered."""
    after: tuple[Finding, ...] = ()
    still: tuple[Finding, ...] = ()
    """Claimed but found again: a bug of ours."""

    @property
    def work(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.aside or self.notes or not all(t.same for t in self.treated))

    @property
    def grave(self) -> tuple[tuple[Finding, str], ...]:
        """Those of `left` that a mix engineer would send back."""
        return tuple((finding, why) for finding, why in self.left if finding.severity != "info")


def fix_folder(folder: Path, options: FixOptions = FixOptions()) -> Workflow[Outcome[Fixed]]:
    """Repair a folder. Raises InputError, SettingsError, OutputError and their kin; nothing has changed then."""
    folder = folder.resolve()
    target = folder if options.in_place else (options.out or folder.parent) / _name(folder.name)
    policy = audit.load_profile(options.profile)
    policy.rules(options.select, options.ignore)  # a wrong code is told before the work
    publish.check_finished(folder)
    stems = yield from measure_set(read_stems(folder), remember=True)
    before = audit.audit(stems, policy, options.select, options.ignore)
    plan = repair.plan(stems, before, lossy=options.lossy, select=options.select)
    noted = tuple(f for f in before if f.rule == "PKG001" and not f.waived and plan.treatments)
    plan = replace(plan.claim(noted), refused=tuple(both for both in plan.refused if both[0] not in noted))
    notes = tuple(f"{target.name}_notes{suffix}" for suffix in deliver.SUFFIXES) if noted else ()
    result = _planned(target, folder, plan, before, notes)
    beside, warnings, failed = _told(stems, plan, new_folder=result.work and not options.in_place)
    if not result.work or options.dry_run:
        return Outcome((), result, warnings, failed=failed)
    if not options.in_place:
        publish.check_free(target, force=options.force)
    with publish.workshop(folder if options.in_place else target.parent, target.name) as room:
        digests = yield from _fill(room, plan, beside, link=options.in_place)
        made = yield from measure_set(read_stems(room))
        if notes:
            song = yield from facts.song_of(stems, Given())
            made = replace(made, song=song, other_files=(*made.other_files, *(room / name for name in notes)))
        after = audit.audit(made, policy, options.select, options.ignore)
        result = replace(
            result,
            treated=tuple(replace(t, digest=digest) for t, digest in zip(result.treated, digests, strict=True)),
            after=tuple(audit.relative(finding, room) for finding in after),
            still=tuple(audit.relative(finding, room) for finding in after if _claimed(finding, plan)),
        )
        for name in notes:
            write_text(room / name, _notes(made, plan, result, Path(name).suffix))
        write_text(room / publish.REPORT, report(result))
        new = (*(t.name for t in plan.treatments if t.changed), *notes, publish.REPORT)
        if options.in_place:
            gone = [stem.file.path for t in plan.treatments if t.changed for stem in t.sources]
            gone += [path for path in stems.other_files if path.name == publish.REPORT]
            publish.in_place(folder, room, new, gone, (path for path, _ in plan.aside))
        else:
            publish.as_new(room, target, force=options.force)
    kinds = {t.name: "mix" if t.mix else "stem" for t in plan.treatments} | dict.fromkeys(notes, "notes")
    names = new if options.in_place else sorted(path.name for path in target.iterdir())
    outputs = tuple(Output(target / name, kinds.get(name, "report")) for name in names)
    return Outcome(outputs, result, warnings, failed=failed)


def _fill(room: Path, plan: repair.Plan, beside: list[Path], *, link: bool) -> Workflow[list[str]]:
    """Make the whole result in a room; returns the digests of the treatments. What stays may only be linked."""
    digests = []
    for number, treatment in enumerate(plan.treatments):
        yield Progress("repair", number, len(plan.treatments), "files")
        if treatment.changed or not link:
            digests.append(render(treatment, room / treatment.name))
        else:
            digests.append(_taken(treatment.stem.file.path, room, link=True))
    for path in beside:
        _taken(path, room, link=link)
    return digests


def _name(name: str) -> str:
    """`Song_120_Am` -> `Song_fixed_120_Am`: tempo and key stay where they are looked for."""
    bare = without_bpm_and_key(name)
    return f"{bare}_fixed{name.removeprefix(bare)}" if name.startswith(bare) else f"{name}_fixed"


def _planned(
    target: Path, folder: Path, plan: repair.Plan, before: tuple[Finding, ...], notes: tuple[str, ...]
) -> Fixed:
    def told(t: repair.Treatment) -> Treated:
        return Treated(t.name, tuple(stem.file.path.name for stem in t.sources), t.steps, t.lossy)

    return Fixed(
        target,
        tuple(map(told, plan.treatments)),
        tuple((path.name, why) for path, why in plan.aside),
        notes,
        tuple((audit.relative(finding, folder), why) for finding, why in plan.refused),
        tuple(audit.relative(finding, folder) for finding in before),
        tuple(sorted({finding.rule for finding in plan.claims})),
    )


def _taken(path: Path, room: Path, *, link: bool) -> str:
    """A file as it is: a hard link for as long as the result is being audited, or a copy. It has no digest."""
    try:
        os.link(path, room / path.name) if link else shutil.copyfile(path, room / path.name)
    except OSError:  # a disk without links
        shutil.copyfile(path, room / path.name)
    return ""


def _told(
    stems: StemSet, plan: repair.Plan, *, new_folder: bool
) -> tuple[list[Path], tuple[str, ...], tuple[str, ...]]:
    """Files beside the stems that are taken over, what the user should know, and what is missing from the result."""
    gone = {path for path, _ in plan.aside}
    rest = [path for path in stems.other_files if path not in gone and path.name != publish.REPORT]
    rest += [*(bad.path for bad in stems.unreadable), *(mix.file.path for mix in stems.other_mixes)]
    able = [path for path in rest if path.is_file() and os.access(path, os.R_OK)]
    inner = sorted(path for path in (stems.folder.iterdir() if stems.folder else ()) if path.is_dir())
    folders = [path for path in inner if path not in rest and not path.name.startswith(".")]
    warnings = [f"{path.name} is not in the result: a folder" for path in folders if new_folder]
    failed = [f"{path.name} is not in the result: it cannot be read" for path in rest if path not in able]
    failed = failed if new_folder else []
    if not plan.treatments:
        failed.append("nothing can be repaired: no file of the set can be read")
    lower = -min((t.gain_db for t in plan.stems), default=0.0)
    if lower and any(t.mix for t in plan.treatments):
        warnings.append(f"the reference mix keeps its level; the stems are {lower:.2f} dB lower")
    return able, tuple(warnings), tuple(failed)


def _claimed(finding: Finding, plan: repair.Plan) -> bool:
    """Whether this is what the plan promised would be found no more."""
    made = next((t for t in plan.treatments if finding.subject and t.name == finding.subject.name), None)
    sources = {stem.file.path for stem in made.sources} if made else {None}
    return finding.verdict == "fail" and any(c.rule == finding.rule and c.subject in sources for c in plan.claims)


def _notes(made: StemSet, plan: repair.Plan, result: Fixed, suffix: str) -> str:
    gains = {t.name: t.gain_db for t in plan.treatments}
    stems = tuple(replace(stem, gain_db=gains.get(stem.file.path.name, 0.0)) for stem in made.stems)
    done = (f"The files were repaired after the export; {publish.REPORT} tells what was done to each.",)
    return render_notes(NotesFacts(replace(made, stems=stems), result.after, done=done), suffix=suffix)


def report(made: Fixed) -> str:
    """A repair in words; of a plan, what would be done."""
    lines = [str(made.folder.name)]
    for t in made.treated:
        if not t.same:
            lines += ["", t.name, *([f"  was {t.was}"] if t.was else [])]
            lines += [f"  {step}" for step in t.steps]
            if t.digest:
                proof = "samples changed as asked" if t.lossy else "samples proved unchanged"
                lines.append(f"  {proof}; BLAKE2b-128 of the decoded ones: {t.digest}")
    same = sum(t.same for t in made.treated)
    lines += ["", f"{same} files stay as they are"] if same else []
    lines += ["", "Written", *(f"  {name}" for name in made.notes)] if made.notes else []
    lines += ["", "Put aside", *(f"  {name}: {why}" for name, why in made.aside)] if made.aside else []
    lines += ["", "Not repaired"] if made.grave else []
    lines += [f"  {f.rule}  {f.subject or 'the set'}: {f.message}\n    {why}" for f, why in made.grave]
    lines += ["", "Found again, which is a bug of stemwright"] if made.still else []
    lines += [f"  {f.rule}  {f.subject or 'the set'}: {f.message}" for f in made.still]
    return "\n".join(lines if made.work or made.grave else [*lines, "", "nothing to repair"]) + "\n"


def undo_fix(folder: Path) -> Outcome[str]:
    """Take the latest repair in place back. Raises NotFoundInput, InputError, OutputError; moves nothing then."""
    back = publish.undo(folder.resolve())
    return Outcome(tuple(Output(path, "original") for path in back), f"{len(back)} files are back as they were")
