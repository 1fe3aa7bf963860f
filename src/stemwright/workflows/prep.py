"""prep, the main job: a song or a folder of stems in, one folder out that can be sent to a mix engineer.

The steps are song → stems → tags → audit → sessions → notes; each is recorded in the manifest, so that a second run
redoes nothing, and a changed option redoes only what depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stemwright import audit, resources, serial
from stemwright.audio.folder import read_stems
from stemwright.errors import InputError, NotFoundInput
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Entry, Ledger, Manifest
from stemwright.model import AudioFile, Finding, Loss, Outcome, Output, Progress, Song, StemSet
from stemwright.session import formats
from stemwright.session.verify import Verified
from stemwright.workflows import deliver, facts, separation, stems
from stemwright.workflows import mix as splitting
from stemwright.workflows.facts import Given
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Planned, Run, Workflow, hash_inputs, open_folder

STEPS = ("song", "stems", "tags", "audit", "sessions", "notes")


@dataclass(frozen=True, slots=True)
class PrepOptions:
    """What a user can ask of `prep`."""

    split: SplitOptions = field(default_factory=SplitOptions)
    given: Given = field(default_factory=Given)
    to: tuple[str, ...] = ("reaper", "aaf", "midi")
    embed: bool = False
    """Put the audio inside the AAF instead of beside it."""
    dawproject_style: str = ""
    profile: str = "protools"
    layout: str = "mix-engineer"
    fps: str = ""
    """Frame rate of timecode, as in `SessionOptions`."""
    notes: str = "mix-engineer"
    acid: bool = False
    """Write tempo and root note into the WAVs as loops have them, too; hosts may stretch such a file."""
    effects: tuple[str, ...] = ()
    """Printed effects, as `Vocals=plate reverb`."""
    out: Path | None = None
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What `prep` made, or would make."""

    folder: Path
    song: Song
    plan: tuple[Planned, ...]
    complete: bool
    stems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    losses: tuple[tuple[str, tuple[Loss, ...]], ...] = ()
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
    _refuse_unreadable(given_stems)
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
    song_key = manifest.key(
        "song", [inputs, source.resolve().name, options.given, options.split.stretch, options.split.preview_s]
    )
    recorded = found.done("song", song_key) if found else None
    if recorded:
        song: Song = serial.build(Song, recorded.result)
    elif given_stems:
        song = yield from facts.song_of(given_stems, options.given)
    else:
        song = yield from _measured(files[0], options)
    named = replace(song, bpm=None, key=None)  # these come with the tags: a corrected tempo splits nothing again
    if not (given_stems or options.dry_run or (found and separation.is_done(found, inputs, named, options.split))):
        yield from separation.ready(options.split)
    name = facts.folder_name(song) + options.split.stretch
    fresh = Manifest(workflow, inputs)
    ledger = open_folder(parent, name, found, fresh, avoid=source, force=options.force, dry_run=options.dry_run)
    run = Run(ledger, options.dry_run)
    run.plan.append(Planned("song", "done before" if recorded else "run"))
    if not options.dry_run:
        packages = manifest.package_versions("numpy", "soundfile", "soxr", "pyaaf2", "mido", "lxml")
        places = ("out", "force", "dry_run")
        asked = {option: value for option, value in serial.plain(options).items() if option not in places}
        ledger.save(replace(ledger.manifest, packages=packages, options=asked, complete=False))
        if not recorded:
            ledger.record("song", song_key, (), song)
    try:
        return (yield from _steps(run, found, given_stems, files[0], song, inputs, options))
    except DryRunEnds:
        rest = tuple(Planned(step, "run") for step in STEPS[len(run.plan) :])
        return Outcome((), Delivery(parent / name, song, (*run.plan, *rest), False))


def _measured(file: AudioFile, options: PrepOptions) -> Workflow[Song]:
    """The song of a mix, or of the stretch of it that is wanted."""
    if not options.split.stretch:
        return (yield from facts.measure((file,), options.given))
    start, frames = yield from separation.stretch(file, options.split)
    with TemporaryDirectory(prefix="stemwright-") as scratch:
        part = separation.cut_out(file, start, frames, Path(scratch))
        return (yield from facts.measure((part,), options.given))


def _steps(
    run: Run,
    found: Ledger | None,
    given_stems: StemSet | None,
    mix: AudioFile,
    song: Song,
    inputs: tuple[Entry, ...],
    options: PrepOptions,
) -> Workflow[Outcome[Delivery]]:
    ledger, folder = run.ledger, run.ledger.folder
    if given_stems:
        parts = stems.take_parts(inputs, given_stems, song)
        made = yield from run.step("stems", parts, lambda: stems.take(given_stems, song, folder))
    else:
        named = replace(song, bpm=None, key=None)
        parts = separation.parts(inputs, named, options.split)
        made = yield from run.step("stems", parts, lambda: splitting.split(mix, named, options.split, folder))
    split_facts = serial.build(SeparationFacts | None, made.result["separation"])
    tag_parts = [made.key, deliver.tag_facts(song, options.acid)]
    tagged = yield from run.step("tags", tag_parts, lambda: deliver.tag(made, song, ledger, options.acid))

    audited_parts = [made.key, tagged.key, audit.load_profile(options.profile)]
    audited = yield from run.step(
        "audit", audited_parts, lambda: deliver.audit_step(folder, made, song, options.profile)
    )
    findings: tuple[Finding, ...] = serial.build(tuple[Finding, ...], audited.result["findings"])
    stem_set = facts.with_levels(deliver.stem_set(folder, made, song), audited.result["levels"])
    stem_set = facts.with_effects(stem_set, options.effects)

    name = folder.name
    layout = resources.load("sessions", options.layout)
    own = {"embed": options.embed, "replace_media": True, "style": options.dawproject_style}
    wanted = deliver.Wanted(options.to, options.layout, options.fps, options=own)
    session_parts = [tagged.key, song, wanted, layout, options.effects, str(folder.resolve())]
    sessions = yield from run.step(
        "sessions",
        session_parts,
        lambda: deliver.sessions_step(stem_set, folder / name, wanted),
    )
    losses = serial.build(tuple[tuple[str, tuple[Loss, ...]], ...], sessions.result["losses"])
    verified = serial.build(tuple[Verified, ...], sessions.result.get("verified", ()))
    lost = tuple(sessions.result.get("told", ()))
    told = tuple(made.result["done"])
    noted = yield from run.step(
        "notes",
        [audited.key, sessions.key, options.notes, deliver.notes_text(options.notes)],
        lambda: deliver.notes(folder, name, stem_set, findings, split_facts, losses, told, options.notes),
    )
    yield Progress("done", 1, 1)
    if not options.dry_run:
        ledger.save(replace(ledger.manifest, complete=True))
    entries = [entry for step in (made, sessions, noted) for entry in step.outputs]
    outputs = [Output(folder / e.path, e.kind, e.role) for e in entries]
    outputs.append(Output(folder / manifest.NAME, "manifest"))
    stem_names = tuple(stem.name for stem in stem_set.stems)
    result = Delivery(folder, song, tuple(run.plan), True, stem_names, findings, losses, split_facts, verified, lost)
    done = tuple(planned.step for planned in run.plan if planned.action == "done before")
    aside = [f"you had changed a file that was made anew; yours is now {path.name}" for path in run.set_aside]
    if found and found.folder.name != folder.name:
        aside.append(f"the delivery {found.folder.name} is called {folder.name} now")
    if given_stems and given_stems.subfolders:
        names = ", ".join(path.name for path in given_stems.subfolders)
        aside.append(f"audio in these subfolders was not taken: {names}")
    warnings = (*made.result["warnings"], *(told if given_stems else ()), *sessions.result["warnings"])
    by_tags = facts.told_by_tags([stem.file for stem in given_stems.everything] if given_stems else [mix], song)
    return Outcome(tuple(outputs), result, (*warnings, *aside, *by_tags, *_doubts(song)), done)


def _check_names(options: PrepOptions) -> None:
    """A name that does not exist is told before minutes of work, not after."""
    formats.require(options.to)
    audit.load_profile(options.profile)
    resources.load("sessions", options.layout)
    deliver.notes_text(options.notes)


def _refuse_unreadable(given: StemSet | None) -> None:
    if given and given.unreadable:
        first = given.unreadable[0]
        raise InputError(
            f"{first.path}: {first.reason}", "mend or remove it first; `stemwright audit` lists all that is wrong"
        )
    if given and not given.stems:
        raise NotFoundInput(f"{given.folder}: holds a mix but no stems", "give the mix itself to have it split")


def _doubts(song: Song) -> tuple[str, ...]:
    found = []
    if song.bpm is None:
        found.append("no tempo could be measured; give it with --bpm")
    elif song.bpm.confidence < 0.5:
        others = " or ".join(f"{round(bpm, 2):g}" for bpm in song.bpm.alternatives[:2])
        found.append(
            f"the tempo is doubtful: {song.bpm.value:g} BPM{f', perhaps {others}' if others else ''}; see --bpm"
        )
    if song.key is None:
        found.append("no key could be measured; give it with --key")
    elif song.key.confidence < 0.4:
        others = " or ".join(song.key.alternatives[:2])
        found.append(f"the key is doubtful: {song.key.value}{f', perhaps {others}' if others else ''}; see --key")
    return tuple(found)
