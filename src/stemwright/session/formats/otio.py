"""OpenTimelineIO (.otio): for editorial tools and pipelines that read no DAW's format.

Source: the OpenTimelineIO serialized schema (Timeline.1, Stack.1, Track.1, Clip.2, Gap.1, Marker.2,
ExternalReference.1). One audio track per stem, a gap before its clips and one after, so that all tracks are equally
long; the timeline's times are frames at the sample rate. A muted track is one that is not enabled. Media are named
relative to the file. What the schema has no place for (gain, pan, colour, group, tempo, key) stands in the metadata
under "stemwright", where no host looks, and is told as lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from stemwright.errors import SessionError
from stemwright.model import Clip, Marker, Session, Song, Track
from stemwright.safety import write_text
from stemwright.session.arrange import unique
from stemwright.session.formats import Opened, Written
from stemwright.session.media import Roots, read_media, relative
from stemwright.units import short_key

NAME = "OTIO"
SUFFIXES = (".otio",)
EXPRESSES = frozenset({"audio", "markers", "regions", "mute", "start_timecode"})
OPTIONS: frozenset[str] = frozenset()
MIXED_RATES = True

_HINT = "write it again with the tool that made it, or give another session format"
_COLOURS = {"RED": "#ff0000", "ORANGE": "#ff8000", "YELLOW": "#ffff00", "GREEN": "#00ff00", "CYAN": "#00ffff"}
_COLOURS |= {"BLUE": "#0000ff", "PURPLE": "#8000ff", "MAGENTA": "#ff00ff", "BLACK": "#000000", "WHITE": "#ffffff"}


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the timeline."""
    rate, song = session.sample_rate, session.song
    tracks = [_track(track, session, path.parent) for track in session.tracks if not track.is_group]
    stack = {**_item("Stack.1", "tracks"), "children": tracks, "markers": [_marker(m, rate) for m in session.markers]}
    facts = {
        "artist": song.artist,
        "bpm": song.bpm.value if song.bpm else None,
        "key": short_key(song.key.value) if song.key else None,
        "notes": list(session.notes),
    }
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"stemwright": facts},
        "name": song.title,
        "global_start_time": _time(session.start_frame, rate),
        "tracks": stack,
    }
    write_text(path, json.dumps(timeline, indent=2, ensure_ascii=False) + "\n")
    return Written()


def read(path: Path, roots: Roots) -> Opened:
    """Read the audio tracks of a timeline. Raises SessionError for what is no timeline."""
    try:
        top = json.loads(path.read_bytes())
        rate = _rate(top)
        warnings: list[str] = []
        tracks = [t for t in top["tracks"]["children"] if _kind(t, "Track") and t.get("kind") == "Audio"]
        names = unique(str(t.get("name") or "") for t in tracks)
        read = tuple(_read_track(t, n, rate, roots, warnings) for t, n in zip(tracks, names, strict=True))
        start = _frames(top["global_start_time"], rate) if top.get("global_start_time") else 0
        frames = max((_length(track, rate) for track in tracks), default=0)
        markers = tuple(sorted(_read_markers(top["tracks"], rate), key=lambda marker: marker.at))
        song = Song(str(top.get("name") or path.stem), rate)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise SessionError(f"{path}: is no OpenTimelineIO timeline: {error}", _HINT) from error
    return Opened(Session(song, read, rate, frames, markers, start_frame=start), tuple(warnings))


def _time(frames: int, rate: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def _range(start: int, frames: int, rate: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(frames, rate)}


def _item(schema: str, name: str, source: dict[str, Any] | None = None, enabled: bool = True) -> dict[str, Any]:
    plain: dict[str, Any] = {"OTIO_SCHEMA": schema, "metadata": {}, "name": name, "source_range": source}
    return {**plain, "effects": [], "markers": [], "enabled": enabled}


def _marker(marker: Marker, rate: int) -> dict[str, Any]:
    place = {"OTIO_SCHEMA": "Marker.2", "marked_range": _range(marker.at, marker.length, rate), "color": "GREEN"}
    return {**place, "name": marker.name, "comment": "", "metadata": {"stemwright": {"colour": marker.colour}}}


def _track(track: Track, session: Session, base: Path) -> dict[str, Any]:
    rate = session.sample_rate
    children, at = [], 0
    for clip in sorted(track.clips, key=lambda clip: clip.at):
        if clip.at < at:
            raise SessionError(f"{track.name}: clips overlap, which a timeline cannot hold", "use two tracks")
        if clip.at > at:
            children.append(_item("Gap.1", "", _range(0, clip.at - at, rate)))
        children.append(_clip(clip, track, rate, base))
        at = clip.at + clip.length
    if session.frames > at:
        children.append(_item("Gap.1", "", _range(0, session.frames - at, rate)))
    facts = {"role": track.role, "gain_db": track.gain_db, "pan": track.pan, "solo": track.solo}
    facts |= {"group": track.group, "colour": track.colour, "comment": track.comment}
    whole = {**_item("Track.1", track.name, enabled=not track.mute), "kind": "Audio", "children": children}
    return {**whole, "metadata": {"stemwright": facts}}


def _clip(clip: Clip, track: Track, rate: int, base: Path) -> dict[str, Any]:
    own = clip.file.format.sample_rate
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {"stemwright": {"channels": clip.file.format.channels}},
        "name": clip.file.path.name,
        "available_range": _range(0, clip.file.frames, own),
        "target_url": quote(relative(clip.file.path, base)),
    }
    references = {"media_references": {"DEFAULT_MEDIA": media}, "active_media_reference_key": "DEFAULT_MEDIA"}
    return {
        **_item("Clip.2", track.name, _range(clip.source_from, clip.length, rate)),
        **references,
        "metadata": {"stemwright": {"gain_db": clip.gain_db}},
    }


def _kind(thing: Any, name: str) -> bool:
    return isinstance(thing, dict) and str(thing.get("OTIO_SCHEMA", "")).startswith(f"{name}.")


def _rate(top: Any) -> int:
    """The rate of the times: the highest there is, because a timeline may be in picture frames with audio inside."""
    if not _kind(top, "Timeline"):
        raise ValueError("the outermost object is none")
    rates, left = set(), [top]
    while left:
        thing = left.pop()
        if _kind(thing, "RationalTime"):
            rates.add(round(float(thing["rate"])))
        left += thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    rate = max(rates, default=0)
    return rate if 8000 <= rate <= 768000 else 48000


def _frames(time: Any, rate: int) -> int:
    frames = round(float(time["value"]) * rate / float(time["rate"])) if time else 0
    if abs(frames) > 1 << 48:
        raise ValueError("a time beyond all measure")
    return frames


def _span(item: Any, rate: int) -> tuple[int, int]:
    """Where an item begins in its source and how long it is."""
    span = item.get("source_range") or _media(item).get("available_range")
    if not span:
        raise ValueError("an item without length")
    return _frames(span["start_time"], rate), max(0, _frames(span["duration"], rate))


def _media(item: Any) -> Any:
    many = item.get("media_references") or {}
    return many.get(item.get("active_media_reference_key")) or item.get("media_reference") or {}


def _length(track: Any, rate: int) -> int:
    return sum(_span(item, rate)[1] for item in track["children"] if not _kind(item, "Transition"))


def _read_track(track: Any, name: str, rate: int, roots: Roots, warnings: list[str]) -> Track:
    clips, at, muted = [], 0, track.get("enabled") is False
    for item in track["children"]:
        if _kind(item, "Transition"):
            continue
        start, frames = _span(item, rate)
        if _kind(item, "Clip") and (url := _media(item).get("target_url")):
            facts = _media(item).get("metadata", {}).get("stemwright", {})
            channels = facts.get("channels", 2)
            name_of = str(url) if str(url).lower().startswith("file:") else unquote(str(url))
            file, warning = read_media(name_of, roots, sample_rate=rate, frames=start + frames, channels=int(channels))
            warnings += [warning] if warning else []
            clips.append(Clip(file, at, frames, start))
        elif not _kind(item, "Gap"):
            warnings.append(f"{name}: {item.get('OTIO_SCHEMA')} {item.get('name', '')!r} was left out")
        at += frames
    return replace(Track(name), clips=tuple(clips), mute=muted)


def _read_markers(stack: Any, rate: int) -> Iterator[Marker]:
    for marker in stack.get("markers") or ():
        span = marker["marked_range"]
        colour = marker.get("metadata", {}).get("stemwright", {}).get("colour", _COLOURS.get(marker.get("color") or ""))
        colour = colour if isinstance(colour, str) else None
        at, length = _frames(span["start_time"], rate), _frames(span["duration"], rate)
        yield Marker(at, unique([str(marker.get("name") or "")])[0], length, colour)
