"""An AAF as a session: what `aaf.write` expresses, and what Pro Tools, Media Composer, Premiere and Resolve write.

Every sound slot of the top-level composition is a track. Constant gain and pan are read, automation is not; effects
are left out; both are told. Positions in video frames become samples. A combined track is one clip of an interleaved
file when such a file lies beside the session (`Bass.wav` for `Bass.L` and `Bass.R`); when only its channels have files
it becomes a track per channel. Audio inside the AAF stays there: its clips name the file that it should be.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from stemwright.errors import SessionError
from stemwright.model import Clip, Marker, Session, Song, Track
from stemwright.naming import guess_role
from stemwright.session.arrange import one_line, unique
from stemwright.session.formats import Opened
from stemwright.session.formats import _aafkit as kit
from stemwright.session.formats._aafmedia import (
    DEEPEST,
    Reading,
    descriptor_facts,
    files_of,
    first_clip,
    inside,
    is_rate,
    source_of,
)
from stemwright.session.formats._aafobjects import Node, opened
from stemwright.session.formats._cfb import damage
from stemwright.session.media import Roots
from stemwright.units import db

_GAIN, _PAN, _COMBINER = map(UUID, (kit.GAIN, kit.PAN, kit.COMBINER))
_LEVELS = {_GAIN: UUID(kit.AMPLITUDE), _PAN: UUID(kit.POSITION)}
SOUND = (UUID("01030202-0200-0000-060e-2b3404010101"), UUID("78e1ebe1-6cef-11d2-807d-006008143e6f"))
"""The data definition of sound, and that of files before 2004."""

_MOST_TRACKS = 4096
_NOTE = re.compile(r"Note (\d{1,9})", re.ASCII)


@dataclass(slots=True)
class _Piece:
    """One stretch of a lane in its edit units: the channels that sound together, or silence when there is none."""

    at: int
    length: int
    channels: list[Node]
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0


def read(path: Path, roots: Roots) -> Opened:
    """The session of an AAF. Raises InputError for another kind of file, SessionError for one without a timeline."""
    with opened(path) as aaf:
        tops = aaf.compositions() or [mob for mob in aaf.mobs.values() if mob.kind == "CompositionMob"][:1]
        if not tops:
            raise SessionError("holds media but no timeline", "export the sequence itself as AAF")
        reading = Reading(aaf, roots)
        if len(tops) > 1:
            reading.warn(f"{len(tops)} compositions; the first one is read")
        return Opened(_session(reading, tops[0], path), tuple(reading.warnings))


def _session(reading: Reading, top: Node, path: Path) -> Session:
    slots = list(top.nodes("Slots"))
    sound = [slot for slot in slots if is_sound(slot)]
    if len(sound) > _MOST_TRACKS:
        raise damage(f"lists {len(sound)} tracks")
    reading.rate = rate = _rate(reading, sound)
    tracks = [track for number, slot in enumerate(sound, 1) for track in _tracks(reading, slot, number)]
    names = unique(track.name for track in tracks)
    frame_rate, start = _start(slots, rate)
    title = one_line(top.text("Name")).strip() or path.stem
    return Session(
        song=Song(title, rate),
        tracks=tuple(replace(track, name=name) for track, name in zip(tracks, names, strict=True)),
        sample_rate=rate,
        frames=max((clip.at + clip.length for track in tracks for clip in track.clips), default=0),
        markers=tuple(sorted(_markers(slots, rate), key=lambda marker: marker.at)),
        frame_rate=frame_rate,
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


def _start(slots: list[Node], rate: int) -> tuple[Fraction, int]:
    """Timecode frames a second, and the session start in frames of audio since midnight."""
    for slot in slots:
        segment, frame_rate = slot.node("Segment"), slot.rational("EditRate")
        if segment and segment.kind == "Sequence":
            segment = next(segment.nodes("Components"), None)
        if segment and segment.kind == "Timecode" and 1 <= frame_rate <= 240:
            return frame_rate, max(round(segment.whole("Start") / frame_rate * rate), 0)
    return Fraction(30), 0


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


def _tracks(reading: Reading, slot: Node, number: int) -> list[Track]:
    """The track of a slot; several when its channels are files of their own."""
    segment, edit_rate = slot.node("Segment"), slot.rational("EditRate")
    if segment is None or edit_rate <= 0:
        raise damage(f"track {number} has no edit rate")
    name = one_line(slot.text("SlotName")).strip() or f"Track {number}"
    levels = {_GAIN: Fraction(1), _PAN: Fraction(1, 2)}
    while segment.kind == "OperationGroup" and _holds_sequence(segment):
        _level(reading, segment, name, levels)
        segment = next(segment.nodes("InputSegments"))
    tags = {tag.text("Name"): tag.value() for tag in slot.nodes("TimelineMobAttributeList")}
    track = Track(
        name,
        guess_role(name),
        gain_db=_decibels(levels[_GAIN]),
        pan=min(max(round(float(levels[_PAN] * 2 - 1), 4), -1.0), 1.0),  # it is written in steps of 1/16384
        mute=tags.get("AudioMixerCompMute") == 1,
        solo=tags.get("AudioMixerCompSolo") == 1,
    )
    lanes: list[list[Clip]] = [[]]
    for piece in _pieces(reading, segment, name):
        clips, comment = _clips(reading, piece, edit_rate, name)
        track = replace(track, comment=track.comment or comment)
        lanes += [[] for _ in range(len(clips) - len(lanes))]
        for lane, clip in zip(lanes, clips, strict=False):
            lane.append(clip)
    if len(lanes) == 1:
        return [replace(track, clips=tuple(lanes[0]))]
    pans = (-1.0, 1.0) if len(lanes) == 2 else (track.pan,) * len(lanes)
    return [
        replace(track, name=f"{name}.{'LR'[n] if len(lanes) == 2 else n + 1}", clips=tuple(lane), pan=pans[n])
        for n, lane in enumerate(lanes)
    ]


def _holds_sequence(group: Node) -> bool:
    for _ in range(DEEPEST):
        inner = next(group.nodes("InputSegments"), None)
        if inner is None or inner.kind != "OperationGroup":
            return inner is not None and inner.kind == "Sequence"
        group = inner
    raise damage("operations are nested without end")


def _level(reading: Reading, group: Node, name: str, levels: dict[UUID, Fraction]) -> None:
    """Take the gain or pan of an operation into `levels`; warn of what cannot be taken."""
    kind = group.identity("Operation")
    if kind not in _LEVELS:
        if kind != _COMBINER:
            reading.warn(f"{name}: an effect is left out")
        return
    for parameter in group.nodes("Parameters"):
        if parameter.identity("Definition") != _LEVELS[kind]:
            continue
        values = [parameter.value(), *(point.value() for point in parameter.nodes("PointList"))]
        numbers = list(dict.fromkeys(Fraction(v) for v in values if v is not None and not isinstance(v, str)))
        if len(numbers) > 1:
            reading.warn(f"{name}: automation is left out; its first value stays")
        if numbers:
            levels[kind] = levels[kind] * numbers[0] if kind == _GAIN else numbers[0]


def _decibels(gain: Fraction) -> float:
    """A linear gain in dB, as fine as an AAF holds it; silence is -144 dB."""
    return max(round(db(float(abs(gain))), 6), -144.0) + 0.0


def _pieces(reading: Reading, sequence: Node, name: str, at: int = 0, depth: int = 0) -> list[_Piece]:
    """What a segment plays from `at` on; a transition is a fade out and a fade in that overlap."""
    if depth > DEEPEST:
        raise damage("segments are nested without end")
    parts = sequence.nodes("Components") if sequence.kind == "Sequence" else (sequence,)
    found: list[_Piece] = []
    fade = 0
    for part in parts:
        length = part.whole("Length")
        if length < 0:
            raise damage(f"{name}: a clip has a negative length")
        if part.kind == "Transition":
            at, fade = max(at - length, 0), length
            if found and found[-1].at + found[-1].length == at + length:
                found[-1].fade_out = length
            continue
        if part.kind == "Sequence":
            found += _pieces(reading, part, name, at, depth + 1)
        else:
            levels = {_GAIN: Fraction(1), _PAN: Fraction(1, 2)}
            channels = list(_channels(reading, part, name, levels))
            if channels:
                found.append(_Piece(at, length, channels, _decibels(levels[_GAIN]), fade_in=fade))
        at, fade = at + length, 0
    return found


def _channels(reading: Reading, segment: Node, name: str, levels: dict[UUID, Fraction]) -> Iterator[Node]:
    """The SourceClips that sound in a segment: several for a combiner; its levels go to `levels`."""
    inner: Node | None = segment
    for _ in range(DEEPEST):
        if inner is None or inner.kind == "SourceClip":
            if inner and any(inner.data("SourceID")):
                yield inner
            return
        if inner.kind == "OperationGroup":
            _level(reading, inner, name, levels)
            if inner.identity("Operation") == _COMBINER:
                yield from filter(None, map(first_clip, inner.nodes("InputSegments")))
                return
        inner = inside(inner)
    raise damage("segments are nested without end")


def _clips(reading: Reading, piece: _Piece, edit_rate: Fraction, name: str) -> tuple[list[Clip], str]:
    """The clips of a piece, one unless its channels are files of their own, and the comment of its source."""
    sources = [source for clip in piece.channels if (source := source_of(reading, clip, edit_rate))]
    if len(sources) < len(piece.channels) or not sources:
        reading.warn(f"{name}: a clip without audio is left out")
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
        for file in files_of(reading, sources, name)
    ]
    comments = {tag.text("Name"): tag.value() for tag in sources[0].master.nodes("UserComments")}
    return clips, one_line(str(comments.get("Comment") or ""))
