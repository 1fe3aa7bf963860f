"""Writing a DAWproject: its two XML files, and what hosts may not take."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright import __version__
from stemwright.errors import SessionError
from stemwright.model import Loss, Session, Track
from stemwright.safety import atomic
from stemwright.session.formats import Written
from stemwright.session.formats.dawproject.clips import Making, entry, entry_names, put_clip, store
from stemwright.session.formats.xml import add, text
from stemwright.session.grid import grid, longest
from stemwright.session.media import foreign
from stemwright.units import linear, seconds, spell_key

if TYPE_CHECKING:
    from lxml.etree import _Element

STYLES = ("bitwig", "raw")

_TEMPO_RANGE = (20.0, 666.0)
"""BPM that Bitwig takes."""

_TAKEN = frozenset({"wav", "aiff", "flac", "ogg"})
"""Containers that Bitwig, Studio One and Cubase all read."""

_FADER_TOP = 2.0
"""+6 dB, where the volume of a track ends in Bitwig."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the project with its audio.

    Raises SessionError for an unknown style, NotFoundInput or InputError for a file that cannot be read, DamagedAudio
    for one that changes meanwhile.
    """
    from lxml import etree

    style = options.get("style") or STYLES[0]
    if style not in STYLES:
        raise SessionError(f"DAWproject has no style {style!r}", f"known: {', '.join(STYLES)}")
    files = {file.path: file for file in session.files}
    making = Making(session, grid(session.song), entry_names(files), style, (f"id{number}" for number in count()))
    with atomic(path) as part, zipfile.ZipFile(part, "w") as made:
        for name, root in (("metadata.xml", _metadata(session)), ("project.xml", _project(making))):
            data = etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True, pretty_print=True)
            made.writestr(entry(name), data)
        for file in files.values():
            store(made, file, making.names[file.path])
    return Written(losses=tuple(_losses(making)))


def _losses(making: Making) -> Iterator[Loss]:
    slowest, fastest = _TEMPO_RANGE
    if any(not slowest <= point.bpm <= fastest for point in making.points):
        yield Loss("song", "tempo", f"hosts may refuse a tempo outside of {slowest:g} to {fastest:g} BPM")
    yield from foreign(making.session, _TAKEN, "hosts")
    for track in making.session.tracks:
        if track.clip_gain_db:
            yield Loss(track.name, "gain", f"the volume contains {track.clip_gain_db:+.2f} dB of clip gain")
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


def _project(making: Making) -> _Element:
    from lxml import etree

    points, ids = making.points, making.ids
    main = longest(points, seconds(making.session.frames, making.session.sample_rate))
    root = etree.Element("Project", {"version": "1.0"})
    add(root, "Application", name="stemwright", version=__version__)
    transport = add(root, "Transport")
    slowest = min(_TEMPO_RANGE[0], *(float(p.bpm) for p in points))
    fastest = max(_TEMPO_RANGE[1], *(float(p.bpm) for p in points))
    tempo, signature = next(ids), next(ids)
    add(transport, "Tempo", max=fastest, min=slowest, unit="bpm", value=main.bpm, id=tempo, name="Tempo")
    add(transport, "TimeSignature", denominator=main.meter[1], numerator=main.meter[0], id=signature)
    track_ids = _structure(making, add(root, "Structure"))
    arrangement = add(root, "Arrangement", id=next(ids))
    lanes = add(arrangement, "Lanes", timeUnit="beats", id=next(ids))
    for track, track_id in zip(making.session.tracks, track_ids, strict=True):
        clips = add(add(lanes, "Lanes", track=track_id, id=next(ids)), "Clips", id=next(ids))
        for clip in track.clips:
            put_clip(making, clips, track, clip, track.clip_gain_db)
    if making.session.markers:
        markers = add(arrangement, "Markers", timeUnit="beats", id=next(ids))
        for marker in making.session.markers:
            add(markers, "Marker", time=making.beats(marker.at), name=marker.name, color=marker.colour)
    changes = add(arrangement, "TempoAutomation", unit="bpm", timeUnit="beats", id=next(ids))
    add(changes, "Target", parameter=tempo)
    for point in points:
        add(changes, "RealPoint", time=point.quarters, value=point.bpm, interpolation="hold")
    changes = add(arrangement, "TimeSignatureAutomation", timeUnit="beats", id=next(ids))
    add(changes, "Target", parameter=signature)
    for meter, group in groupby(points, key=lambda point: point.meter):
        at = next(group).quarters
        add(changes, "TimeSignaturePoint", time=at, numerator=meter[0], denominator=meter[1])
    add(root, "Scenes")
    return root


def _structure(making: Making, structure: _Element) -> list[str]:
    """Add the tracks and the master track; the ids of the tracks in order."""
    ids, master = making.ids, next(making.ids)
    found = []
    groups: dict[str | None, tuple[_Element, str]] = {None: (structure, master)}
    for track in making.session.tracks:
        parent, destination = groups[track.group]
        found.append(next(ids))
        content = "tracks" if track.is_group else "audio"
        element = add(
            parent, "Track", contentType=content, loaded=True, id=found[-1], name=track.name, color=track.colour,
            comment=track.comment or None,
        )  # fmt: skip
        channel = next(ids)
        if track.is_group:
            groups[track.name] = element, channel
        _channel(making, element, track, channel, destination=destination)
    last = add(structure, "Track", contentType="audio notes", loaded=True, id=next(ids), name="Master")
    _channel(making, last, Track("Master", is_group=True), master)
    return found


def _channel(making: Making, element: _Element, track: Track, own: str, **values: object) -> None:
    role = "master" if track.is_group else "regular"
    channel = add(element, "Channel", audioChannels=track.channels or 2, **values, role=role, solo=track.solo, id=own)
    ids, volume = making.ids, _volume(track)
    add(channel, "Mute", value=track.mute, id=next(ids), name="Mute")
    pan = (1 + track.pan) / 2
    add(channel, "Pan", max=1.0, min=0.0, unit="normalized", value=pan, id=next(ids), name="Pan")
    top = max(volume, _FADER_TOP)
    add(channel, "Volume", max=top, min=0.0, unit="linear", value=volume, id=next(ids), name="Volume")


def _volume(track: Track) -> float:
    return linear(track.gain_db + track.clip_gain_db)
