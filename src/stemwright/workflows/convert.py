"""convert: a session of one DAW as one of another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import AlreadyThere
from stemwright.model import Loss, Outcome, Progress
from stemwright.session.formats import format_of, formats, read_session, readers, write_session
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class Converted:
    """A session that was converted, or would be."""

    source: Path
    target: Path
    tracks: int
    markers: int
    losses: tuple[Loss, ...] = ()


def convert(
    source: Path, target: Path, media: tuple[Path, ...] = (), *, force: bool = False, dry_run: bool = False
) -> Workflow[Outcome[Converted]]:
    """Read `source` and write `target`; their suffixes name the formats. Media lie beside `source` or in `media`.

    Raises UnknownName for a suffix of no format, AlreadyThere, InputError and SessionError for what cannot be read,
    OutputError for what cannot be written.
    """
    format_of(source, readers)
    name, _ = format_of(target, formats)
    if target.exists() and source.exists() and target.samefile(source):
        raise AlreadyThere(f"{target}: is the session to be read", "give the new one another name")
    if target.exists() and not force:
        raise AlreadyThere(f"{target}: is there already", "give --force to replace it, or another name")
    yield Progress("read", 0, 2, "files")
    opened = read_session(source, *media)
    session = opened.session
    tracks = sum(not track.is_group for track in session.tracks)
    if dry_run:
        return Outcome((), Converted(source, target, tracks, len(session.markers)), opened.warnings)
    yield Progress("write", 1, 2, "files")
    written = write_session(name, session, target)
    result = Converted(source, target, tracks, len(session.markers), written.losses)
    lost = (f"{target.name}: {loss.subject}: {loss.field} {loss.reason}" for loss in written.losses)
    return Outcome(written.outputs, result, (*opened.warnings, *lost))
