"""session: DAW sessions for a folder of stems."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stemwright.audio.folder import read_stems, require_readable
from stemwright.audio.probe import require_whole
from stemwright.errors import SessionError
from stemwright.model import Outcome, Output, Session, Song, StemSet, Workflow
from stemwright.safety import check_free, require_room, tidy
from stemwright.session import formats
from stemwright.session.arrange import arrange
from stemwright.session.filling.proof import prove_filled
from stemwright.session.filling.rules import mapping, rules_for
from stemwright.session.layout import load_layout
from stemwright.session.unpacked import is_unpacked
from stemwright.session.verify import Verified
from stemwright.workflows import deliver, facts, guides
from stemwright.workflows.deliver import CommonOptions, Losses


@dataclass(frozen=True, slots=True)
class SessionOptions(CommonOptions):
    """What a user can ask of `session`."""

    to: tuple[str, ...] | None = None
    """Session formats; None means that of the template, or else the usual ones."""
    verify: bool = False
    """Prove each session after writing it."""
    mixed_rates: bool = False
    """Let files of another rate in, for DAWs that convert on playback."""
    template: Path | None = None
    """The user's own project, into a copy of which the stems go instead."""
    mapping: tuple[tuple[str, str], ...] = ()
    """(stem, track of the template), by name."""
    rules: Path | None = None
    """The file of `session.filling.rules`; that beside the template unless one is named."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that were built, or would be."""

    song: Song
    planned: tuple[Path, ...]
    losses: Losses = ()
    verified: tuple[Verified, ...] = ()
    placed: tuple[tuple[str, str], ...] = ()
    """(stem, track of the template that took it)."""


def whole_stems(folder: Path) -> StemSet:
    """The stems of a folder. Raises InputError for one that cannot be read, DamagedAudio for one cut short."""
    stems = read_stems(folder)
    require_readable(stems)
    for stem in stems.everything:
        require_whole(stem.file)
    return stems


def build_sessions(folder: Path, options: SessionOptions) -> Workflow[Outcome[Sessions]]:
    """Write one session per format beside the stems.

    Raises SessionError, AlreadyThere, InputError, OutputError; before anything is measured DamagedAudio for a stem
    that is cut short and UnknownName for a layout that there is not.
    """
    to = _formats(options)
    formats.require(to)
    load_layout(options.layout)  # what is wrong is told before anything is measured
    stems = whole_stems(folder)
    base = (options.out or folder) / folder.resolve().name
    planned = tuple(formats.placed(name, base) for name in to)
    for path in planned:
        check_free(path, force=options.force)
    if not options.dry_run:
        require_room(base.parent)
    song = yield from facts.song_of(stems, options.given)
    song, told = guides.marked(song, folder, options.guides.markers, stems)
    told = (*told, *facts.told_by_stems(stems, song), *facts.doubts(song, options.given.bpm_range))
    stems = replace(stems, song=facts.certain(song))
    clicks: list[Output] = []
    if options.guides.click and not options.dry_run:
        clicks, _, short = guides.add_click(stems, base.parent, options.guides.count_in)
        stems, told = guides.with_click(stems, clicks), (*told, *short)
    arranged = arrange(stems, options.layout, mixed_rates=options.mixed_rates, frame_rate=options.fps)
    if options.template and options.dry_run:
        with TemporaryDirectory(prefix="stemwright-") as scratch:  # a trial that nobody keeps
            trial = replace(options, verify=False)
            tried = _filled(options.template, trial, arranged, Path(scratch) / planned[0].name)
        result = replace(tried.result, planned=planned)
        return replace(tried, outputs=(), result=result, warnings=(*told, *tried.warnings))
    if options.template:
        with tidy(planned[0].parent):
            filled = _filled(options.template, options, arranged, planned[0])
        return replace(filled, outputs=(*filled.outputs, *clicks), warnings=(*told, *filled.warnings))
    if options.dry_run:
        return Outcome((), Sessions(song, planned))
    own = options.of_formats(replace_media=options.force)
    wanted = deliver.Wanted(to, options.layout, options.fps, options.mixed_rates, options.verify, own)
    outputs, result = yield from deliver.sessions(stems, base, wanted)
    made = Sessions(song, planned, tuple(result["losses"]), tuple(result["verified"]))
    return Outcome((*outputs, *clicks), made, (*told, *result["told"]))


def _formats(options: SessionOptions) -> tuple[str, ...]:
    if not options.template:
        return deliver.FORMATS if options.to is None else options.to
    form, module = formats.format_of(options.template, formats.fillers)
    if options.to not in (None, (form,)):
        raise SessionError(
            f"{options.template.name} is a {module.NAME} template, which cannot become {', '.join(options.to or ())}",
            f"leave --to away, or give --to {form}",
        )
    return (form,)


def _left_behind(template: Path, path: Path) -> Iterator[str]:
    """A warning when the template has media of its own, which are named as seen from its folder."""
    if path.parent.resolve() == template.parent.resolve():
        return
    own = formats.read_session(template).session
    files = {file.path.name for file in own.files if not is_unpacked(file)}
    if files:
        named = f"{template.name} holds clips of {len(files)} files of its own"
        yield f"{named}, which are named as seen from its folder: give that as --out, or move them along"


def _filled(template: Path, options: SessionOptions, session: Session, path: Path) -> Outcome[Sessions]:
    """The template with the stems in it, written to `path`; what found no place is a warning."""
    tracks = mapping(rules_for(template, options.rules), session.tracks, dict(options.mapping))
    filled = formats.fill_template(template, session, path, tracks)
    verified = (prove_filled(path, session, filled),) if options.verify else ()
    mixes = [track.name for track in session.tracks if track.role == "mix"]
    lost = {
        stem: f"{stem} went onto no track of {template.name}: {why}; name one with --map {shlex.quote(stem)}=TRACK"
        for stem, why in filled.unmatched.items()
    }
    told = [said for stem, said in lost.items() if stem in mixes]  # templates need no track for the reference
    told += [f"the track {track} got no stem" for track in filled.unfilled]
    told += [
        *_left_behind(template, path),
        *filled.warnings,
        *(warning for found in verified for warning in found.warnings),
    ]
    made = Sessions(session.song, (path,), verified=verified, placed=filled.placed)
    failed = tuple(said for stem, said in lost.items() if stem not in mixes)
    return Outcome(filled.outputs, made, tuple(told), failed=failed)
