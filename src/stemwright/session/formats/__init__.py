"""Session formats: one module per format, found here; what a format has no place for is told, never dropped silently.

A format module has

- `NAME`, as people call it, and `SUFFIXES`, the first one being the default;
- `EXPRESSES`, the names of `FIELDS` it can hold, and `OPTIONS`, the names of the options it takes;
- `PROVED`, how written files were proved and what never was, in one sentence for the README;
- `PAN_LAW`, a `session.render.Law`, when its DAW pans or fades in another way than `session.render.balance`;
- `MIXED_RATES = True` when its DAW converts files of another rate than the session's while it plays them;
- `COPIES_MEDIA = True` when it copies the audio, so that a session needs its media no longer than it is written;
- `write(session, path, options) -> Written`: writes `path` atomically, refers to media relative to it where the
  format can, and returns the media files it made and losses that `EXPRESSES` cannot tell (a rounded value);
- `held(session) -> Session`, when it holds some values only nearly (colours of a palette): the session that remains;
- `place(path) -> Path`, when its sessions lie in a folder of their own;
- `read(path, roots) -> Opened`, where the format can be read: `roots` says where its media may lie, see
  `session.media`. It never follows a path out of them, runs nothing and survives any bytes with a StemwrightError;
- `fill(template, session, path, mapping) -> Filled`, where the user's own project can be filled: writes the project
  `template` with the stems that `session.match` gives to its tracks to `path`, atomically, all else as it was, and
  returns what `session.match.filled` makes of it, with the media files it wrote beside `path` as outputs.

Nothing written depends on the clock or on chance: the same session gives the same ids and times, see `stable_id`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from stemwright.errors import InputError, OutputError, SessionError, UnknownName
from stemwright.model import Clip, Loss, Marker, Output, Session, Track
from stemwright.registry import discover
from stemwright.safety import readable
from stemwright.session.match import Filled
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


def _one_rate(session: Session, module: ModuleType) -> None:
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
    own: Path = module.place(path) if hasattr(module, "place") else path
    return own


def format_of(path: Path, among: Callable[[], dict[str, ModuleType]]) -> tuple[str, ModuleType]:
    """Which of `formats` or `readers` a suffix names, and its module. Raises UnknownName."""
    known = {suffix: (name, module) for name, module in among().items() for suffix in module.SUFFIXES}
    if path.suffix.lower() not in known:
        raise UnknownName(f"{path}: names no session format", f"known: {', '.join(known)}", path.suffix, known)
    return known[path.suffix.lower()]


def read_session(path: Path, *roots: Path, search: bool = True) -> Opened:
    """Read a session in the format that its suffix names; media must lie beside it or in `roots`.

    With `search` they are looked for there by their names, too, else only where the session says.

    Raises NotFoundInput, InputError for what is no session or too large to be one, SessionError for a damaged one.
    """
    known = {suffix: module for module in readers().values() for suffix in module.SUFFIXES}
    module = known.get(path.suffix.lower())
    if module is None:
        raise InputError(f"{path}: is no session that can be read", f"known: {', '.join(known)}")
    _check_size(path, module)
    opened: Opened = module.read(path, Roots(path.absolute().parent, roots, search))
    return opened


def _check_size(path: Path, module: ModuleType) -> None:
    try:
        length = path.stat().st_size
    except OSError as error:
        raise readable(error, path) from error
    most: int = getattr(module, "MOST_BYTES", MOST_BYTES)
    if not path.is_file() or length > most:
        raise InputError(f"{path}: is no file of at most {most >> 20} MiB", "is it really a session?")


def losses(session: Session, module: ModuleType) -> tuple[Loss, ...]:
    """One loss for every field that the session uses and the format does not express; its subjects are listed."""
    found = []
    for field, (phrase, subjects) in FIELDS.items():
        names = list(dict.fromkeys(subjects(session))) if field not in module.EXPRESSES else []
        if names:
            found.append(Loss(", ".join(names), field, f"{module.NAME} has no place for {phrase}"))
    return tuple(found)


def in_short(name: str, session: Session, module: ModuleType, more: Iterable[Loss] = ()) -> str:
    """What `losses` finds and `more`, for a file called `name`, in one line.

    Of a format without audio nobody expects tracks: what goes with them is not told. Nor is a key that a marker tells.
    """
    parts = []
    for field, (phrase, subjects) in FIELDS.items():
        silent = field in module.EXPRESSES or (field in _OF_TRACKS and "audio" not in module.EXPRESSES)
        names = () if silent else tuple(dict.fromkeys(subjects(session)))
        marked = field == "key" and any(m.name.startswith("Key: ") for m in session.markers)
        if names and not (marked and "markers" in module.EXPRESSES):
            parts.append(phrase if names == ("song",) else f"{phrase} ({_some(names)})")
    told = [f"has no place for {_some(parts, len(parts))}"] if parts else []
    rest: dict[str, list[str]] = {}
    for loss in more:
        rest.setdefault(loss.reason, []).extend(loss.subject.split(", "))
    told += [reason if names == ["song"] else f"{_some(names)}: {reason}" for reason, names in rest.items()]
    return f"{name}{' ' if parts else ': '}{'; '.join(told)}" if told else ""


def _some(names: Sequence[str], most: int = 3) -> str:
    """`Kick, Snare, Bass and 18 more`."""
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


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
    "frame_rate": ("the frame rate", _song(lambda s: s.drop_frame or s.frame_rate != 30)),
    "start_timecode": ("the timecode of the session start", _song(lambda s: s.start_frame)),
    "audio": ("audio", _tracks(lambda t: t.clips)),
}
"""What a session can hold; the vocabulary of `EXPRESSES`."""

_OF_TRACKS = frozenset({"groups", "colours", "gain", "pan", "mute", "solo", "clip_gain", "fades", "comments", "audio"})
