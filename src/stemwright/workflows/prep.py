"""prep, the main job: a song or a folder of stems in, one folder out that can be sent to a mix engineer.

The steps are song → stems → tags → guides → audit → sessions → notes; each is recorded in the manifest, so that a
second run redoes nothing, and a changed option redoes only what depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stemwright import audit, resources, serial
from stemwright.audio import stated
from stemwright.audio.folder import read_stems, require_readable
from stemwright.errors import NotFoundInput
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Entry, Ledger, Manifest
from stemwright.handover.notes import NotesFacts
from stemwright.model import AudioFile, Finding, Outcome, Progress, Song, StemSet, Workflow
from stemwright.safety import require_room
from stemwright.session import beside, formats
from stemwright.session.verify import Verified
from stemwright.workflows import deliver, facts, guides, separation, stems
from stemwright.workflows import mix as splitting
from stemwright.workflows.deliver import CommonOptions, Losses, NotesForm
from stemwright.workflows.kept import Kept, kept, record
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Planned, Run, hash_inputs, open_folder

if TYPE_CHECKING:
    from stemwright.separate.engine import Engine

STEPS = ("song", "stems", "tags", "guides", "audit", "sessions", "notes")


@dataclass(frozen=True, slots=True)
class PrepOptions(CommonOptions):
    """What a user can ask of `prep`."""

    split: SplitOptions = field(default_factory=SplitOptions)
    to: tuple[str, ...] = deliver.FORMATS
    profile: str = "protools"
    notes: str = "mix-engineer"
    acid: bool = False
    """Write tempo and root note into the WAVs as loops have them, too; hosts may stretch such a file."""
    pdf: bool = False
    """Write the notes as PDF, too."""
    effects: tuple[str, ...] = ()
    """Printed effects, as `Vocals=plate reverb`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What `prep` made, or would make."""

    folder: Path
    song: Song
    plan: tuple[Planned, ...]
    complete: bool
    stems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    losses: Losses = ()
    separation: SeparationFacts | None = None
    verified: tuple[Verified, ...] = ()
    told: tuple[str, ...] = ()
    """The losses, a line for each session."""


def prep(source: Path, options: PrepOptions) -> Workflow[Outcome[Delivery]]:
    """Make the delivery of one song (an audio file) or of one folder of stems.

    Raises InputError and its kin for a source that cannot be used, OutputError for a place that cannot be written,
    SettingsError and SessionError for a name that does not exist, WeightsError and MissingExtra when a mix cannot
    be split.
    """
    _check_names(options)
    given_stems = read_stems(source) if source.is_dir() else None
    if given_stems:
        require_readable(given_stems)
        if not given_stems.stems:
            raise NotFoundInput(f"{source}: holds a mix but no stems", "give the mix itself to have it split")
    files = tuple(stem.file for stem in given_stems.everything) if given_stems else (separation.song_file(source),)
    inputs = yield from hash_inputs(file.path for file in files)
    if not given_stems:
        return (yield from _prep(source, None, files, inputs, options))
    idle = options.split.asked  # nothing is split, so nothing of it counts
    outcome = yield from _prep(source, given_stems, files, inputs, replace(options, split=SplitOptions()))
    told = (f"stems are taken as they are, so there is nothing to do for {', '.join(idle)}",) if idle else ()
    return replace(outcome, warnings=(*told, *outcome.warnings))


def _prep(
    source: Path,
    given_stems: StemSet | None,
    files: tuple[AudioFile, ...],
    inputs: tuple[Entry, ...],
    options: PrepOptions,
) -> Workflow[Outcome[Delivery]]:
    parent = (options.out or source.resolve().parent).absolute()
    workflow = f"prep{options.split.stretch}"
    found = Ledger.find(parent, workflow, inputs)
    if not options.dry_run:
        least = 0 if found or options.split.stretch else sum(2 * f.frames * f.format.channels for f in files)
        require_room(found.folder if found else parent, least)  # told before minutes of work
    known = kept(found, given_stems)
    plan = beside.planned(given_stems).song if given_stems else None
    heard = [options.given, options.split.stretch, options.split.preview_s, known.stated.song, plan]
    song_key = manifest.key("song", [inputs, source.resolve().name, *heard])
    recorded = found.done("song", song_key) if found else None
    if recorded:
        song: Song = serial.build(Song, recorded.result)
    else:
        song = yield from _measured(files[0], given_stems, known, options)
    guides.marked(song, given_stems.folder if given_stems else None, options.guides.markers)  # told before the work
    named = _without_tags(song)
    engines = {}
    if not (given_stems or options.dry_run or (found and separation.is_done(found, inputs, named, options.split))):
        engines = yield from separation.ready(options.split)
    name = facts.folder_name(song) + options.split.stretch
    packages = manifest.package_versions("numpy", "soundfile", "soxr", "pyaaf2", "mido", "lxml")
    places = ("out", "force", "dry_run", "guides")
    asked = {option: value for option, value in serial.plain(options).items() if option not in places}
    fresh = Manifest(workflow, inputs, packages=packages, options=asked)
    ledger = open_folder(parent, name, found, fresh, avoid=source, force=options.force, dry_run=options.dry_run)
    run = Run(ledger, options.dry_run)
    run.plan.append(Planned("song", "done before" if recorded else "run"))
    if not (options.dry_run or recorded):
        ledger.record("song", song_key, (), song)
    try:
        return (yield from _steps(run, found, given_stems, files[0], song, inputs, options, engines, known))
    except DryRunEnds:
        rest = tuple(Planned(step, "run") for step in STEPS[len(run.plan) :])
        return Outcome((), Delivery(parent / name, song, (*run.plan, *rest), False))


def _measured(file: AudioFile, given_stems: StemSet | None, known: Kept, options: PrepOptions) -> Workflow[Song]:
    """The song of a mix, or of the stretch of it that is wanted; of given stems; or as the user edited it."""
    noted = facts.taken(known.stated, options.given)
    said = facts.with_given(noted.song, options.given)
    bpm, key = said.bpm.value if said.bpm else None, said.key.value if said.key else None
    asked = replace(options.given, bpm=bpm, key=key)
    if noted.is_record:
        song = noted.song
    elif given_stems:
        song = yield from facts.song_of(given_stems, asked)
    elif not options.split.stretch:
        song = yield from facts.measure((file,), asked)
    else:
        start, frames = yield from separation.stretch(file, options.split)
        with TemporaryDirectory(prefix="stemwright-") as scratch:
            part = separation.cut_out(file, start, frames, Path(scratch))
            song = yield from facts.measure((part,), asked)
    return facts.with_given(stated.told(song, noted), options.given)


def _without_tags(song: Song) -> Song:
    """The song that stems are split as; the rest comes with the tags: a corrected tempo splits nothing again."""
    return replace(song, artist="", bpm=None, key=None)


def _steps(
    run: Run,
    found: Ledger | None,
    given_stems: StemSet | None,
    mix: AudioFile,
    song: Song,
    inputs: tuple[Entry, ...],
    options: PrepOptions,
    engines: Mapping[str, Engine],
    known: Kept,
) -> Workflow[Outcome[Delivery]]:
    ledger, folder = run.ledger, run.ledger.folder
    if given_stems:
        parts = stems.take_parts(inputs, given_stems, song)
        made = yield from run.step("stems", parts, lambda: stems.take(given_stems, song, folder))
    else:
        named = _without_tags(song)
        parts = separation.parts(inputs, named, options.split)
        made = yield from run.step("stems", parts, lambda: splitting.split(mix, named, options.split, folder, engines))
    split_facts = serial.build(SeparationFacts | None, made.result["separation"])
    certain = facts.certain(song)
    tag_parts = [made.key, deliver.tag_facts(certain, options.acid)]
    tagged = yield from run.step("tags", tag_parts, lambda: deliver.tag(made, certain, ledger, options.acid))

    stem_set = stated.spoken_of(deliver.stem_set(folder, made, song), known.stated)
    stem_set = facts.with_effects(stem_set, options.effects)
    listed = guides.listed(ledger, given_stems.folder if given_stems else None, options.guides.markers)
    guided_parts = [made.key, song, listed.digest, options.guides.click, options.guides.count_in]
    guided = yield from run.step("guides", guided_parts, lambda: guides.make(stem_set, folder, listed, options.guides))
    guided_set = guides.with_guides(stem_set, guided)

    clicks = [entry for entry in guided.outputs if entry.kind == "click"]
    audited_parts = [made.key, tagged.key, clicks, audit.load_profile(options.profile)]
    audited = yield from run.step("audit", audited_parts, lambda: deliver.audit_step(guided_set, made, options.profile))
    findings: tuple[Finding, ...] = serial.build(tuple[Finding, ...], audited.result["findings"])
    guided_set = facts.with_levels(guided_set, audited.result["levels"])
    song = guided_set.song

    name = folder.name
    layout = resources.load("sessions", options.layout)
    own = options.of_formats(replace_media=True)
    wanted = deliver.Wanted(options.to, options.layout, options.fps, options=own)
    session_parts = [tagged.key, guided.key, song, wanted, layout, record(stem_set, known).stems, str(folder.resolve())]
    sessions = yield from run.step(
        "sessions",
        session_parts,
        lambda: deliver.sessions_step(replace(guided_set, song=facts.certain(song)), folder / name, wanted),
    )
    losses = serial.build(Losses, sessions.result["losses"])
    verified = serial.build(tuple[Verified, ...], sessions.result.get("verified", ()))
    lost = tuple(sessions.result.get("told", ()))
    told = (*made.result["done"], *filter(None, (guided.result["click"],)))
    form = NotesForm(options.notes, options.pdf)
    everything = record(guided_set, known)
    noted = NotesFacts(guided_set, findings, split_facts, losses, told, everything, deliver.contact())
    written = yield from run.step(
        "notes",
        [audited.key, sessions.key, form, deliver.notes_text(form.template), noted.contact, noted.stated],
        lambda: deliver.notes(noted, folder / name, form, known),
    )
    yield Progress("done", 1, 1)
    outputs = run.finish(made, guided, sessions, written)
    stem_names = tuple(stem.name for stem in stem_set.stems)
    result = Delivery(folder, song, tuple(run.plan), True, stem_names, findings, losses, split_facts, verified, lost)
    aside = [f"you had changed a file that was made anew; yours is now {path.name}" for path in run.set_aside]
    if found and found.folder.name != folder.name:
        aside.append(f"the delivery {found.folder.name} is called {folder.name} now")
    if given_stems and given_stems.subfolders:
        names = ", ".join(path.name for path in given_stems.subfolders)
        aside.append(f"audio in these subfolders was not taken: {names}")
    warnings = (
        *made.result["warnings"],
        *(made.result["done"] if given_stems else ()),
        *guided.result["warnings"],
        *sessions.result["warnings"],
    )
    by_files = facts.told_by_stems(given_stems, song) if given_stems else facts.told_by_tags([mix], song)
    doubts = facts.doubts(song, options.given.bpm_range)
    return Outcome(outputs, result, (*warnings, *aside, *by_files, *doubts), run.done)


def _check_names(options: PrepOptions) -> None:
    """A name that does not exist is told before minutes of work, not after."""
    formats.require(options.to)
    audit.load_profile(options.profile)
    resources.load("sessions", options.layout)
    NotesForm(options.notes, options.pdf).check()
    deliver.contact()
