"""A Live set read back, of Live 10 to 12: what a Session holds, and a warning for what it has no place for.

A clip that is warped is read at its own speed, with a warning unless that is what its warp markers and the tempo come
to. MIDI, session clips, sends, devices and automation other than of tempo and metre are told. A set has no sample
rate: it is that of most clips that are not warped (loops from anywhere are), unless we wrote it and say so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Marker, Session, Track, end_of
from stemwright.naming import guess_role, one_line, unique
from stemwright.session.formats import Opened
from stemwright.session.formats.ableton import colours
from stemwright.session.formats.ableton.document import load, name_of, number, plain, points_in, single, value
from stemwright.session.formats.ableton.parts import EVENTS, MODES, at
from stemwright.session.grid import GridPoint, along, points_of, quarters_at, seconds_at, song_from
from stemwright.session.media import Media, Roots, is_rate
from stemwright.session.told import Told
from stemwright.units import PITCH_CLASSES, exact_bpm, gain, parse_key
from stemwright.units import frames as frames_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_OURS = re.compile(r"stemwright .*\((\d{4,6}) Hz\)")

_DEFAULT_RATE = 48_000
"""Hz, of a set without audio."""

_LONGEST = 10**7
"""Quarter notes or seconds; no place lies further from the start."""

_DEVICES = "DeviceChain/DeviceChain/Devices/*"

_SEND_OFF = 0.00032
"""-70 dB, the lowest that a send has."""

_TOLERANCE = Fraction(1, 40_000)
"""Seconds by which warped audio may lie beside its own speed."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A clip before the sample rate of the session is known; quarters and seconds."""

    file: AudioFile
    start: Fraction
    end: Fraction
    source: Fraction
    fade_in: Fraction
    fade_out: Fraction
    gain_db: float
    warped: bool


@dataclass(slots=True)
class _Reading:
    """What all parts of one reading share."""

    path: Path
    points: tuple[GridPoint, ...]
    media: Media

    @property
    def told(self) -> Told:
        """What is left out or read otherwise."""
        return self.media.told

    def place(self, number: float) -> Fraction:
        """A place on the timeline or in a file. Raises SessionError for one that no session has."""
        if abs(number) > _LONGEST:
            raise SessionError(f"{self.path}: {number:g} is no place in a set", "save it again in Live")
        return Fraction(number)


def read(path: Path, roots: Roots) -> Opened:
    """Read a set. Raises SessionError for what is none or a damaged one, InputError for a file that is locked."""
    root = load(path)
    live = at(root, "LiveSet")
    points, ramps = points_in(root)
    reading = _Reading(path, points, Media(roots, Told()))
    if root.get("MajorVersion", "5") < "5":
        reading.told.tell("the set is of Live 9 or older: names and tempo may be missing")
    if ramps:
        reading.told.tell("tempo ramps are read as steps that take as long")
    found = list(_tracks(live, reading))
    ours = _OURS.fullmatch(root.get("Creator", ""))
    heard = [clip for _, clips in found for clip in clips]
    unwarped = [clip for clip in heard if not clip.warped]
    rates = Counter(clip.file.format.sample_rate for clip in unwarped or heard)
    rate = int(ours[1]) if ours else rates.most_common(1)[0][0] if rates else _DEFAULT_RATE
    if not is_rate(rate):
        raise SessionError(f"{path}: {rate} Hz is no sample rate", "save the set again in Live")
    tracks = tuple(replace(track, clips=tuple(_clip(c, points, rate) for c in clips)) for track, clips in found)
    markers = tuple(sorted(_markers(live, reading, rate), key=lambda marker: marker.at))
    _tell_main(live, reading)
    key, meant = _key(live, bool(ours)), _as_meant(points)
    session = Session(
        song=song_from(markers, meant, rate, one_line(path.stem), lines=[f"Key: {key}"] if key else []),
        tracks=tracks,
        sample_rate=rate,
        frames=max([end_of(tracks), *(marker.at for marker in markers)]),
        markers=markers,
        notes=tuple(map(one_line, value(live, "Annotation").splitlines())),
    )
    return Opened(session, reading.told.lines())


def _key(live: _Element, ours: bool) -> str | None:
    """The scale, where it is on and major or minor. C major counts only in our sets: it is Live's default."""
    with suppress(ValueError):
        root = value(live, "ScaleInformation/Root") or value(live, "ScaleInformation/RootNote")
        mode = value(live, "ScaleInformation/Name").lower()
        kind = MODES[int(mode)] if mode in ("0", "1") else mode  # in words before Live 12
        key = parse_key(f"{PITCH_CLASSES[int(root) % 12]} {kind}")
        if value(live, "InKey") == "true" and (ours or key != "C major"):
            return key
    return None


def _as_meant(points: tuple[GridPoint, ...]) -> tuple[GridPoint, ...]:
    """Tempos as a human writes them, 123.4 for the float 123.40000153; the short metre of a lead-in as it was."""
    changes = []
    for point in points:
        bpm = float(point.bpm)
        short = round(bpm, 4)
        changes.append((point.quarters, exact_bpm(short if single(short) == bpm else bpm), point.meter))
    if len(points) > 1 and points[0].meter == (1, 16):
        beats, unit = (points[1].quarters / 4).as_integer_ratio()  # of whole notes
        if beats in (1, 3) and unit in (16, 32, 64):
            changes[0] = (*changes[0][:2], (beats, unit))
    return points_of(changes)


def _markers(live: _Element, reading: _Reading, rate: int) -> Iterator[Marker]:
    for locator in live.iterfind("Locators/Locators/Locator"):
        place = seconds_at(reading.points, max(reading.place(number(locator, "Time")), Fraction(0)))
        yield Marker(frames_of(place, rate), one_line(value(locator, "Name")))


def _tracks(live: _Element, reading: _Reading) -> Iterator[tuple[Track, list[_Found]]]:
    elements = []
    for element in at(live, "Tracks"):
        if element.tag in ("AudioTrack", "GroupTrack"):
            elements.append(element)
        else:
            kind = {"MidiTrack": "MIDI tracks", "ReturnTrack": "return tracks"}.get(element.tag, "other tracks")
            reading.told.tell(f"{kind} are not read")
    groups: dict[str, str] = {}
    for name, element in zip(unique(map(name_of, elements)), elements, strict=True):
        mixer, is_group = element.find("DeviceChain/Mixer"), element.tag == "GroupTrack"
        _tell_track(element, name, reading)
        yield (
            Track(
                name,
                guess_role(name),
                group=groups.get(value(element, "TrackGroupId")),
                is_group=is_group,
                colour=colours.colour(int(number(element, "Color", -1))),
                gain_db=gain(number(mixer, "Volume/Manual", 1.0)),
                pan=min(max(number(mixer, "Pan/Manual"), -1.0), 1.0),
                mute=value(mixer, "Speaker/Manual") == "false",
                solo=value(mixer, "SoloSink") == "true",
                comment=one_line(value(element, "Name/Annotation")),
            ),
            [] if is_group else list(_clips(element, name, reading)),
        )
        if is_group:
            groups[element.get("Id", "")] = name


def _tell_main(live: _Element, reading: _Reading) -> None:
    main = live.find("MainTrack")
    main = live.find("MasterTrack") if main is None else main  # before Live 12
    if main is not None and main.find(_DEVICES) is not None:
        reading.told.tell("devices of the main track are not read")
    level = number(main, "DeviceChain/Mixer/Volume/Manual", 1.0), number(main, "DeviceChain/Mixer/Pan/Manual")
    if level != (1.0, 0.0):
        reading.told.tell("the volume and pan of the main track are not read")


def _tell_track(track: _Element, name: str, reading: _Reading) -> None:
    sends = (number(send, "Send/Manual") for send in track.iterfind("DeviceChain/Mixer/Sends/TrackSendHolder"))
    for what, found in {
        "automation is not read": track.find("AutomationEnvelopes/Envelopes/AutomationEnvelope") is not None,
        "devices are not read": track.find(_DEVICES) is not None,
        "sends are not read": any(level > _SEND_OFF for level in sends),
        "delays of tracks are not read": number(track, "TrackDelay/Value") != 0,
        "session clips are not read": track.find("DeviceChain/MainSequencer/ClipSlotList//AudioClip") is not None,
    }.items():
        if found:
            reading.told.tell(what, name)


def _clips(track: _Element, name: str, reading: _Reading) -> Iterator[_Found]:
    for clip in track.iterfind(f"{EVENTS}/AudioClip"):
        start, end = (max(reading.place(number(clip, f"Current{side}")), Fraction(0)) for side in ("Start", "End"))
        source, flaw, until = _source(clip, reading, start, end)
        end = min(end, until)
        if end <= start or value(clip, "Disabled") == "true":
            reading.told.tell("clips that are empty or switched off are left out", name)
            continue
        if flaw or number(clip, "PitchCoarse") or number(clip, "PitchFine"):
            reading.told.tell(f"a clip {flaw or 'is transposed'}, which is not read", name)
        if clip.find("Envelopes/Envelopes/ClipEnvelope") is not None:
            reading.told.tell("envelopes of clips are not read", name)
        length = seconds_at(reading.points, end) - seconds_at(reading.points, start)
        fade_in, fade_out = (
            max(reading.place(number(clip, f"Fades/Fade{side}Length")), Fraction(0)) for side in ("In", "Out")
        )
        level, warped = gain(number(clip, "SampleVolume", 1.0)), value(clip, "IsWarped") == "true"
        yield _Found(_file(clip, reading, source + length), start, end, source, fade_in, fade_out, level, warped)


def _source(clip: _Element, reading: _Reading, start: Fraction, end: Fraction) -> tuple[Fraction, str, Fraction]:
    """The second of the file with which a clip begins, what is odd, and the quarter note at which it is played up."""
    low, high, offset = (reading.place(number(clip, f"Loop/{n}")) for n in ("LoopStart", "LoopEnd", "StartRelative"))
    looped = value(clip, "Loop/LoopOn") == "true"
    begin, points = low + offset, reading.points
    if value(clip, "IsWarped") != "true":
        until = quarters_at(points, seconds_at(points, start) + high - begin) if looped else end
        odd = "repeats" if until + Fraction(1, 1000) < end else ""
        return begin, odd, until if odd else end
    until = start + high - begin if looped else end
    odd = "repeats" if until < end else ""
    end = min(end, until)
    seconds = {plain(m.get("BeatTime")): plain(m.get("SecTime")) for m in clip.iterfind("WarpMarkers/*")}
    if len(seconds) < 2:
        return begin * 60 / points[0].bpm, "is warped without markers", end
    warps = [(Fraction(beat), Fraction(second)) for beat, second in sorted(seconds.items())]
    zero, origin = seconds_at(points, start), along(warps, begin)
    corners = [begin + end - start, *(b for b, _ in warps if begin < b < begin + end - start)]
    corners += [begin + p.quarters - start for p in points if start < p.quarters < end]
    stretched = any(
        abs(along(warps, beat) - origin - seconds_at(points, start + beat - begin) + zero) > _TOLERANCE
        for beat in corners
    )
    return origin, odd or ("is stretched by its warp markers" if stretched else ""), end


def _file(clip: _Element, reading: _Reading, needed: Fraction) -> AudioFile:
    reference = clip.find("SampleRef/FileRef")
    name = value(reference, "RelativePath") or value(reference, "Path")
    if not name and reference is not None:  # Live 10
        folders = [element.get("Dir") or ".." for element in reference.iterfind("RelativePath/RelativePathElement")]
        name = str(PurePosixPath(*folders, value(reference, "Name")))
    rate = int(number(clip, "SampleRef/DefaultSampleRate", _DEFAULT_RATE))
    rate = rate if is_rate(rate) else _DEFAULT_RATE
    frames = max(int(number(clip, "SampleRef/DefaultDuration")), frames_of(needed, rate), 1)
    return reading.media.file(name, rate, frames)


def _clip(found: _Found, points: tuple[GridPoint, ...], rate: int) -> Clip:
    def frame(beat: Fraction) -> int:
        return frames_of(seconds_at(points, beat), rate)

    start, end = frame(found.start), frame(found.end)
    fade_in = min(frame(found.start + found.fade_in) - start, end - start)
    fade_out = min(end - frame(max(found.end - found.fade_out, Fraction(0))), end - start)
    source = max(frames_of(found.source, rate), 0)
    return Clip(found.file, start, end - start, source, found.gain_db, fade_in, fade_out)
