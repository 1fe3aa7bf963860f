"""session: DAW sessions for a folder of stems."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from stemwright.audio.folder import read_stems
from stemwright.errors import AlreadyThere, SessionError
from stemwright.model import Loss, Outcome, Song
from stemwright.session import formats
from stemwright.session.arrange import arrange
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


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that were built, or would be."""

    song: Song
    planned: tuple[Path, ...]
    losses: tuple[tuple[str, tuple[Loss, ...]], ...] = ()


def build_sessions(folder: Path, options: SessionOptions) -> Workflow[Outcome[Sessions]]:
    """Write one session per format beside the stems. Raises SessionError, AlreadyThere, InputError, OutputError."""
    formats.require(options.to)
    stems = read_stems(folder)
    if stems.unreadable:
        bad = stems.unreadable[0]
        raise SessionError(
            f"{bad.path}: {bad.reason}", "mend or remove it first; `stemwright audit` lists all that is wrong"
        )
    song = yield from facts.song_of(stems, options.given)
    stems = replace(stems, song=song)
    arrange(stems, options.layout)
    base = (options.out or folder) / folder.resolve().name
    planned = tuple(deliver.session_path(base, name) for name in options.to)
    for path in planned:
        if path.exists() and not options.force:
            raise AlreadyThere(f"{path}: is there already", "give --force to replace it, or another --out")
    if options.dry_run:
        return Outcome((), Sessions(song, planned))
    outputs, result = yield from deliver.sessions(
        stems, base, options.to, options.layout, embed=options.embed, replace_media=options.force
    )
    return Outcome(tuple(outputs), Sessions(song, planned, tuple(result["losses"])), _lost(result["losses"]))


def _lost(losses: list[tuple[str, tuple[Loss, ...]]]) -> tuple[str, ...]:
    return tuple(f"{name}: {loss.subject}: {loss.field} {loss.reason}" for name, found in losses for loss in found)
