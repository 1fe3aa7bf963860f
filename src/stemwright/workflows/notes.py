"""notes: the text a mix engineer reads first, for a folder of stems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from stemwright import audit
from stemwright.audio import stated
from stemwright.audio.folder import read_stems, require_readable
from stemwright.handover.notes import NotesFacts
from stemwright.measure.sets import measure_set
from stemwright.model import Outcome, Song, Workflow
from stemwright.safety import check_free, require_room
from stemwright.workflows import deliver, facts, guides, kept
from stemwright.workflows.deliver import NotesForm
from stemwright.workflows.facts import Given


@dataclass(frozen=True, slots=True)
class Noted:
    """The notes that were written, or would be."""

    song: Song
    planned: tuple[Path, ...]


def places(folder: Path, form: NotesForm, out: Path | None, *, force: bool) -> tuple[Path, tuple[Path, ...]]:
    """Where notes go, without suffix, and the files that they would be. Raises AlreadyThere unless `force`."""
    base = (out or folder) / folder.resolve().name
    planned = form.planned(base)
    for path in planned:
        check_free(path, force=force)
    return base, planned


def write_notes(
    folder: Path,
    given: Given,
    form: NotesForm,
    profile: str,
    *,
    effects: tuple[str, ...] = (),
    out: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Workflow[Outcome[Noted]]:
    """Write `<folder>_notes.txt`, `.md` and what else is wanted.

    Raises AlreadyThere, InputError, SettingsError, MissingExtra, OutputError.
    """
    policy = audit.load_profile(profile)
    form.check()  # a name that does not exist is told before the work
    contact = deliver.contact()
    stems = facts.with_effects(read_stems(folder), effects)
    if not stems.everything:
        require_readable(stems)
    base, planned = places(folder, form, out, force=force)
    if not dry_run:
        require_room(base.parent)
    song, told = guides.marked((yield from facts.song_of(stems, given)), folder, None, stems)
    stems = replace(stems, song=song, other_files=stems.other_files + planned)
    measured = yield from measure_set(stems)
    findings = audit.audit(measured, policy)
    named = tuple(audit.relative(finding, folder) for finding in findings)
    notes = NotesFacts(measured, named, stated=stated.read(folder), contact=contact)
    outputs = () if dry_run else deliver.write_notes(notes, base, form)
    kept.made_anew(folder, outputs)
    return Outcome(
        outputs,
        Noted(measured.song, planned),
        (*told, *facts.told_by_stems(stems, song), *facts.doubts(song, given.bpm_range)),
    )
