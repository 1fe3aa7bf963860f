"""prep, the main job: a song or a folder of stems in, one folder out that can be sent to a mix engineer.

The steps are song → stems → tags → guides → audit → sessions → notes; each is recorded in the manifest, so that a
second run redoes nothing, and a changed option redoes only what depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stemwright import audit, resources, serial
from stemwright.audio import stated
from stemwright.audio.folder import read_stems, require_readable
from stemwright.errors import NotFoundInput
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Step
from stemwright.handover.notes import NotesFacts
from stemwright.model import AudioFile, Finding, Outcome, Progress, Song, StemSet, Workflow
from stemwright.session import beside, formats
from stemwright.session.verify import Verified
from stemwright.workflows import deliver, facts, guides, separation, stems
from stemwright.workflows import mix as splitting
from stemwright.workflows.deliver import CommonOptions, Losses, NotesForm
from stemwright.workflows.kept import Kept, kept, record
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Place, Planned, Run, hash_inputs

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


@dataclass(frozen=True, slots=True)
class _Order:
    """What a delivery is made of, what is asked of it, and where it goes."""

    given: StemSet | None
    """Stems that are taken as they are; None for a mix that is to be split."""
    files: tuple[AudioFile, ...]
    options: PrepOptions
    place: Place
    known: Kept

    @property
    def folder(self) -> Path | None:
        """Of the stems that are given."""
        return self.given.folder if self.given else None


def prep(source: Path, options: PrepOptions) -> Workflow[Outcome[Delivery]]:
    """Make the delivery of one song (an audio file) or of one folder of stems.

    Raises InputError and its kin for a source that cannot be used, OutputError for a place that cannot be written,
    SettingsError and SessionError for a name that does not exist, WeightsError and MissingExtra when a mix cannot
    be split.
    """
    _check_names(options)
    given, told = (read_stems(source) if source.is_dir() else None), list[str]()
    if given:
        require_readable(given)
        if not given.stems:
            raise NotFoundInput(f"{source}: holds a mix but no stems", "give the mix itself to have it split")
        if idle := options.split.asked:
            told.append(f"stems are taken as they are, so there is nothing to do for {', '.join(idle)}")
        options = replace(options, split=SplitOptions())  # nothing is split, so nothing of it counts
    files = tuple(stem.file for stem in given.everything) if given else (separation.song_file(source),)
    inputs = yield from hash_inputs(file.path for file in files)
    split = options.split
    place = Place.of(source, inputs, f"prep{split.stretch}", options.out, options.force, options.dry_run)
    place.require_room(0 if split.stretch else sum(2 * file.frames * file.format.channels for file in files))
    outcome = yield from _delivered(_Order(given, files, options, place, kept(place.found, given)))
    return replace(outcome, warnings=(*told, *outcome.warnings))


def _delivered(order: _Order) -> Workflow[Outcome[Delivery]]:
    options, place, found = order.options, order.place, order.place.found
    plan = beside.planned(order.given).song if order.given else None
    heard = [options.given, options.split.stretch, options.split.preview_s, order.known.stated.song, plan]
    song_key = manifest.key("song", [place.inputs, place.source.resolve().name, *heard])
    recorded = found.done("song", song_key) if found else None
    song: Song = serial.build(Song, recorded.result) if recorded else (yield from _measured(order))
    guides.marked(song, order.folder, options.guides.markers)  # told before the work
    engines = {}
    done = found and not order.given and separation.is_done(found, place.inputs, _without_tags(song), options.split)
    if not (order.given or options.dry_run or done):
        engines = yield from separation.ready(options.split)
    name = facts.folder_name(song) + options.split.stretch
    packages = manifest.package_versions("numpy", "soundfile", "soxr", "pyaaf2", "mido", "lxml")
    places = ("out", "force", "dry_run", "guides")
    asked = {option: value for option, value in serial.plain(options).items() if option not in places}
    run = place.open(name, packages, asked)
    run.plan.append(Planned("song", "done before" if recorded else "run"))
    if not (options.dry_run or recorded):
        run.ledger.record("song", song_key, (), song)
    try:
        return (yield from _steps(order, run, song, engines))
    except DryRunEnds:
        rest = tuple(Planned(step, "run") for step in STEPS[len(run.plan) :])
        return Outcome((), Delivery(place.parent / name, song, (*run.plan, *rest), False))


def _measured(order: _Order) -> Workflow[Song]:
    """The song of a mix, or of the stretch of it that is wanted; of given stems; or as the user edited it."""
    options, file = order.options, order.files[0]
    noted = facts.taken(order.known.stated, options.given)
    said = facts.with_given(noted.song, options.given)
    bpm, key = said.bpm.value if said.bpm else None, said.key.value if said.key else None
    asked = replace(options.given, bpm=bpm, key=key)
    if noted.is_record:
        song = noted.song
    elif order.given:
        song = yield from facts.song_of(order.given, asked)
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


def _stems(order: _Order, run: Run, song: Song, engines: Mapping[str, Engine]) -> Workflow[Step]:
    """The step that takes the stems over, or splits the mix."""
    if given := order.given:
        parts = stems.take_parts(order.place.inputs, given, song)
        return (yield from run.step("stems", parts, lambda: stems.take(given, song, run.ledger.folder)))
    (mix,), how, named = order.files, order.options.split, _without_tags(song)
    parts = separation.parts(order.place.inputs, named, how)
    return (yield from run.step("stems", parts, lambda: splitting.split(mix, named, how, run.ledger.folder, engines)))


def _steps(order: _Order, run: Run, song: Song, engines: Mapping[str, Engine]) -> Workflow[Outcome[Delivery]]:
    options, known, ledger, folder = order.options, order.known, run.ledger, run.ledger.folder
    made = yield from _stems(order, run, song, engines)
    certain = facts.certain(song)
    tag_parts = [made.key, deliver.tag_facts(certain, options.acid)]
    tagged = yield from run.step("tags", tag_parts, lambda: deliver.tag(made, certain, ledger, options.acid))

    stem_set = stated.spoken_of(deliver.stem_set(folder, made, song), known.stated)
    stem_set = facts.with_effects(stem_set, options.effects)
    listed = guides.listed(ledger, order.folder, options.guides.markers)
    guided_parts = [made.key, song, listed.digest, options.guides.click, options.guides.count_in]
    guided = yield from run.step("guides", guided_parts, lambda: guides.make(stem_set, folder, listed, options.guides))
    guided_set = guides.with_guides(stem_set, guided)

    clicks = [entry for entry in guided.outputs if entry.kind == "click"]
    audited_parts = [made.key, tagged.key, clicks, audit.load_profile(options.profile)]
    audited = yield from run.step("audit", audited_parts, lambda: deliver.audit_step(guided_set, made, options.profile))
    findings: tuple[Finding, ...] = serial.build(tuple[Finding, ...], audited.result["findings"])
    guided_set = facts.with_levels(guided_set, audited.result["levels"])
    song, base = guided_set.song, folder / folder.name

    layout = resources.load("sessions", options.layout)
    own = options.of_formats(replace_media=True)
    wanted = deliver.Wanted(options.to, options.layout, options.fps, options=own)
    session_parts = [tagged.key, guided.key, song, wanted, layout, record(stem_set, known).stems, str(folder.resolve())]
    arranged = replace(guided_set, song=facts.certain(song))
    sessions = yield from run.step("sessions", session_parts, lambda: deliver.sessions_step(arranged, base, wanted))
    losses = serial.build(Losses, sessions.result["losses"])

    done = (*made.result["done"], *filter(None, (guided.result["click"],)))
    form = NotesForm(options.notes, options.pdf)
    separated = serial.build(SeparationFacts | None, made.result["separation"])
    noted = NotesFacts(guided_set, findings, separated, losses, done, record(guided_set, known), deliver.contact())
    notes_parts = [audited.key, sessions.key, form, deliver.notes_text(form.template), noted.contact, noted.stated]
    written = yield from run.step("notes", notes_parts, lambda: deliver.notes(noted, base, form, known))
    yield Progress("done", 1, 1)
    outputs = run.finish(made, guided, sessions, written)
    result = Delivery(
        folder,
        song,
        tuple(run.plan),
        True,
        tuple(stem.name for stem in stem_set.stems),
        findings,
        losses,
        separated,
        serial.build(tuple[Verified, ...], sessions.result.get("verified", ())),
        tuple(sessions.result.get("told", ())),
    )
    taken = made.result["done"] if order.given else ()
    warnings = (*made.result["warnings"], *taken, *guided.result["warnings"], *sessions.result["warnings"])
    return Outcome(outputs, result, (*warnings, *_told(order, run, song)), run.done)


def _told(order: _Order, run: Run, song: Song) -> Iterator[str]:
    """What the user should know beside what the steps tell."""
    for path in run.set_aside:
        yield f"you had changed a file that was made anew; yours is now {path.name}"
    found, folder = order.place.found, run.ledger.folder
    if found and found.folder.name != folder.name:
        yield f"the delivery {found.folder.name} is called {folder.name} now"
    if order.given and order.given.subfolders:
        names = ", ".join(path.name for path in order.given.subfolders)
        yield f"audio in these subfolders was not taken: {names}"
    yield from facts.told_by_stems(order.given, song) if order.given else facts.told_by_tags(order.files, song)
    yield from facts.doubts(song, order.options.given.bpm_range)


def _check_names(options: PrepOptions) -> None:
    """A name that does not exist is told before minutes of work, not after."""
    formats.require(options.to)
    audit.load_profile(options.profile)
    resources.load("sessions", options.layout)
    NotesForm(options.notes, options.pdf).check()
    deliver.contact()
