"""convert: a session of one DAW as one of another."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright.errors import AlreadyThere, NotFoundInput
from stemwright.model import Loss, Outcome, Output, Progress, Workflow
from stemwright.safety import check_free, tidy
from stemwright.session.formats import format_of, formats, placed, read_session, readers, write_session
from stemwright.session.unpacked import kept
from stemwright.units import listed

_HINT = "name the folder that holds them with --media DIR"


@dataclass(frozen=True, slots=True)
class Converted:
    """A session that was converted, or would be."""

    source: Path
    target: Path
    tracks: int
    markers: int
    losses: tuple[Loss, ...] = ()
    missing: tuple[str, ...] = ()
    """Names of media that are not there, and that the target names as `source` does."""


def convert(
    source: Path, target: Path, media: tuple[Path, ...] = (), *, force: bool = False, dry_run: bool = False
) -> Workflow[Outcome[Converted]]:
    """Read `source` and write `target`; their suffixes name the formats. Media lie beside `source` or in `media`.

    Those that lie inside `source` go into a folder beside `target`, unless it holds or copies media, too. Raises
    UnknownName for a suffix of no format, AlreadyThere, InputError and SessionError for what cannot be read, and for
    missing media that `target` would hold or copy, OutputError for what cannot be written.
    """
    format_of(source, readers)
    name, module = format_of(target, formats)
    target = placed(name, target)
    if target.exists() and source.exists() and target.samefile(source):
        raise AlreadyThere(f"{target}: is the session to be read", "give the new one another name")
    check_free(target, force=force)
    yield Progress("read", 0, 2, "files")
    opened = read_session(source, *media)
    session = opened.session
    tracks = sum(not track.is_group for track in session.tracks) if "audio" in module.EXPRESSES else 0
    absent = dict.fromkeys(file.path.name for file in session.files if not file.bytes)
    missing = tuple(absent) if "audio" in module.EXPRESSES else ()
    said = f"media are missing: {listed(missing)}"
    copies = getattr(module, "COPIES_MEDIA", False)
    if missing and copies:
        raise NotFoundInput(f"{source}: {said}", _HINT)
    told = (*((f"{said}: {_HINT}",) if missing else ()), *opened.warnings)
    result = Converted(source, target, tracks, len(session.markers), missing=missing)
    if dry_run:
        return Outcome((), result, told)
    yield Progress("write", 1, 2, "files")
    folder = target.parent / f"{target.stem} Media"
    holding = nullcontext((session, ())) if copies else kept(session, folder, force=force)
    with tidy(target.parent), holding as (held, media_files):
        written = write_session(name, held, target)
    outputs = (*written.outputs, *(Output(path, "media", name) for path in media_files))
    result = replace(result, losses=written.losses)
    lost = (written.told,) if written.told else ()
    return Outcome(outputs, result, (*told, *lost))
