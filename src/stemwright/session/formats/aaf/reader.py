"""An AAF as a session: what `aaf.write` expresses, and what Pro Tools, Media Composer, Premiere and Resolve write.

Every sound slot of the top-level composition is a track; several that `aaf.write` made of one are one again. Positions
in video frames become samples. A combined track is one clip of an interleaved file when such a file lies beside the
session (`Bass.wav` for `Bass.L` and `Bass.R`); when only its channels have files it becomes a track per channel. Audio
inside the AAF is used from there, see `embedded`.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from stemwright.errors import SessionError
from stemwright.model import Clip, Marker, Session, Song, Track, end_of
from stemwright.naming import guess_role, one_line, unique
from stemwright.session.formats import Opened
from stemwright.session.formats.aaf import mobs
from stemwright.session.formats.aaf.compound import damage
from stemwright.session.formats.aaf.embedded import embedded
from stemwright.session.formats.aaf.essence import channel_names
from stemwright.session.formats.aaf.media import Reading, descriptor_facts, files_of, source_of
from stemwright.session.formats.aaf.objects import Node, opened
from stemwright.session.formats.aaf.pieces import GAIN, PAN, Piece, decibels, pieces_of, played
from stemwright.session.media import Roots, is_rate

SOUND = (UUID("01030202-0200-0000-060e-2b3404010101"), UUID("78e1ebe1-6cef-11d2-807d-006008143e6f"))
"""The data definition of sound, and that of files before 2004."""

_MOST_TRACKS = 4096
_NOTE = re.compile(r"Note (\d{1,9})", re.ASCII)


def read(path: Path, roots: Roots) -> Opened:
    """The session of an AAF. Raises InputError for another kind of file, SessionError for one without a timeline."""
    with opened(path) as aaf:
        tops = aaf.compositions() or [mob for mob in aaf.mobs.values() if mob.kind == "CompositionMob"][:1]
        if not tops:
            raise SessionError("holds media but no timeline", "export the sequence itself as AAF")
        reading = Reading(aaf, replace(roots, beside=True))
        if len(tops) > 1:
            reading.told.tell(f"{len(tops)} compositions; the first one is read")
        return Opened(_session(reading, tops[0], path), reading.told.lines())


def _session(reading: Reading, top: Node, path: Path) -> Session:
    slots = list(top.nodes("Slots"))
    sound = [slot for slot in slots if is_sound(slot)]
    if len(sound) > _MOST_TRACKS:
        raise damage(f"lists {len(sound)} tracks")
    reading.rate = rate = _rate(reading, sound)
    tracks = [
        track for number, slots_of in enumerate(_joined(sound), 1) for track in _tracks(reading, slots_of, number)
    ]
    names = unique(track.name for track in tracks)
    frame_rate, drop, start = _start(slots, rate)
    title = one_line(top.text("Name")).strip() or path.stem
    return Session(
        song=Song(title, rate),
        tracks=tuple(replace(track, name=name) for track, name in zip(tracks, names, strict=True)),
        sample_rate=rate,
        frames=end_of(tracks),
        markers=tuple(sorted(_markers(slots, rate), key=lambda marker: marker.at)),
        frame_rate=frame_rate,
        drop_frame=drop,
        start_frame=start,
        notes=_notes(top),
    )


def is_sound(slot: Node) -> bool:
    """Whether a slot plays sound."""
    segment = slot.node("Segment")
    return slot.kind == "TimelineMobSlot" and segment is not None and segment.identity("DataDefinition") in SOUND


def _rate(reading: Reading, sound: list[Node]) -> int:
    """The sample rate: that of the slots, or of most essences when the slots count video frames."""
    rates = [slot.rational("EditRate") for slot in sound]
    if not any(is_rate(rate) for rate in rates):
        descriptors = (mob.node("EssenceDescription") for mob in reading.aaf.mobs.values())
        rates = [Fraction(descriptor_facts(found).sample_rate) for found in descriptors if found]
    counts = Counter(int(rate) for rate in rates if is_rate(rate))
    if sound and not counts:
        raise SessionError("names no sample rate", "export it again with an edit rate of the sample rate")
    return counts.most_common(1)[0][0] if counts else 48000


def _start(slots: list[Node], rate: int) -> tuple[Fraction, bool, int]:
    """Timecode frames a second, whether numbers are dropped, and the start in frames of audio since midnight."""
    for slot in slots:
        segment, frame_rate = slot.node("Segment"), slot.rational("EditRate")
        if segment and segment.kind == "Sequence":
            segment = next(segment.nodes("Components"), None)
        if segment and segment.kind == "Timecode" and 1 <= frame_rate <= 240:
            start = max(round(segment.whole("Start") / frame_rate * rate), 0)
            return frame_rate, segment.whole("Drop") == 1, start
    return Fraction(30), False, 0


def _notes(top: Node) -> tuple[str, ...]:
    """The comments of the composition; ours are numbered lines."""
    found = []
    for place, tag in enumerate(top.nodes("UserComments")):
        name, value = one_line(tag.text("Name")), one_line(str(tag.value() or ""))
        ours = _NOTE.fullmatch(name)
        if value:
            found.append((int(ours[1]) if ours else place, value if ours else f"{name}: {value}"))
    return tuple(text for _, text in sorted(found, key=lambda note: note[0]))


def _markers(slots: list[Node], rate: int) -> Iterator[Marker]:
    for slot in slots:
        segment, edit_rate = slot.node("Segment"), slot.rational("EditRate")
        if slot.kind != "EventMobSlot" or segment is None or edit_rate <= 0:
            continue
        for event in segment.nodes("Components") if segment.kind == "Sequence" else (segment,):
            name = one_line(event.text("Comment") or event.text("CommentMarkerUser")).strip()
            rgb = struct.unpack("<3H", colour) if len(colour := event.data("CommentMarkerColor")) == 6 else None
            yield Marker(
                round(max(event.whole("Position"), 0) / edit_rate * rate),
                name or "Marker",
                round(max(event.whole("Length"), 0) / edit_rate * rate),
                "#" + "".join(f"{part >> 8:02x}" for part in rgb) if rgb else None,
            )


def _joined(sound: list[Node]) -> Iterator[list[Node]]:
    """The slots of each track: one, or as many as `aaf.write` notes that it made of one track."""
    at = 0
    while at < len(sound):
        tags = sound[at].tags("TimelineMobAttributeList")
        noted = tags.get(mobs.CHANNELS)
        count = noted if isinstance(noted, int) and 1 <= noted <= len(sound) - at else 1
        yield sound[at : at + count]
        at += count


def _tracks(reading: Reading, slots: list[Node], number: int) -> list[Track]:
    """The track of a slot, or of one slot a channel; several when its channels are files of their own."""
    slot = slots[0]
    segment, edit_rate = slot.node("Segment"), slot.rational("EditRate")
    if segment is None or edit_rate <= 0:
        raise damage(f"track {number} has no edit rate")
    name = one_line(slot.text("SlotName")).strip() or f"Track {number}"
    name = name.removesuffix(".1") if len(slots) > 1 else name
    levels = {GAIN: Fraction(1), PAN: Fraction(1, 2)}
    segment = played(reading, segment, name, levels)
    tags = slot.tags("TimelineMobAttributeList")
    track = Track(
        name,
        guess_role(name),
        gain_db=decibels(levels[GAIN]),
        pan=min(max(round(float(levels[PAN] * 2 - 1), 4), -1.0), 1.0),  # it is written in steps of 1/16384
        mute=tags.get("AudioMixerCompMute") == 1,
        solo=tags.get("AudioMixerCompSolo") == 1,
    )
    lanes: list[list[Clip]] = [[]]
    pieces = pieces_of(reading, segment, name)
    for other in slots[1:]:
        if inner := other.node("Segment"):
            for piece, more in zip(pieces, pieces_of(reading, played(reading, inner, name, {}), name), strict=False):
                piece.channels += more.channels
    for piece in pieces:
        clips, comment = _clips(reading, piece, edit_rate, name)
        track = replace(track, comment=track.comment or comment)
        lanes += [[] for _ in range(len(clips) - len(lanes))]
        for lane, clip in zip(lanes, clips, strict=False):
            lane.append(clip)
    if len(lanes) == 1:
        return [replace(track, clips=tuple(lanes[0]))]
    pans = (-1.0, 1.0) if len(lanes) == 2 else (track.pan,) * len(lanes)
    return [
        replace(track, name=called, clips=tuple(lane), pan=pan)
        for called, lane, pan in zip(channel_names(name, len(lanes)), lanes, pans, strict=True)
    ]


def _clips(reading: Reading, piece: Piece, edit_rate: Fraction, name: str) -> tuple[list[Clip], str]:
    """The clips of a piece, one unless its channels are files of their own, and the comment of its source."""
    sources = [source for clip in piece.channels if (source := source_of(reading, clip, edit_rate))]
    if len(sources) < len(piece.channels) or not sources:
        reading.told.tell("clips without audio are left out", name)
        return [], ""
    rate = reading.rate
    at = round(piece.at / edit_rate * rate)
    end = round((piece.at + piece.length) / edit_rate * rate)
    clips = [
        Clip(
            file,
            at,
            end - at,
            max(round(sources[0].start_s * rate), 0),
            piece.gain_db,
            round(piece.fade_in / edit_rate * rate),
            round(piece.fade_out / edit_rate * rate),
        )
        for file in embedded(reading, sources) or files_of(reading, sources, name)
    ]
    comments = sources[0].master.tags("UserComments")
    return clips, one_line(str(comments.get("Comment") or ""))
