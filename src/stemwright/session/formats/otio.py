"""OpenTimelineIO (.otio): for editorial tools and pipelines that read no DAW's format.

Source: the OpenTimelineIO serialized schema (Timeline.1, Stack.1, Track.1, Clip.2, Gap.1, Marker.2,
ExternalReference.1). One audio track per stem, a gap before its clips and one after, so that all tracks are equally
long; the timeline's times are frames at the sample rate. A muted track is one that is not enabled. Media are named
relative to the file. What the schema has no place for (gain, pan, fades, colours, groups, tempo, key, ...) stands in
the metadata under "stemwright" and is read back from there; no host looks at it, which is told.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from stemwright.errors import SessionError
from stemwright.model import Clip, Loss, Marker, Session, Track, end_of
from stemwright.naming import one_line, unique
from stemwright.safety import write_text
from stemwright.session.fields import FIELDS
from stemwright.session.formats import Opened, Written, in_a_row
from stemwright.session.grid import GridPoint, grid, is_meter, is_tempo, points_of, song_from
from stemwright.session.media import Media, Roots, foreign, is_rate, relative
from stemwright.session.told import Told
from stemwright.units import exact_bpm

NAME = "OTIO"
SUFFIXES = (".otio",)
EXPRESSES = frozenset(FIELDS)
OPTIONS: frozenset[str] = frozenset()
MIXED_RATES = True
PROVED = "Read by `opentimelineio`; never opened in an editing program."

_OPEN = frozenset({"audio", "markers", "regions", "mute", "start_timecode"})
"""What every host reads; the rest stands in the metadata."""

_HINT = "write it again with the tool that made it, or give another session format"
_COLOURS = {"RED": "#ff0000", "ORANGE": "#ff8000", "YELLOW": "#ffff00", "GREEN": "#00ff00", "CYAN": "#00ffff"}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_COLOURS |= {"BLUE": "#0000ff", "PURPLE": "#8000ff", "MAGENTA": "#ff00ff", "BLACK": "#000000", "WHITE": "#ffffff"}


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the timeline."""
    rate, song = session.sample_rate, session.song
    tracks = [_track(track, session, path.parent) for track in session.tracks if not track.is_group]
    stack = {**_item("Stack.1", "tracks"), "children": tracks, "markers": [_marker(m, rate) for m in session.markers]}
    groups = [{"name": t.name, "place": n, **_facts(t)} for n, t in enumerate(session.tracks) if t.is_group]
    facts = {
        "artist": song.artist,
        "grid": [[float(p.quarters), float(p.bpm), *p.meter] for p in grid(song)] if song.bpm or song.meter_map else [],
        "key": song.key.value if song.key else None,
        "notes": list(session.notes),
        "frame_rate": [session.frame_rate.numerator, session.frame_rate.denominator, session.drop_frame],
        "groups": groups,
    }
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"stemwright": facts},
        "name": song.title,
        "global_start_time": _time(session.start_frame, rate),
        "tracks": stack,
    }
    write_text(path, json.dumps(timeline, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return Written(losses=tuple(_losses(session)))


def _losses(session: Session) -> Iterator[Loss]:
    yield from foreign(session, frozenset({"wav", "rf64", "bw64", "aiff"}), "OTIO tools")
    hidden = {field: phrase for field, (phrase, users) in FIELDS.items() if field not in _OPEN and any(users(session))}
    if hidden:
        reason = "stands in metadata that is read back here, but by no other program"
        yield Loss(", ".join(hidden.values()), next(iter(hidden)), reason)


def read(path: Path, roots: Roots) -> Opened:
    """Read the audio tracks of a timeline. Raises SessionError for what is no timeline."""
    try:
        top = json.loads(path.read_bytes())
        rate, told = _rate(top), Told()
        media = Media(roots, told)
        stack, facts = top["tracks"], _own(top)
        if any(_kind(child, "Track") and child.get("kind") != "Audio" for child in stack["children"]):
            told.tell("tracks of other kinds than audio are not read")
        found = [t for t in stack["children"] if _kind(t, "Track") and t.get("kind") == "Audio"]
        names = unique(str(t.get("name") or "") for t in found)
        tracks = [_read_track(t, n, rate, media) for t, n in zip(found, names, strict=True)]
        for group in facts.get("groups", ()):
            tracks.insert(int(group["place"]), Track(one_line(group["name"]), is_group=True, **_read_facts(group)))
        markers = tuple(sorted(_read_markers(stack, rate), key=lambda marker: marker.at))
        lines = (f"Key: {facts['key']}",) if facts.get("key") else ()
        title, artist = one_line(str(top.get("name") or path.stem)), one_line(str(facts.get("artist") or ""))
        over, under, drop = facts.get("frame_rate", (30, 1, False))
        session = Session(
            song=song_from(markers, _points(facts), rate, title, artist, lines),
            tracks=tuple(tracks),
            sample_rate=rate,
            frames=max((_length(track, rate) for track in found), default=0),
            markers=markers,
            start_frame=_frames(top["global_start_time"], rate) if top.get("global_start_time") else 0,
            notes=tuple(one_line(str(line)) for line in facts.get("notes", ())),
            frame_rate=min(max(Fraction(int(over), int(under)), Fraction(1)), Fraction(1000)),
            drop_frame=drop is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
        raise SessionError(f"{path}: is no OpenTimelineIO timeline: {error}", _HINT) from error
    return Opened(session, told.lines())


def _own(thing: Any) -> dict[str, Any]:
    """What we wrote into the metadata of something; nothing where others did."""
    facts = (thing.get("metadata") or {}).get("stemwright")
    return facts if isinstance(facts, dict) else {}


def _points(facts: dict[str, Any]) -> tuple[GridPoint, ...]:
    changes = [(Fraction(quarters), exact_bpm(bpm), (n, d)) for quarters, bpm, n, d in facts.get("grid", ())]
    if not all(0 <= at < 10**8 and is_tempo(bpm) and is_meter(*meter) for at, bpm, meter in changes):
        raise ValueError("a tempo or metre that cannot be")
    return points_of(changes)


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
    children = []
    for silence, clip in in_a_row(track, "a timeline"):
        children += [_gap(silence, rate)] if silence else []
        children.append(_clip(clip, track, rate, base))
    if (rest := session.frames - end_of([track])) > 0:
        children.append(_gap(rest, rate))
    whole = {**_item("Track.1", track.name, enabled=not track.mute), "kind": "Audio", "children": children}
    return {**whole, "metadata": {"stemwright": _facts(track)}}


def _gap(frames: int, rate: int) -> dict[str, Any]:
    return _item("Gap.1", "", _range(0, frames, rate))


def _facts(track: Track) -> dict[str, Any]:
    """What the schema has no place for."""
    facts = {"role": track.role, "gain_db": _level(track.gain_db), "pan": track.pan, "mute": track.mute}
    return facts | {"solo": track.solo, "group": track.group, "colour": track.colour, "comment": track.comment}


def _level(value: Any) -> float:
    """A gain in dB, within what people mean; JSON has no infinity."""
    level = float(value or 0.0)
    return 0.0 if math.isnan(level) else min(max(level, -200.0), 200.0)


def _read_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Track that `_facts` are."""
    return {
        "role": one_line(str(facts.get("role") or "other")),
        "group": one_line(facts["group"]) if facts.get("group") else None,
        "colour": _colour(facts.get("colour")),
        "gain_db": _level(facts.get("gain_db")),
        "pan": min(max(_level(facts.get("pan")), -1.0), 1.0),
        "mute": facts.get("mute") is True,
        "solo": facts.get("solo") is True,
        "comment": one_line(str(facts.get("comment") or "")),
    }


def _colour(text: Any) -> str | None:
    return text if isinstance(text, str) and _COLOUR.fullmatch(text) else None


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
        "metadata": {"stemwright": {"gain_db": _level(clip.gain_db), "fades": [clip.fade_in, clip.fade_out]}},
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
    return rate if is_rate(rate) else 48000


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


def _read_track(track: Any, name: str, rate: int, media: Media) -> Track:
    clips, at, told = [], 0, media.told
    _tell_odd(track, name, told)
    if track.get("source_range"):
        told.tell("tracks of which a part is played only are read whole", name)
    for item in track["children"]:
        if _kind(item, "Transition"):
            told.tell("transitions are not read", name)
            continue
        start, frames = _span(item, rate)
        if _kind(item, "Clip") and (url := _media(item).get("target_url")):
            _tell_odd(item, name, told)
            if item.get("enabled") is False:
                told.tell("clips that are switched off are left out", name)
            else:
                channels = int(_own(_media(item)).get("channels", 2))
                address = str(url) if str(url).lower().startswith("file:") else unquote(str(url))
                file = media.file(address, rate, start + frames, channels)
                fades = (min(max(int(fade), 0), frames) for fade in _own(item).get("fades", (0, 0))[:2])
                clips.append(Clip(file, at, frames, start, _level(_own(item).get("gain_db")), *fades))
        elif not _kind(item, "Gap"):
            told.tell("items that are no audio file are left out", name)
        at += frames
    return Track(name, clips=tuple(clips), **_read_facts({**_own(track), "mute": track.get("enabled") is False}))


def _tell_odd(item: Any, name: str, told: Told) -> None:
    if item.get("effects"):
        told.tell("effects, speed among them, are not read", name)
    if item.get("markers"):
        told.tell("markers of tracks and clips are not read", name)


def _read_markers(stack: Any, rate: int) -> Iterator[Marker]:
    for marker in stack.get("markers") or ():
        span = marker["marked_range"]
        colour = _colour(_own(marker).get("colour", _COLOURS.get(marker.get("color") or "")))
        at, length = _frames(span["start_time"], rate), _frames(span["duration"], rate)
        yield Marker(at, one_line(str(marker.get("name") or "")), length, colour)
