"""Session formats: one module per format, found here; what a format has no place for is told, never dropped silently.

A format module has

- `NAME`, as people call it, and `SUFFIXES`, the first one being the default;
- `EXPRESSES`, the names of `FIELDS` it can hold, and `OPTIONS`, the names of the options it takes;
- `MIXED_RATES = True` when its DAW converts files of another rate than the session's while it plays them;
- `write(session, path, options) -> Written`: writes `path` atomically, refers to media relative to it where the
  format can, and returns the media files it made and losses that `EXPRESSES` cannot tell (a rounded value);
- `place(path) -> Path`, when its sessions lie in a folder of their own;
- `read(path, roots) -> Opened`, where the format can be read: `roots` are the folders in which its media may lie, see
  `session.media`. It never follows a path out of them, runs nothing and survives any bytes with a StemwrightError.

Nothing written depends on the clock or on chance: the same session gives the same ids and times, see `stable_id`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from stemwright.errors import InputError, SessionError, UnknownName
from stemwright.model import Clip, Loss, Marker, Output, Session, Track
from stemwright.registry import discover
from stemwright.safety import readable

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
    strangers = {
        clip.file.path.name
        for track in session.tracks
        for clip in track.clips
        if clip.file.format.sample_rate != session.sample_rate
    }
    if strangers and not getattr(module, "MIXED_RATES", "audio" not in module.EXPRESSES):
        raise SessionError(
            f"{module.NAME} cannot hold files of another rate than the session's: {', '.join(sorted(strangers))}",
            f"bounce them again at {session.sample_rate} Hz, or write a REAPER project, which converts on playback",
        )
    path = placed(name, path)
    more: Written = module.write(session, path, options)
    return Written((Output(path, "session", name), *more.outputs), (*losses(session, module), *more.losses))


def placed(name: str, path: Path) -> Path:
    """Where a session called `path` is written: with the format's suffix, in a folder of its own if it needs one."""
    module = formats()[name]
    if path.suffix.lower() not in module.SUFFIXES:
        path = path.with_name(path.name + module.SUFFIXES[0])
    own: Path = module.place(path) if hasattr(module, "place") else path
    return own


def format_of(path: Path, among: Callable[[], dict[str, ModuleType]]) -> tuple[str, ModuleType]:
    """Which of `formats` or `readers` a suffix names, and its module. Raises UnknownName."""
    known = {suffix: (name, module) for name, module in among().items() for suffix in module.SUFFIXES}
    if path.suffix.lower() not in known:
        raise UnknownName(f"{path}: names no session format", f"known: {', '.join(known)}", path.suffix, known)
    return known[path.suffix.lower()]


def read_session(path: Path, *roots: Path) -> Opened:
    """Read a session in the format that its suffix names; media are looked up beside it and in `roots` only.

    Raises NotFoundInput, InputError for what is no session or too large to be one, SessionError for a damaged one.
    """
    known = {suffix: module for module in readers().values() for suffix in module.SUFFIXES}
    module = known.get(path.suffix.lower())
    if module is None:
        raise InputError(f"{path}: is no session that can be read", f"known: {', '.join(known)}")
    try:
        length = path.stat().st_size
    except OSError as error:
        raise readable(error, path) from error
    most: int = getattr(module, "MOST_BYTES", MOST_BYTES)
    if not path.is_file() or length > most:
        raise InputError(f"{path}: is no file of at most {most >> 20} MiB", "is it really a session?")
    opened: Opened = module.read(path, (path.absolute().parent, *roots))
    return opened


def losses(session: Session, module: ModuleType) -> tuple[Loss, ...]:
    """One loss for every field that the session uses and the format does not express; its subjects are listed."""
    found = []
    for field, (phrase, subjects) in FIELDS.items():
        names = list(dict.fromkeys(subjects(session))) if field not in module.EXPRESSES else []
        if names:
            found.append(Loss(", ".join(names), field, f"{module.NAME} has no place for {phrase}"))
    return tuple(found)


def stable_id(session: Session, *parts: object) -> uuid.UUID:
    """The id of a part of a session, the same whenever the session is written."""
    whole = (session.song.artist, session.song.title, session.sample_rate, session.frames, *parts)
    return uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, whole)))


def _song(used: Callable[[Session], object]) -> Callable[[Session], Iterator[str]]:
    return lambda session: (name for name in ("song",) if used(session))


def _tracks(used: Callable[[Track], object]) -> Callable[[Session], Iterator[str]]:
    return lambda session: (track.name for track in session.tracks if used(track))


def _clips(used: Callable[[Clip], object]) -> Callable[[Session], Iterator[str]]:
    return _tracks(lambda track: any(used(clip) for clip in track.clips))


def _markers(used: Callable[[Marker], object]) -> Callable[[Session], Iterator[str]]:
    return lambda session: (marker.name for marker in session.markers if used(marker))


FIELDS: dict[str, tuple[str, Callable[[Session], Iterator[str]]]] = {
    # field: (what it is called, the names of what uses it in a session)
    "tempo": ("the tempo", _song(lambda s: s.song.bpm)),
    "tempo_map": ("tempo changes", _song(lambda s: s.song.tempo_map)),
    "meter": ("the metre", _song(lambda s: any((m.numerator, m.denominator) != (4, 4) for m in s.song.meter_map))),
    "key": ("the key", _song(lambda s: s.song.key)),
    "markers": ("markers", _markers(lambda m: not m.length)),
    "regions": ("regions", _markers(lambda m: m.length)),
    "marker_colours": ("colours of markers", _markers(lambda m: m.colour)),
    "groups": ("group tracks", _tracks(lambda t: t.is_group)),
    "colours": ("colours", _tracks(lambda t: t.colour)),
    "gain": ("track gain", _tracks(lambda t: t.gain_db)),
    "pan": ("panning", _tracks(lambda t: t.pan)),
    "mute": ("muted tracks", _tracks(lambda t: t.mute)),
    "solo": ("soloed tracks", _tracks(lambda t: t.solo)),
    "clip_gain": ("clip gain", _clips(lambda c: c.gain_db)),
    "fades": ("fades", _clips(lambda c: c.fade_in or c.fade_out)),
    "comments": ("track comments", _tracks(lambda t: t.comment)),
    "notes": ("session notes", _song(lambda s: s.notes)),
    "start_timecode": ("the timecode of the session start", _song(lambda s: s.start_frame)),
    "audio": ("audio", _tracks(lambda t: t.clips)),
}
"""What a session can hold; the vocabulary of `EXPRESSES`."""
