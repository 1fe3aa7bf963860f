"""notes: the text a mix engineer reads first, for a folder of stems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from stemwright import audit
from stemwright.audio.folder import read_stems
from stemwright.errors import AlreadyThere
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.measure.sets import measure_set
from stemwright.model import Outcome, Output, Song
from stemwright.safety import write_text
from stemwright.workflows import deliver, facts
from stemwright.workflows.facts import Given
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class Noted:
    """The notes that were written, or would be."""

    song: Song
    planned: tuple[Path, ...]


def write_notes(
    folder: Path,
    given: Given,
    template: str,
    profile: str,
    *,
    effects: tuple[str, ...] = (),
    out: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Workflow[Outcome[Noted]]:
    """Write `<folder>_notes.txt` and `.md`. Raises AlreadyThere, InputError, SettingsError, OutputError."""
    policy = audit.load_profile(profile)
    deliver.notes_text(template)  # a name that does not exist is told before the work
    stems = facts.with_effects(read_stems(folder), effects)
    planned = tuple((out or folder) / f"{folder.resolve().name}_notes{suffix}" for suffix in deliver.SUFFIXES)
    for path in planned:
        if path.exists() and not force:
            raise AlreadyThere(f"{path}: is there already", "give --force to replace it, or another --out")
    stems = replace(stems, song=(yield from facts.song_of(stems, given)), other_files=stems.other_files + planned)
    measured = yield from measure_set(stems)
    findings = audit.audit(measured, policy)
    notes = NotesFacts(measured, tuple(audit.relative(finding, folder) for finding in findings))
    for path in () if dry_run else planned:
        write_text(path, render_notes(notes, template, path.suffix))
    outputs = () if dry_run else tuple(Output(path, "notes") for path in planned)
    return Outcome(outputs, Noted(measured.song, planned))
