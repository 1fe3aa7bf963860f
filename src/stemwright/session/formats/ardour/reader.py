"""An Ardour session read back, versions 3 to 7: what a Session holds, and a warning for what it has no place for.

A track or bus belongs to the bus that its first output goes into. Tempo ramps are steps of their first tempo. Regions
that are put together from mono files, `x%L.wav` and `x%R.wav`, go to tracks of their own, one for each side. What else
changes the sound is told, see `left_out`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.model import Clip, Marker, Session, Track, end_of
from stemwright.naming import guess_role, one_line, unique
from stemwright.safety import read_bytes
from stemwright.session.formats import Opened
from stemwright.session.formats.ardour.builder import TIMECODES, is_mono
from stemwright.session.formats.ardour.clocks import SUPERCLOCKS, TICKS, damaged, read_tempos, whole_number
from stemwright.session.formats.ardour.left_out import tell_layers, tell_region, tell_route, tell_session
from stemwright.session.formats.ardour.pan import heard
from stemwright.session.formats.xml import parse
from stemwright.session.grid import GridPoint, points_of, seconds_at, song_from
from stemwright.session.media import Media, Roots, is_rate
from stemwright.session.told import Told
from stemwright.units import finite, gain, rescale

if TYPE_CHECKING:
    from lxml.etree import _Element

_LONGEST_S = 30 * 24 * 3600
"""No place lies further from the start; a damaged file names places that no machine can count."""

_DEFAULT_FADE = 64
"""Frames of a fade that Ardour puts on a region by itself."""

_SIDES = ("L", "R")
_PANS = {"L": -1.0, "R": 1.0}

_ODD = ("Master", "Monitor", "Auditioner", "Foldback", "Surround")
"""Flags of routes that are no track or bus of the song."""


@dataclass(slots=True)
class _Reading:
    """What all parts of one reading share."""

    path: Path
    rate: int
    points: tuple[GridPoint, ...]
    sources: dict[str, _Element]
    media: Media

    @property
    def told(self) -> Told:
        """What is left out or read otherwise."""
        return self.media.told

    def frames(self, text: str) -> int:
        """A place: `a` and superclocks, `b` and ticks, or plain frames as before version 7."""
        try:
            count = int(float(text)) if "." in text else int(text.lstrip("ab"))
        except (ValueError, OverflowError):
            raise damaged(self.path, f"{text[:40]!r} is no time") from None
        if text.startswith("b"):
            count = round(seconds_at(self.points, Fraction(count, TICKS)) * self.rate)
        elif text.startswith("a"):
            count = rescale(count, SUPERCLOCKS, self.rate)
        if not 0 <= count <= _LONGEST_S * self.rate:
            raise damaged(self.path, f"{text[:40]!r} lies outside of any session")
        return count


def read(path: Path, roots: Roots) -> Opened:
    """Read a session. Raises SessionError for what is none or a damaged one, InputError for one that is locked."""
    root = parse(read_bytes(path), path)
    rate = whole_number(root.get("sample-rate", ""))
    if root.tag != "Session" or not is_rate(rate):
        raise damaged(path, "is no Ardour session with a sample rate")
    media = (f for f in sorted(roots.home.glob("interchange/*/audiofiles")) if _inside(f, roots.home))
    sources = {source.get("id", ""): source for source in root.iterfind("Sources/Source")}
    points = points_of(read_tempos(root, path))
    reading = _Reading(path, rate, points, sources, Media(replace(roots, bases=tuple(media)), Told()))
    options = {option.get("name"): option.get("value", "") for option in root.iterfind("Config/Option")}
    tell_session(root, reading.told)
    tracks = tuple(_tracks(root, reading))
    markers, end = _locations(root, reading)
    offset = reading.frames(options.get("timecode-offset") or "0")
    if offset and options.get("timecode-offset-negative") == "1":
        reading.told.tell("the session starts before 0:00 of timecode, which is read as 0:00")
        offset = 0
    frame_rate, drop = TIMECODES.get(options.get("timecode-format", ""), TIMECODES["timecode_30"])
    session = Session(
        song=song_from(
            markers,
            points,
            rate,
            one_line(root.findtext("Metadata/title") or root.get("name") or path.stem),
            one_line(root.findtext("Metadata/artist", "")),
        ),
        tracks=tracks,
        sample_rate=rate,
        frames=max(end, end_of(tracks)),
        markers=markers,
        frame_rate=frame_rate,
        drop_frame=drop,
        start_frame=offset,
        notes=tuple(map(one_line, root.findtext("Metadata/description", "").splitlines())),
    )
    return Opened(session, reading.told.lines())


def _inside(folder: Path, root: Path) -> bool:
    with suppress(OSError, RuntimeError):  # a loop of links
        return folder.resolve().is_relative_to(root.resolve())
    return False


def _locations(root: _Element, reading: _Reading) -> tuple[tuple[Marker, ...], int]:
    """Markers and regions, and where the session ends, 0 if it does not say."""
    found, session_end = [], 0
    for place in root.iterfind("Locations/Location"):
        flags = place.get("flags", "").split(",")
        at = reading.frames(place.get("start", "0"))
        end = max(reading.frames(place.get("end", "0")), at)
        if "IsSessionRange" in flags:
            session_end = end
        elif "IsMark" in flags or "IsRangeMarker" in flags:
            found.append(Marker(at, one_line(place.get("name", "")), end - at if "IsRangeMarker" in flags else 0))
    return tuple(sorted(found, key=lambda marker: marker.at)), session_end


def _tracks(root: _Element, reading: _Reading) -> Iterator[Track]:
    """Tracks and buses in the order of the mixer, a bus moved before its first member where it stands behind."""
    routes = _routes(root, reading)
    buses = {name for name, route in routes.items() if "Bus" in _flags(route)}
    inputs = {port.get("name"): bus for bus in buses for port in routes[bus].iterfind("IO[@direction='Input']/Port")}
    groups = {name: inputs.get(_target(route)) for name, route in routes.items()}
    groups = {name: group if not _circular(name, groups) else None for name, group in groups.items()}
    playlists = list(root.iterfind("Playlists/Playlist"))
    by_id = {playlist.get("id"): playlist for playlist in playlists}
    by_name = {playlist.get("name"): playlist for playlist in reversed(playlists)}  # as before version 6
    done: set[str] = set()
    for name in routes:
        chain = [name]
        while (group := groups[chain[-1]]) is not None and group not in done:
            chain.append(group)
        for one in reversed(chain):
            if one not in done:
                done.add(one)
                route, stream = routes[one], routes[one].find("Diskstream")
                old = by_name.get(stream.get("playlist")) if stream is not None else None
                playlist = by_id.get(route.get("audio-playlist"), old) if one not in buses else None
                tell_route(route, one, reading.told)
                held: dict[str, list[Clip]] = {}
                for side, clip in _clips(playlist, one, reading) if playlist is not None else ():
                    held.setdefault(side, []).append(clip)
                track = _track(one, route, groups[one], one in buses, tuple(held.pop("", ())))
                if track.clips or not held:
                    yield track
                tell_layers(playlist, [*held.values(), list(track.clips)], one, reading.told)
                if held and track.pan:
                    reading.told.tell("the pan of stereo from two mono files is not read", one)
                names = unique((*routes, *(f"{one}.{side}" for side in held)))[len(routes) :]
                for name_of, (side, own) in zip(names, held.items(), strict=True):
                    yield replace(track, name=name_of, clips=tuple(own), pan=_PANS.get(side, 0.0))


def _routes(root: _Element, reading: _Reading) -> dict[str, _Element]:
    """The audio tracks and buses by unique name, in the order of the mixer."""
    found = []
    for route in root.iterfind("Routes/Route"):
        flags = _flags(route)
        if "Midi" in flags or route.get("default-type") == "midi":
            reading.told.tell("MIDI tracks are not read")
        elif "Audio" in flags and not any(odd in flags for odd in _ODD):
            found.append(route)
    found.sort(key=lambda route: whole_number(_presentation(route, "order")))
    return dict(zip(unique(route.get("name", "") for route in found), found, strict=True))


def _presentation(route: _Element, key: str) -> str:
    info = route.find("PresentationInfo")
    return info.get(key, "") if info is not None else ""


def _flags(route: _Element) -> str:
    return _presentation(route, "flags") or "AudioTrack"


def _target(route: _Element) -> str | None:
    connection = route.find("IO[@direction='Output']/Port/Connection")
    return connection.get("other") if connection is not None else None


def _circular(name: str, groups: dict[str, str | None]) -> bool:
    """Whether the way from a track through its buses never ends."""
    seen, group = {name}, groups[name]
    while group is not None and group not in seen:
        seen.add(group)
        group = groups[group]
    return group is not None


def _control(route: _Element, name: str, default: float) -> float:
    found = next((c for c in route.iter("Controllable") if c.get("name") == name), None)
    return finite(found.get("value"), default) if found is not None else default


def _track(name: str, route: _Element, group: str | None, is_bus: bool, clips: tuple[Clip, ...]) -> Track:
    mute, colour = route.find("MuteMaster"), whole_number(_presentation(route, "color"))
    level = gain(_control(route, "gaincontrol", 1) * _control(route, "trimcontrol", 1))
    pan = 2 * _control(route, "pan-azimuth", 0.5) - 1
    if is_mono(clips) and _ports(route, "Input") == 1 and _ports(route, "Output") == 2:
        level, pan = heard(level, pan)
    solo = next((c for c in route.iterfind("Controllable") if c.get("name") == "solo"), None)
    return Track(
        name,
        guess_role(name),
        clips,
        group,
        is_bus,
        f"#{colour >> 8 & 0xFFFFFF:06x}" if colour else None,
        round(level, 9),
        round(min(max(pan, -1.0), 1.0), 9),
        (mute is not None and mute.get("muted") == "1") or route.get("active") == "0",
        solo is not None and solo.get("self-solo") == "1",
        one_line(route.findtext("Comment", "")),
    )


def _ports(route: _Element, direction: str) -> int:
    return len(route.findall(f"IO[@direction='{direction}']/Port"))


def _clips(playlist: _Element, track: str, reading: _Reading) -> Iterator[tuple[str, Clip]]:
    """The clips of a playlist, each with the side that it is when it is a mono file of several in a region."""
    for region in playlist.iterfind("Region"):
        count = min(max(whole_number(region.get("channels", "1")), 1), 64)
        ids = [region.get(f"source-{channel}") for channel in range(count)]
        names = [reading.sources[i].get("name", "") for i in ids if i in reading.sources]
        length, _, place = region.get("length", "0").partition("@")
        at, frames = reading.frames(place or region.get("position", "0")), reading.frames(length)
        if not names or not frames or region.get("muted") == "1":
            reading.told.tell("regions that are muted, empty or without audio are left out", track)
            continue
        tell_region(region, track, reading.told)
        start = reading.frames(region.get("start", "0"))
        fades = [min(_fade(region, kind, reading), frames) for kind in ("in", "out")]
        split = len(set(names)) > 1
        for channel, name in enumerate(names if split else names[:1]):
            channels = 1 if split else len(names)
            file = reading.media.file(name, reading.rate, start + frames, channels)
            if file.format.channels != channels:
                reading.told.tell("regions that play some channels of their files only are read with all", track)
            side = "" if not split else _SIDES[channel] if channel < len(_SIDES) else str(channel + 1)
            yield side, Clip(file, at, frames, start, gain(finite(region.get("scale-amplitude"), 1)), *fades)


def _fade(region: _Element, kind: str, reading: _Reading) -> int:
    if region.get(f"fade-{kind}-active") != "1":
        return 0
    events = region.findtext(f"Fade{kind.title()}/AutomationList/events", "").split()
    return reading.frames(events[-2]) if len(events) > 1 else _DEFAULT_FADE
