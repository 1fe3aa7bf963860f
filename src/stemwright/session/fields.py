"""What a session can hold, field by field, and what of it a format has no place for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from stemwright.model import Clip, Loss, Marker, Session, Track
from stemwright.units import listed


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


def losses(session: Session, module: ModuleType) -> tuple[Loss, ...]:
    """One loss for every field that the session uses and the format does not express; its subjects are listed."""
    lost = _lost(session, module)
    return tuple(Loss(", ".join(names), f, f"{module.NAME} has no place for {phrase}") for f, phrase, names in lost)


def _lost(session: Session, module: ModuleType) -> Iterator[tuple[str, str, list[str]]]:
    """Field, what it is called and its subjects."""
    for field, (phrase, subjects) in FIELDS.items():
        if field not in module.EXPRESSES and (names := list(dict.fromkeys(subjects(session)))):
            yield field, phrase, names


def in_short(name: str, session: Session, module: ModuleType, more: Iterable[Loss] = ()) -> str:
    """What `losses` finds and `more`, for a file called `name`, in one line.

    Of a format without audio nobody expects tracks: what goes with them is not told. Nor is a key that a marker tells.
    """
    silent = set() if "audio" in module.EXPRESSES else set(_OF_TRACKS)
    if "markers" in module.EXPRESSES and any(marker.name.startswith("Key: ") for marker in session.markers):
        silent.add("key")
    parts = [
        phrase if names == ["song"] else f"{phrase} ({listed(names)})"
        for field, phrase, names in _lost(session, module)
        if field not in silent
    ]
    told = [f"has no place for {listed(parts, len(parts))}"] if parts else []
    rest: dict[str, list[str]] = {}
    for loss in more:
        rest.setdefault(loss.reason, []).extend(loss.subject.split(", "))
    told += [reason if names == ["song"] else f"{listed(names)}: {reason}" for reason, names in rest.items()]
    return f"{name}{' ' if parts else ': '}{'; '.join(told)}" if told else ""
