"""Session formats: one module or package each, found here; what one has no place for is told, never dropped silently.

What does not read is no format, as `xml`, which several use. A format has

- `NAME`, as people call it, and `SUFFIXES`, the first one being the default;
- `EXPRESSES`, the names of `session.fields.FIELDS` it can hold, and `OPTIONS`, the names of the options it takes;
- `PROVED`, how written files were proved and what never was, in one sentence for the README;
- `PAN_LAW`, a `session.render.Law`, when its DAW pans or fades in another way than `session.render.balance`;
- `MIXED_RATES = True` when its DAW converts files of another rate than the session's while it plays them;
- `COPIES_MEDIA = True` when it copies the audio, so that a session needs its media no longer than it is written;
- `write(session, path, options) -> Written`, where the format can be written: writes `path` atomically, refers to media
  relative to it where the format can, and returns the media files it made and losses that `EXPRESSES` cannot tell (a
  rounded value);
- `held(session) -> Session`, when it holds some values only nearly (colours of a palette): the session that remains;
- `FOLDER`, how the folder that its sessions want of their own is called after them, as `{} Project`;
- `read(path, roots) -> Opened`: `roots` says where its media may lie, see `session.media`. It never follows a path out
  of them, runs nothing and survives any bytes with a StemwrightError;
- `fill(template, session, path, mapping) -> Filled`, where the user's own project can be filled: writes the project
  `template` with the stems that `filling.match` gives to its tracks to `path`, atomically, all else as it was, and
  returns what `filling.match.filled` makes of it, with the media files it wrote beside `path` as outputs.

Nothing written depends on the clock or on chance: the same session gives the same ids and times, see `stable_id`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from stemwright.errors import InputError, OutputError, SessionError, UnknownName
from stemwright.model import Clip, Loss, Output, Session, Track
from stemwright.registry import discover
from stemwright.safety import reading
from stemwright.session.fields import in_short, losses
from stemwright.session.filling.match import Filled
from stemwright.session.media import Roots

STAMP = datetime(2000, 1, 1)
"""The time of creation that sessions carry, so that building one again gives the same bytes."""

MOST_BYTES = 256 << 20
"""No session file that refers to its media is larger; a format that can hold audio says its own `MOST_BYTES`."""

_NAMESPACE = uuid.UUID("6f0b7c36-6a3c-5a0e-9d53-0d2f5a3c7e11")


@dataclass(frozen=True, slots=True)
class Written:
    """Files that were written and what they could not hold."""

    outputs: tuple[Output, ...] = ()
    losses: tuple[Loss, ...] = ()
    told: str = ""
    """The losses in one line for people; "" for none that anyone need be told of."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was read, and what of the file is missing or could not be understood."""

    session: Session
    warnings: tuple[str, ...] = ()


def formats() -> dict[str, ModuleType]:
    """Every session format that can be written, by the name of its module."""
    return {name: module for name, module in _every().items() if hasattr(module, "write")}


def readers() -> dict[str, ModuleType]:
    """Every session format that can be read, by the name of its module."""
    return {name: module for name, module in _every().items() if hasattr(module, "read")}


def fillers() -> dict[str, ModuleType]:
    """Every session format of which the user's own project can be filled, by the name of its module."""
    return {name: module for name, module in _every().items() if hasattr(module, "fill")}


def _every() -> dict[str, ModuleType]:
    return discover("stemwright.session.formats")


def require(names: tuple[str, ...]) -> None:
    """Raise UnknownName for a format that does not exist, or when none is named."""
    known = formats()
    strange = next((name for name in names if name not in known), "")
    if strange or not names:
        what = f"there is no session format {strange!r}" if strange else "no session format is named"
        raise UnknownName(what, f"known: {', '.join(known)}", strange, known)


def write_session(name: str, session: Session, path: Path, **options: Any) -> Written:
    """Write a session in one format, where `placed` says.

    An existing file is replaced: asking first is the workflow's business. Raises UnknownName, SessionError for an
    unknown option and for what the format cannot hold at all, OutputError and DiskFull for what the file system
    refuses.
    """
    require((name,))
    module = formats()[name]
    strange = sorted(options.keys() - module.OPTIONS)
    if strange:
        raise SessionError(
            f"{module.NAME} takes no option {strange[0]!r}", f"it takes: {', '.join(sorted(module.OPTIONS)) or 'none'}"
        )
    _one_rate(session, module)
    if "groups" in module.EXPRESSES:
        session = replace(session, tracks=tuple(nested(session.tracks)))
    path = placed(name, path)
    more: Written = module.write(session, path, options)
    lost = (*losses(session, module), *more.losses)
    return Written(
        (Output(path, "session", name), *more.outputs), lost, in_short(path.name, session, module, more.losses)
    )


def nested(tracks: tuple[Track, ...]) -> list[Track]:
    """The tracks in order, each group followed by its own. Raises SessionError for groups that no track can be in."""
    members: dict[str | None, list[Track]] = {}
    for track in reversed(tracks):
        members.setdefault(track.group, []).append(track)
    waiting, ordered = members.pop(None, []), []
    while waiting:
        ordered.append(track := waiting.pop())
        waiting += members.pop(track.name, []) if track.is_group else []
    if members:
        names = ", ".join(sorted(filter(None, members)))
        raise SessionError(f"no group, or inside itself: {names}", "mend the groups of this session")
    return ordered


def folders(tracks: Sequence[Track]) -> Iterator[tuple[Track, int]]:
    """Nested tracks with how many levels of folders each opens, +1, or closes behind itself, -1, -2, ..."""
    depths: dict[str | None, int] = {None: -1}
    for track in tracks:
        depths[track.name] = depths[track.group] + 1
    following = (*(depths[track.name] for track in tracks[1:]), 0)
    for track, depth in zip(tracks, following, strict=False):
        yield track, depth - depths[track.name]


def in_a_row(track: Track, where: str) -> Iterator[tuple[int, Clip]]:
    """The clips of a track in order, each with the frames of silence before it.

    Raises SessionError for clips that overlap, which `where` cannot hold.
    """
    end = 0
    for clip in sorted(track.clips, key=lambda clip: clip.at):
        if clip.at < end:
            raise SessionError(f"{track.name}: clips overlap, which {where} cannot hold", "use two tracks")
        yield clip.at - end, clip
        end = clip.end


def _one_rate(session: Session, module: ModuleType) -> None:
    strangers = {file.path.name for file in session.files if file.format.sample_rate != session.sample_rate}
    if strangers and not getattr(module, "MIXED_RATES", "audio" not in module.EXPRESSES):
        raise SessionError(
            f"{module.NAME} cannot hold files of another rate than the session's: {', '.join(sorted(strangers))}",
            f"bounce them again at {session.sample_rate} Hz, or write a REAPER project, which converts on playback",
        )


def fill_template(template: Path, session: Session, path: Path, mapping: Mapping[str, str]) -> Filled:
    """Fill the user's own project, in the format that its suffix names, as `path`; `mapping` as `match` takes it.

    An existing `path` is replaced, but never the template. Raises UnknownName for another suffix and what `match`
    raises, NotFoundInput, InputError and SessionError for a template that is none, OutputError and DiskFull.
    """
    name, module = format_of(template, fillers)
    _check_size(template, module)
    if path.exists() and path.samefile(template):
        raise OutputError(f"{path}: is the template itself, which is never changed", "give another --out")
    _one_rate(session, module)
    done: Filled = module.fill(template, session, path, mapping)
    return replace(done, outputs=(Output(path, "session", name), *done.outputs))


def placed(name: str, path: Path) -> Path:
    """Where a session called `path` is written: with the format's suffix, in a folder of its own if it needs one."""
    module = formats()[name]
    if path.suffix.lower() not in module.SUFFIXES:
        path = path.with_name(path.name + module.SUFFIXES[0])
    folder = module.FOLDER.format(path.stem) if hasattr(module, "FOLDER") else path.parent.name
    return path if path.parent.name == folder else path.parent / folder / path.name


def format_of(path: Path, among: Callable[[], dict[str, ModuleType]]) -> tuple[str, ModuleType]:
    """Which of `formats`, `readers` or `fillers` a suffix names, and its module. Raises UnknownName."""
    known = {suffix: (name, module) for name, module in among().items() for suffix in module.SUFFIXES}
    if path.suffix.lower() not in known:
        raise UnknownName(f"{path}: names no session format", f"known: {', '.join(known)}", path.suffix, known)
    return known[path.suffix.lower()]


def read_session(path: Path, *roots: Path, search: bool = True) -> Opened:
    """Read a session in the format that its suffix names; media must lie beside it or in `roots`.

    With `search` they are looked for there by their names, too, else only where the session says.

    Raises UnknownName for another suffix, NotFoundInput, InputError for what is no session or too large to be one,
    SessionError for a damaged one.
    """
    _, module = format_of(path, readers)
    _check_size(path, module)
    opened: Opened = module.read(path, Roots(path.absolute().parent, roots, search))
    return opened


def _check_size(path: Path, module: ModuleType) -> None:
    with reading(path):
        length = path.stat().st_size
    most: int = getattr(module, "MOST_BYTES", MOST_BYTES)
    if not path.is_file() or length > most:
        raise InputError(f"{path}: is no file of at most {most >> 20} MiB", "is it really a session?")


def stable_id(session: Session, *parts: object) -> uuid.UUID:
    """The id of a part of a session, the same whenever the session is written."""
    whole = (session.song.artist, session.song.title, session.sample_rate, session.frames, *parts)
    return uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, whole)))
