"""session: DAW sessions for a folder of stems."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from stemwright.audio.folder import read_stems
from stemwright.errors import AlreadyThere, SessionError
from stemwright.model import Loss, Outcome, Output, Session, Song
from stemwright.safety import readable, write_bytes
from stemwright.session import formats
from stemwright.session.arrange import arrange
from stemwright.session.fill import fill_reaper
from stemwright.session.verify import Verified
from stemwright.workflows import deliver, facts
from stemwright.workflows.facts import Given
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a user can ask of `session`."""

    to: tuple[str, ...] = ("reaper", "aaf", "midi")
    embed: bool = False
    layout: str = "mix-engineer"
    given: Given = field(default_factory=Given)
    out: Path | None = None
    force: bool = False
    dry_run: bool = False
    verify: bool = False
    """Prove each session after writing it."""
    mixed_rates: bool = False
    """Let files of another rate in, for DAWs that convert on playback."""
    template: Path | None = None
    """The user's own REAPER project, into which the stems go instead."""
    mapping: tuple[tuple[str, str], ...] = ()
    """(stem, track of the template), by name."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that were built, or would be."""

    song: Song
    planned: tuple[Path, ...]
    losses: tuple[tuple[str, tuple[Loss, ...]], ...] = ()
    verified: tuple[Verified, ...] = ()


def build_sessions(folder: Path, options: SessionOptions) -> Workflow[Outcome[Sessions]]:
    """Write one session per format beside the stems. Raises SessionError, AlreadyThere, InputError, OutputError."""
    if options.template and options.to != ("reaper",):
        raise SessionError("a template can be filled for REAPER only", "give --to reaper with --template")
    formats.require(options.to)
    stems = read_stems(folder)
    if stems.unreadable:
        bad = stems.unreadable[0]
        raise SessionError(
            f"{bad.path}: {bad.reason}", "mend or remove it first; `stemwright audit` lists all that is wrong"
        )
    song = yield from facts.song_of(stems, options.given)
    stems = replace(stems, song=song)
    arranged = arrange(stems, options.layout, mixed_rates=options.mixed_rates)
    base = (options.out or folder) / folder.resolve().name
    planned = tuple(formats.placed(name, base) for name in options.to)
    for path in planned:
        if path.exists() and not options.force:
            raise AlreadyThere(f"{path}: is there already", "give --force to replace it, or another --out")
    if options.dry_run:
        return Outcome((), Sessions(song, planned))
    if options.template:
        return _filled(options.template, arranged, planned[0], song, dict(options.mapping))
    outputs, result = yield from deliver.sessions(
        stems,
        base,
        options.to,
        options.layout,
        embed=options.embed,
        replace_media=options.force,
        verify=options.verify,
        mixed_rates=options.mixed_rates,
    )
    made = Sessions(song, planned, tuple(result["losses"]), tuple(result["verified"]))
    return Outcome(tuple(outputs), made, _lost(result["losses"]))


def _filled(template: Path, session: Session, path: Path, song: Song, mapping: dict[str, str]) -> Outcome[Sessions]:
    """The template with the stems in it, written to `path`; what found no place is a warning."""
    try:
        own = template.read_bytes()
    except OSError as error:
        raise readable(error, template) from error
    filled = fill_reaper(own, session, path.parent, mapping)
    write_bytes(path, filled.data)
    told = [f"no track of {template.name} took {stem}: name one with --map {stem!r}=TRACK" for stem in filled.unmatched]
    told += [f"the track {track} got no stem" for track in filled.unfilled]
    return Outcome((Output(path, "session", "reaper"),), Sessions(song, (path,)), tuple(told))


def _lost(losses: list[tuple[str, tuple[Loss, ...]]]) -> tuple[str, ...]:
    return tuple(f"{name}: {loss.subject}: {loss.field} {loss.reason}" for name, found in losses for loss in found)
