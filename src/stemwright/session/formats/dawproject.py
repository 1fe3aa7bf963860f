"""DAWproject 1.0 (.dawproject) for Bitwig, Studio One, Cubase, n-Track: a zip of two XML files and the audio itself.

Source: Project.xsd, MetaData.xsd and the sample project of the format's authors (bitwig/dawproject). Beats are quarter
notes. Everything lies on one timeline in beats; by default a clip has the form that Bitwig exports and most readers
keep: Clips > Clip > Clips > Clip > Warps > Audio, with a warp point at each tempo change, so that audio runs at its own
speed. `style="raw"` is the authors' plain form, Clip > Audio in seconds, without warps.

Audio is stored uncompressed under `audio/`, every file as it is, bit for bit. A group is a track that contains its
members, its bus a channel of role "master" (readers refuse "submix"); the master track comes last. Clip gain has no
attribute: one that all clips of a track share goes into the track's volume, where a comment of the clips tells it,
others become a gain expression. The key stands in the comment of the metadata.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright import __version__
from stemwright.audio.probe import changed
from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Loss, Session, Track
from stemwright.naming import unused
from stemwright.safety import atomic, readable
from stemwright.session.formats import FIELDS, STAMP, Written
from stemwright.session.formats._dawproject_read import GAIN_IN_VOLUME, session_of
from stemwright.session.formats._xml import text
from stemwright.session.grid import GridPoint, grid, quarters_at
from stemwright.units import linear, seconds, spell_key

if TYPE_CHECKING:
    from lxml.etree import _Element

NAME = "DAWproject"
SUFFIXES = (".dawproject",)
EXPRESSES = frozenset(FIELDS) - {"regions", "key", "clip_gain", "start_timecode"}
OPTIONS = frozenset({"style"})
MIXED_RATES = True
MOST_BYTES = 1 << 40

STYLES = ("bitwig", "raw")

read = session_of

_TEMPO_RANGE = (20.0, 666.0)
"""BPM that Bitwig takes."""

_FADER_TOP = 2.0
"""+6 dB, where the volume of a track ends in Bitwig."""

_UNSAFE = re.compile(r'[<>:"/\\|?*]')
"""What a file name on some system cannot hold."""


@dataclass(frozen=True, slots=True)
class _Making:
    """What every part of the project needs."""

    session: Session
    points: tuple[GridPoint, ...]
    names: Mapping[Path, str]
    """Where in the zip each file lies."""
    style: str
    ids: Iterator[str]

    def beats(self, frame: int) -> Fraction:
        return quarters_at(self.points, seconds(frame, self.session.sample_rate))


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the project with its audio.

    Raises SessionError for an unknown style or a group after its members, NotFoundInput or InputError for a file that
    cannot be read, DamagedAudio for one that changes meanwhile.
    """
    from lxml import etree

    style = options.get("style") or STYLES[0]
    if style not in STYLES:
        raise SessionError(f"DAWproject has no style {style!r}", f"known: {', '.join(STYLES)}")
    files = {clip.file.path: clip.file for track in session.tracks for clip in track.clips}
    making = _Making(session, grid(session.song), _names(files), style, (f"id{number}" for number in count()))
    with atomic(path) as part, zipfile.ZipFile(part, "w") as made:
        for name, root in (("metadata.xml", _metadata(session)), ("project.xml", _project(making))):
            data = etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True, pretty_print=True)
            made.writestr(_entry(name), data)
        for file in files.values():
            _store(made, file, making.names[file.path])
    return Written(losses=tuple(_losses(making)))


def _names(files: Mapping[Path, AudioFile]) -> dict[Path, str]:
    taken: set[str] = set()
    safe = {path: Path(_UNSAFE.sub("_", text(path.name))) for path in files}
    return {path: f"audio/{unused(name.stem, taken)}{name.suffix.lower()}" for path, name in safe.items()}


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


def _store(made: zipfile.ZipFile, file: AudioFile, name: str) -> None:
    info = _entry(name)
    try:
        source = file.path.open("rb")
    except OSError as error:
        raise readable(error, file.path) from error
    with source:
        size = info.file_size = file.path.stat().st_size  # more than 2 GiB asks for ZIP64
        with made.open(info, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    if info.file_size != size:
        raise changed(file.path)


def _losses(making: _Making) -> Iterator[Loss]:
    slowest, fastest = _TEMPO_RANGE
    if any(not slowest <= point.bpm <= fastest for point in making.points):
        yield Loss("song", "tempo", f"hosts may refuse a tempo outside of {slowest:g} to {fastest:g} BPM")
    for track in making.session.tracks:
        if _shared_gain(track):
            yield Loss(track.name, "gain", f"the volume contains {_shared_gain(track):+.2f} dB of clip gain")
        if _volume(track) > _FADER_TOP:
            yield Loss(track.name, "gain", "hosts may cut a volume of more than +6 dB")


def _metadata(session: Session) -> _Element:
    from lxml import etree

    song = session.song
    notes = list(session.notes)
    if song.key and not any(note.startswith("Key:") for note in notes):
        notes.append(f"Key: {spell_key(song.key.value)}")
    root = etree.Element("MetaData")
    for tag, lines in (("Title", [song.title]), ("Artist", [song.artist]), ("Comment", notes)):
        etree.SubElement(root, tag).text = "\n".join(map(text, lines))
    return root


def _add(parent: _Element, tag: str, **attributes: object) -> _Element:
    """A new last child; attributes that are None are left out."""
    from lxml import etree

    plain = {name: _plain(value) for name, value in attributes.items() if value is not None}
    return etree.SubElement(parent, tag, plain)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(float(value)) if isinstance(value, Fraction | float) else text(str(value))


def _project(making: _Making) -> _Element:
    from lxml import etree

    points, ids = making.points, making.ids
    ends = (*(point.at for point in points[1:]), seconds(making.session.frames, making.session.sample_rate))
    # A host that knows no changes gets the tempo that lasts longest: with it, most of the audio keeps its speed.
    main = max(zip(points, ends, strict=True), key=lambda pair: pair[1] - pair[0].at)[0]
    root = etree.Element("Project", {"version": "1.0"})
    _add(root, "Application", name="stemwright", version=__version__)
    transport = _add(root, "Transport")
    slowest = min(_TEMPO_RANGE[0], *(float(p.bpm) for p in points))
    fastest = max(_TEMPO_RANGE[1], *(float(p.bpm) for p in points))
    tempo, signature = next(ids), next(ids)
    _add(transport, "Tempo", max=fastest, min=slowest, unit="bpm", value=main.bpm, id=tempo, name="Tempo")
    _add(transport, "TimeSignature", denominator=main.meter[1], numerator=main.meter[0], id=signature)
    track_ids = _structure(making, _add(root, "Structure"))
    arrangement = _add(root, "Arrangement", id=next(ids))
    lanes = _add(arrangement, "Lanes", timeUnit="beats", id=next(ids))
    for track, track_id in zip(making.session.tracks, track_ids, strict=True):
        clips = _add(_add(lanes, "Lanes", track=track_id, id=next(ids)), "Clips", id=next(ids))
        for clip in track.clips:
            _clip(making, clips, track, clip)
    if making.session.markers:
        markers = _add(arrangement, "Markers", timeUnit="beats", id=next(ids))
        for marker in making.session.markers:
            _add(markers, "Marker", time=making.beats(marker.at), name=marker.name, color=marker.colour)
    changes = _add(arrangement, "TempoAutomation", unit="bpm", timeUnit="beats", id=next(ids))
    _add(changes, "Target", parameter=tempo)
    for point in points:
        _add(changes, "RealPoint", time=point.quarters, value=point.bpm, interpolation="hold")
    changes = _add(arrangement, "TimeSignatureAutomation", timeUnit="beats", id=next(ids))
    _add(changes, "Target", parameter=signature)
    for meter, group in groupby(points, key=lambda point: point.meter):
        at = next(group).quarters
        _add(changes, "TimeSignaturePoint", time=at, numerator=meter[0], denominator=meter[1])
    _add(root, "Scenes")
    return root


def _structure(making: _Making, structure: _Element) -> list[str]:
    """Add the tracks and the master track; the ids of the tracks in order."""
    ids, master = making.ids, next(making.ids)
    found = []
    groups: dict[str | None, tuple[_Element, str]] = {None: (structure, master)}
    for track in making.session.tracks:
        if track.group not in groups:
            raise SessionError(
                f"{track.name}: its group {track.group!r} does not stand before it", "put every group before its tracks"
            )
        parent, destination = groups[track.group]
        found.append(next(ids))
        content = "tracks" if track.is_group else "audio"
        element = _add(
            parent, "Track", contentType=content, loaded=True, id=found[-1], name=track.name, color=track.colour,
            comment=track.comment or None,
        )  # fmt: skip
        channel = next(ids)
        if track.is_group:
            groups[track.name] = element, channel
        _channel(making, element, track, channel, destination=destination)
    last = _add(structure, "Track", contentType="audio notes", loaded=True, id=next(ids), name="Master")
    _channel(making, last, Track("Master", is_group=True), master)
    return found


def _channel(making: _Making, element: _Element, track: Track, own: str, **values: object) -> None:
    channels = max((clip.file.format.channels for clip in track.clips), default=2)
    role = "master" if track.is_group else "regular"
    channel = _add(element, "Channel", audioChannels=channels, **values, role=role, solo=track.solo, id=own)
    ids, volume = making.ids, _volume(track)
    _add(channel, "Mute", value=track.mute, id=next(ids), name="Mute")
    pan = (1 + track.pan) / 2
    _add(channel, "Pan", max=1.0, min=0.0, unit="normalized", value=pan, id=next(ids), name="Pan")
    top = max(volume, _FADER_TOP)
    _add(channel, "Volume", max=top, min=0.0, unit="linear", value=volume, id=next(ids), name="Volume")


def _shared_gain(track: Track) -> float:
    """The clip gain in dB that all clips of a track have, 0 when they differ."""
    gains = {clip.gain_db for clip in track.clips}
    return gains.pop() if len(gains) == 1 else 0.0


def _volume(track: Track) -> float:
    return linear(track.gain_db + _shared_gain(track))


def _clip(making: _Making, clips: _Element, track: Track, clip: Clip) -> None:
    beats, rate = making.beats, making.session.sample_rate
    at, end, shared = beats(clip.at), beats(clip.at + clip.length), _shared_gain(track)
    place: dict[str, object] = {"time": at, "duration": end - at, "name": track.name}
    place |= {"comment": f"{GAIN_IN_VOLUME}{shared:.9g} dB"} if shared else {}
    if making.style == "raw":
        start = seconds(clip.source_from, rate)
        holder = _add(
            clips, "Clip", **place, contentTimeUnit="seconds", playStart=start,
            playStop=start + seconds(clip.length, rate), fadeTimeUnit="seconds",
            fadeInTime=seconds(clip.fade_in, rate), fadeOutTime=seconds(clip.fade_out, rate),
        )  # fmt: skip
        _audio(making, _with_gain(making, holder, clip, shared), clip.file)
        return
    outer = _add(
        clips, "Clip", **place, playStart=0.0, fadeTimeUnit="beats", fadeInTime=beats(clip.at + clip.fade_in) - at,
        fadeOutTime=end - beats(clip.at + clip.length - clip.fade_out),
    )  # fmt: skip
    zero = beats(clip.at - clip.source_from)
    inner = _add(
        _add(outer, "Clips", id=next(making.ids)), "Clip", time=0.0, duration=end - at, contentTimeUnit="beats",
        playStart=at - zero,
    )  # fmt: skip
    holder = _with_gain(making, inner, clip, shared)
    warps = _add(holder, "Warps", contentTimeUnit="seconds", timeUnit="beats", id=next(making.ids))
    length = _audio(making, warps, clip.file)
    start = seconds(clip.at - clip.source_from, rate)
    bends = (point.at - start for point in making.points if 0 < point.at - start < length)
    for content in (Fraction(0), *bends, length):
        _add(warps, "Warp", time=quarters_at(making.points, start + content) - zero, contentTime=content)


def _with_gain(making: _Making, clip: _Element, model: Clip, shared: float) -> _Element:
    """Where the content of a clip goes: the clip itself, or lanes beside an expression that holds its gain."""
    if model.gain_db == shared:
        return clip
    lanes = _add(clip, "Lanes", id=next(making.ids))
    points = _add(lanes, "Points", unit="linear", id=next(making.ids))
    _add(points, "Target", expression="gain")
    _add(points, "RealPoint", time=0.0, value=linear(model.gain_db - shared), interpolation="hold")
    return lanes


def _audio(making: _Making, parent: _Element, file: AudioFile) -> Fraction:
    """Add the reference to a file; its duration in seconds."""
    rate, duration = file.format.sample_rate, seconds(file.frames, file.format.sample_rate)
    audio = _add(
        parent, "Audio", channels=file.format.channels, duration=duration, sampleRate=rate, id=next(making.ids)
    )
    _add(audio, "File", path=making.names[file.path])
    return duration
