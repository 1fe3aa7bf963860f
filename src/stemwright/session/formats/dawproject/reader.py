"""The reader of DAWproject: tracks, tempo and markers of any DAW's project, and the audio inside it.

What the model has no place for (notes, plug-ins, automation, clip launcher, stretched audio) is told in a warning.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Marker, Session, Track, end_of
from stemwright.naming import one_line, unique
from stemwright.session.formats import Opened
from stemwright.session.formats.dawproject import container
from stemwright.session.formats.dawproject.timeline import Piece, Place, amplitude, number, pieces
from stemwright.session.grid import DEFAULT_BPM, GridPoint, changes_of, is_meter, is_tempo, points_of, song_from
from stemwright.session.media import Roots, find_media, read_media
from stemwright.session.told import Told
from stemwright.session.unpacked import new_folder
from stemwright.units import exact_bpm, frames, gain, rescale

if TYPE_CHECKING:
    from lxml.etree import _Element

GAIN_IN_VOLUME = "Clip gain in the track's volume: "
"""How the comment of a clip begins that tells the clip gain (dB) which the volume of its track contains."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

_LEFT_OUT = {
    "notes (MIDI)": "//Notes",
    "video": "//Video",
    "plug-ins": "//Devices/*",
    "sends": "//Sends/*",
    "automation": "/Project/Arrangement/Lanes//Points[Target/@parameter]",
    "the clip launcher": "/Project/Scenes//Audio",
    "aliases of other clips": "/Project/Arrangement//Clip[@reference]",
    "clips that are switched off": "/Project/Arrangement//Clip[@enable='false' or @enable='0']",
    "moving gain, pan and pitch of clips": "/Project/Arrangement//Points[Target[@expression]]"
    "[Target/@expression != 'gain' or count(RealPoint) > 1]",
}
"""What the model does not hold, and where it stands in a project."""


@dataclass(slots=True)
class _Reading:
    """What reading a project needs and finds."""

    path: Path
    archive: zipfile.ZipFile
    roots: Roots
    rate: int
    points: tuple[GridPoint, ...]
    told: Told = field(default_factory=Told)
    files: dict[str, AudioFile] = field(default_factory=dict)
    folder: Path | None = None

    def frames(self, at: Fraction) -> int:
        return frames(at, self.rate)


def read(path: Path, roots: Roots) -> Opened:
    """The session in a .dawproject.

    Audio that lies beside it as it is inside, by size and CRC-32, is used there; the rest is unpacked
    (see `session.unpacked`), which a warning tells. Raises InputError and SessionError.
    """
    with container.opened(path) as archive:
        _, root = container.project(archive, path)
        _, meta = container.xml(archive, path, "metadata.xml")
        rates = Counter(_whole(audio, "sampleRate", 48000, 8000, 768000) for audio in root.iter("Audio"))
        rate = rates.most_common(1)[0][0] if rates else 48000
        reading = _Reading(path, archive, roots, rate, points_in(root))
        for phrase, where in _LEFT_OUT.items():
            if root.xpath(f"boolean({where})"):
                reading.told.tell(f"{phrase}: left out")
        tracks = tuple(_tracks(reading, root))
        markers = tuple(_markers(reading, root))
        notes = tuple(line for line in map(one_line, _text(meta, "Comment").splitlines()) if line)
    title, artist = one_line(_text(meta, "Title")) or one_line(path.stem), one_line(_text(meta, "Artist"))
    song = song_from(markers, reading.points, rate, title, artist, notes)
    return Opened(Session(song, tracks, rate, end_of(tracks), markers, notes=notes), reading.told.lines())


def _text(meta: _Element | None, tag: str) -> str:
    return (meta.findtext(tag) or "") if meta is not None else ""


def _whole(element: _Element, name: str, default: int, least: int, most: int) -> int:
    value = number(element, name, default)
    if not least <= value <= most:
        raise SessionError(f"{element.tag} {name}={element.get(name)!r} cannot be", "export the session again")
    return int(value)


def points_in(root: _Element) -> tuple[GridPoint, ...]:
    """The tempo map; a ramp is a step of its mean tempo."""
    transport, automation = root.find("Transport/Tempo"), root.find("Arrangement/TempoAutomation")
    base = _bpm(transport) if transport is not None and transport.get("value") else exact_bpm(DEFAULT_BPM)
    tempos = dict(_tempos(automation)) if automation is not None else {}
    meters = {Fraction(0): (4, 4)}
    for element in (
        *root.iterfind("Transport/TimeSignature"),
        *root.iterfind("Arrangement/TimeSignatureAutomation/TimeSignaturePoint"),
    ):
        meter = tuple(int(number(element, name, 4)) for name in ("numerator", "denominator"))
        if is_meter(*meter):
            meters[max(number(element, "time", 0), Fraction(0))] = meter[0], meter[1]
    return points_of(changes_of(tempos or {Fraction(0): base}, meters))


def _bpm(element: _Element) -> Fraction:
    bpm = exact_bpm(float(number(element, "value")))
    if not is_tempo(bpm):
        raise SessionError(f"a tempo of {float(bpm):g} BPM cannot be", "export the session again")
    return bpm


def _tempos(automation: _Element) -> Iterator[tuple[Fraction, Fraction]]:
    """Quarters and BPM of every tempo point, in order."""
    rows = sorted(
        ((max(number(p, "time"), Fraction(0)), _bpm(p), p.get("interpolation")) for p in automation.iter("RealPoint")),
        key=lambda row: row[0],
    )
    quarters = before = Fraction(0)
    last = rows[0][1] if rows else Fraction(0)
    for (at, bpm, interpolation), following in zip(rows, (*rows[1:], None), strict=True):
        step = (at - before) * last / 60 if automation.get("timeUnit") == "seconds" else at - before
        quarters, before, last = quarters + step, at, bpm
        if following and interpolation == "linear" and following[1] != bpm:
            # Over beats, the time of a ramp is that of its logarithmic mean.
            there = following[1]
            last = exact_bpm(float(there - bpm) / math.log(there / bpm))
        yield quarters, last


def _markers(reading: _Reading, root: _Element) -> Iterator[Marker]:
    units = [lanes.get("timeUnit") for lanes in root.iterfind("Arrangement/Lanes")]
    for markers in root.iterfind("Arrangement/Markers"):
        here = Place(reading.points).counted_in(markers.get("timeUnit", next(iter(units), None)))
        for marker in markers.iterfind("Marker"):
            at = max(reading.frames(here.seconds(number(marker, "time"))), 0)
            yield Marker(at, one_line(marker.get("name", "")), colour=_colour(marker))


def _colour(element: _Element) -> str | None:
    found = _COLOUR.match(element.get("color", ""))
    return found[0] if found else None


def _tracks(reading: _Reading, root: _Element) -> Iterator[Track]:
    """Every track in order, groups before their members, the master track left out."""
    lying: dict[str, list[Piece]] = {}
    lanes = root.find("Arrangement/Lanes")
    for track_id, piece in pieces(lanes, Place(reading.points)) if lanes is not None else ():
        lying.setdefault(track_id, []).append(piece)
    rows = [(element, element.getparent()) for element in root.iterfind("Structure//Track")]
    rows = [(element, parent) for element, parent in rows if not _is_master(reading, element)]
    ids = [element.get("id", "") for element, _ in rows]
    own = [row for row, (element, _) in enumerate(rows) if is_group(element) and ids[row] in lying]
    strays = sorted(lying.keys() - set(ids))
    called = [element.get("name", "") for element, _ in rows]
    names = unique([*called, *(called[row] for row in own), *("Audio" for _ in strays)])
    named = {element: name for (element, _), name in zip(rows, names, strict=False)}
    for row, (element, parent) in enumerate(rows):
        track = _track(reading, element, names[row], named.get(parent) if parent is not None else None)
        clips = tuple(_clips(reading, lying.get(ids[row], [])))
        shared = {_gain_in_volume(piece) for piece in lying.get(ids[row], [])}
        if len(shared) == 1 and (moved := shared.pop()):
            track = replace(track, gain_db=round(track.gain_db - moved, 9))
            clips = tuple(replace(clip, gain_db=round(clip.gain_db + moved, 9)) for clip in clips)
        yield replace(track, clips=() if track.is_group else clips)
        if row in own:
            reading.told.tell("clips of groups are put on a track of their own", track.name)
            yield Track(names[len(rows) + own.index(row)], clips=clips, group=track.name)
    for stray, name in zip(strays, names[len(rows) + len(own) :], strict=True):
        reading.told.tell("clips of a track that is not there are put on one of their own", name)
        yield Track(name, clips=tuple(_clips(reading, lying[stray])))


def _gain_in_volume(piece: Piece) -> float:
    """Clip gain in dB that is part of the track's volume, see `GAIN_IN_VOLUME`."""
    if piece.comment.startswith(GAIN_IN_VOLUME):
        with suppress(ValueError):
            level = float(piece.comment[len(GAIN_IN_VOLUME) :].removesuffix(" dB"))
            return level if abs(level) < 200 else 0.0
    return 0.0


def _is_master(reading: _Reading, element: _Element) -> bool:
    """Whether it is the master track; what it does to the sound is told."""
    if not is_master(element):
        return False
    master = _track(reading, element, "", None)
    if master.mute or master.gain_db or master.pan:
        reading.told.tell("the master track is muted or not at 0 dB and centre: left out")
    return True


def is_master(element: _Element) -> bool:
    """Whether all other tracks go through a track."""
    channel = element.find("Channel")
    return channel is not None and channel.get("role") == "master" and not is_group(element)


def is_group(element: _Element) -> bool:
    """Whether a track holds tracks."""
    return "tracks" in element.get("contentType", "").split() or element.find("Track") is not None


def _track(reading: _Reading, element: _Element, name: str, group: str | None) -> Track:
    volume, pan = element.find("Channel/Volume"), element.find("Channel/Pan")
    mute, channel = element.find("Channel/Mute"), element.find("Channel")
    level, side = 0.0, 0.0
    if volume is not None and volume.get("value"):
        level = gain(amplitude(volume.get("unit"), number(volume, "value")))
    if pan is not None and pan.get("value"):
        least = -1 if pan.get("unit") == "linear" else 0
        low, high = number(pan, "min", least), number(pan, "max", 1)
        side = float((number(pan, "value") - low) / (high - low) * 2 - 1) if high > low else 0.0
    return Track(
        name,
        group=group,
        is_group=is_group(element),
        colour=_colour(element),
        gain_db=level,
        pan=round(min(max(side, -1.0), 1.0), 12),
        mute=mute is not None and mute.get("value") in ("true", "1"),
        solo=channel is not None and channel.get("solo") in ("true", "1"),
        comment=one_line(element.get("comment", "")),
    )


def _clips(reading: _Reading, lying: list[Piece]) -> Iterator[Clip]:
    for piece in sorted(lying, key=lambda piece: piece.start):
        file = _file(reading, piece.audio)
        at, source = reading.frames(piece.start), reading.frames(piece.source)
        has = rescale(file.frames, file.format.sample_rate, reading.rate)
        length = min(reading.frames(piece.end) - at, has - source)
        if piece.flaw:
            reading.told.tell(piece.flaw, file.path.name)
        if length > 0:
            fades = (min(max(reading.frames(fade), 0), length) for fade in (piece.fade_in, piece.fade_out))
            yield Clip(file, at, length, source, gain(piece.gain), *fades)


def _file(reading: _Reading, audio: _Element) -> AudioFile:
    reference = audio.find("File")
    name = reference.get("path", "") if reference is not None else ""
    if name not in reading.files:
        rate = _whole(audio, "sampleRate", reading.rate, 8000, 768000)
        length, channels = frames(number(audio, "duration"), rate), _whole(audio, "channels", 2, 1, 1024)
        inside, roots = name, reading.roots
        outside = reference is None or reference.get("external") in ("true", "1")
        with suppress(KeyError):
            entry = None if outside else reading.archive.getinfo(name.replace("\\", "/").removeprefix("./"))
            beside = find_media(name, replace(roots, search=True)) if entry else None
            if entry and not (beside and container.same(reading.archive, entry, beside)):
                if reading.folder is None:
                    reading.folder = new_folder()
                    reading.told.tell("audio that lies in the project only was unpacked for this run")
                beside = container.unpack(reading.archive, reading.path, entry, reading.folder)
            if beside:
                inside, roots = beside.name, Roots(beside.parent)
        file, warning = read_media(inside, roots, sample_rate=rate, frames=length, channels=channels)
        reading.files[name] = file
        if warning:
            reading.told.tell(warning)
    return reading.files[name]
