"""The XML of a Live set: what `parts` names, filled with a session.

The arrangement counts in quarter notes, so every place is computed through the tempo map that Live itself will use:
its tempos are 32-bit floats. Clips are not warped: they play at their own speed whatever the tempo, and their part of
the file counts in seconds. Fades count in quarter notes. A metre is 99 * log2(denominator) + numerator - 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from fractions import Fraction
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright import __version__
from stemwright.errors import SessionError
from stemwright.model import Clip, Session, Song, Track
from stemwright.session.formats import STAMP
from stemwright.session.formats.ableton import colours, parts
from stemwright.session.formats.ableton.document import single
from stemwright.session.formats.ableton.parts import EVENTS, at, grow, put
from stemwright.session.formats.xml import text
from stemwright.session.grid import GridPoint, grid, longest, points_of, quarters_at
from stemwright.session.media import relative
from stemwright.units import PITCH_CLASSES, linear, seconds

if TYPE_CHECKING:
    from lxml.etree import _Element

_PLAIN = "27"
"""Light grey, for a track without a colour."""

_SLOWEST, _FASTEST = 20, 999
_MOST_BEATS, _SHORTEST_BEAT = 99, 16


@dataclass(frozen=True, slots=True)
class Making:
    """What every part of a set needs."""

    session: Session
    points: tuple[GridPoint, ...]
    folder: Path
    """In which the set will lie."""
    ids: Iterator[int]

    def beat(self, frame: int) -> Fraction:
        """The place of a frame in quarter notes."""
        return quarters_at(self.points, seconds(frame, self.session.sample_rate))

    def near_beat(self, frame: int) -> Fraction:
        """The same, or the 960th of a quarter that is less than a quarter of a frame away: bar 1 is at bar 1."""
        exact = self.beat(frame)
        round_one = Fraction(round(exact * 960), 960)
        return round_one if abs(round_one - exact) < (self.beat(frame + 1) - exact) / 4 else exact


def build(session: Session, folder: Path) -> _Element:
    """The root of the set. Raises SessionError for a tempo, metre or file name that it cannot hold."""
    from lxml import etree

    making = Making(session, live_points(session.song), folder, count(1))
    root = etree.Element("Ableton", {"MajorVersion": "5", "MinorVersion": "12.0_12117", "SchemaChangeCount": "10"})
    root.set("Creator", f"stemwright {__version__} ({session.sample_rate} Hz)")
    root.set("Revision", "")
    live = grow(root, parts.SET, making.ids)
    tracks = at(live, "Tracks")
    numbers: dict[str, str] = {}
    for track in session.tracks:
        _track(making, tracks, track, numbers)
    _main(making, at(live, "MainTrack"))
    locators = at(live, "Locators/Locators")
    for number, marker in enumerate(session.markers):
        locator = grow(locators, parts.LOCATOR, making.ids)
        locator.set("Id", str(number))
        put(locator, "Time", decimal(making.near_beat(marker.at)))
        put(locator, "Name", text(marker.name))
    put(live, "Annotation", "\n".join(map(text, session.notes)))
    if session.song.key:
        tonic, mode = session.song.key.value.split()
        put(live, "ScaleInformation/Root", PITCH_CLASSES.index(tonic))
        put(live, "ScaleInformation/Name", parts.MODES.index(mode))
        put(live, "InKey", True)
    put(live, "NextPointeeId", next(making.ids))
    return root


def live_points(song: Song) -> tuple[GridPoint, ...]:
    """The grid with the tempos that Live can have. Raises SessionError for a tempo or metre that it has not."""
    points = grid(song)
    for n, point in enumerate(points):
        numerator, denominator = point.meter
        if not _SLOWEST <= point.bpm <= _FASTEST:
            raise SessionError(
                f"Ableton Live has no tempo of {float(point.bpm):g} BPM", f"it has {_SLOWEST} to {_FASTEST} BPM"
            )
        if numerator > _MOST_BEATS or (denominator > _SHORTEST_BEAT and (n or len(points) == 1)):
            raise SessionError(
                f"Ableton Live has no metre {numerator}/{denominator}",
                f"it has up to {_MOST_BEATS} beats, not shorter than 1/{_SHORTEST_BEAT}",
            )
    return points_of((p.quarters, Fraction(single(float(p.bpm))), p.meter) for p in points)


def decimal(value: float | Fraction) -> str:
    """A number that reads back as the same 64-bit float, without an exponent."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")


def add_clip(making: Making, events: _Element, track: Track, clip: Clip, colour: str) -> None:
    """Append a clip to the arrangement of an audio track. Raises SessionError for a file that XML cannot name."""
    session, file = making.session, clip.file
    start, end = making.beat(clip.at), making.beat(clip.end)
    source = seconds(clip.source_from, session.sample_rate)
    stop = source + seconds(clip.length, session.sample_rate)
    element = grow(events, parts.CLIP, making.ids)
    element.set("Time", decimal(start))
    name = relative(file.path, making.folder)
    if text(name) != name:
        raise SessionError(f"{file.path!r}: a Live set cannot name this file", "rename it, without control characters")
    absolute = Path(name).is_absolute()
    bpm = next(point for point in reversed(making.points) if point.quarters <= start or not point.quarters).bpm
    for path, value in {
        "CurrentStart": decimal(start),
        "CurrentEnd": decimal(end),
        "Loop/LoopStart": decimal(source),
        "Loop/LoopEnd": decimal(stop),
        "Loop/OutMarker": decimal(stop),
        "Loop/HiddenLoopEnd": decimal(stop),
        "Name": text(track.name),
        "Color": colour,
        "ScrollerTimePreserver/RightTime": decimal(end - start),
        "SampleRef/FileRef/RelativePathType": 0 if absolute else 1,
        "SampleRef/FileRef/RelativePath": "" if absolute else name,
        "SampleRef/FileRef/Path": name if absolute else "",
        "SampleRef/FileRef/OriginalFileSize": file.bytes,
        "SampleRef/LastModDate": int(STAMP.replace(tzinfo=UTC).timestamp()),
        "SampleRef/DefaultDuration": file.frames,
        "SampleRef/DefaultSampleRate": file.format.sample_rate,
        "Fade": bool(clip.fade_in or clip.fade_out),
        "Fades/FadeInLength": decimal(making.beat(clip.at + clip.fade_in) - start),
        "Fades/FadeOutLength": decimal(end - making.beat(clip.end - clip.fade_out)),
        "SampleVolume": decimal(linear(clip.gain_db)),
    }.items():
        put(element, path, value)
    markers = at(element, "WarpMarkers")
    for number, beats in enumerate((Fraction(0), Fraction(1, 32))):
        _listed(markers, "WarpMarker", number, SecTime=beats * 60 / bpm, BeatTime=beats)


def _track(making: Making, tracks: _Element, track: Track, numbers: dict[str, str]) -> None:
    element = grow(tracks, parts.GROUP_TRACK if track.is_group else parts.AUDIO_TRACK, making.ids)
    colour = str(colours.number(track.colour)) if track.colour else _PLAIN
    for path, value in {
        "Name/EffectiveName": text(track.name),
        "Name/UserName": text(track.name),
        "Name/Annotation": text(track.comment),
        "Color": colour,
        "DeviceChain/Mixer/Volume/Manual": decimal(linear(track.gain_db)),
        "DeviceChain/Mixer/Pan/Manual": decimal(track.pan),
        "DeviceChain/Mixer/Speaker/Manual": not track.mute,
        "DeviceChain/Mixer/SoloSink": track.solo,
    }.items():
        put(element, path, value)
    if track.group is not None:
        put(element, "TrackGroupId", numbers[track.group])
        put(element, "DeviceChain/AudioOutputRouting/Target", "AudioOut/GroupTrack")
        put(element, "DeviceChain/AudioOutputRouting/UpperDisplayString", "Group")
    if track.is_group:
        numbers[track.name] = element.get("Id", "")
    for clip in track.clips:
        add_clip(making, at(element, EVENTS), track, clip, colour)


def _main(making: Making, main: _Element) -> None:
    """Tempo and metre: a tempo step is two events at one place, because Live draws lines between them."""
    points, session = making.points, making.session
    put(main, "Name/EffectiveName", "Main")
    mixer = at(main, "DeviceChain/Mixer")
    main_point = longest(points, seconds(session.frames, session.sample_rate))
    put(mixer, "Tempo/Manual", decimal(main_point.bpm))
    put(mixer, "TimeSignature/Manual", _meter(main_point.meter))
    tempos = [(Fraction(parts.BEGINNING), points[0].bpm)]
    for point in points[1:]:
        if point.bpm != tempos[-1][1]:
            tempos += [(point.quarters, tempos[-1][1]), (point.quarters, point.bpm)]
    meters = [
        (next(group).quarters or Fraction(parts.BEGINNING), Fraction(_meter(meter)))
        for meter, group in groupby(points, lambda point: point.meter)
    ]
    envelopes = at(main, "AutomationEnvelopes/Envelopes")
    for name, kind, events in (("TimeSignature", "Enum", meters), ("Tempo", "Float", tempos)):
        envelope = grow(envelopes, parts.ENVELOPE, making.ids)
        envelope.set("Id", str(len(envelopes) - 1))
        put(envelope, "EnvelopeTarget/PointeeId", at(mixer, f"{name}/AutomationTarget").get("Id"))
        target = at(envelope, "Automation/Events")
        for number, (place, value) in enumerate(events):
            _listed(target, f"{kind}Event", number, Time=place, Value=value)


def _listed(parent: _Element, tag: str, number: int, **places: Fraction) -> None:
    """Append an element of a list, whose Id counts in it."""
    from lxml import etree

    etree.SubElement(parent, tag, {"Id": str(number), **{name: decimal(place) for name, place in places.items()}})


def _meter(meter: tuple[int, int]) -> int:
    """A lead-in of beats that are too short is a bar of 1/16, which bar 1 cuts short."""
    numerator, denominator = meter if meter[1] <= _SHORTEST_BEAT else (1, _SHORTEST_BEAT)
    return 99 * int(math.log2(denominator)) + numerator - 1
