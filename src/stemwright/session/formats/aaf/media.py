"""The audio behind the clips of an AAF: the chain from clip to file mob, and the files of its channels.

An interleaved file beside the session (`Bass.wav` for `Bass.L` and `Bass.R`) is preferred to the mono files that an AAF
is made of; a file that is nowhere is stood for by one with the facts of its descriptor.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from stemwright.model import AudioFile, AudioFormat
from stemwright.naming import one_line
from stemwright.session.formats.aaf import mobs
from stemwright.session.formats.aaf.objects import Aaf, Node
from stemwright.session.media import Roots, find_media, is_rate, read_media
from stemwright.session.told import Told

DEEPEST = 24
"""Segments inside segments, mobs behind mobs: real files have six."""

_CHANNEL = re.compile(r"[._ -](?:[LR]|\d)$", re.IGNORECASE)
_SUFFIXES = (".wav", ".aif", ".aiff", ".flac")


@dataclass(frozen=True, slots=True)
class Source:
    """What the chain of a SourceClip ends in: a master, the file mob, where the clip starts in its audio."""

    master: Node
    mob: Node
    start_s: Fraction


@dataclass(slots=True)
class Reading:
    """An AAF while it is read: where its media may lie, its sample rate, what was found and what is to be told."""

    aaf: Aaf
    roots: Roots
    rate: int = 0
    told: Told = field(default_factory=Told)
    files: dict[bytes, tuple[AudioFile, str]] = field(default_factory=dict)
    inside: dict[bytes, list[AudioFile]] = field(default_factory=dict)
    """What stands for audio inside the AAF, by the ids of its mobs."""
    folder: Path | None = None
    """Where it is unpacked to, with the names taken there and the bytes unpacked so far."""
    taken: set[str] = field(default_factory=set)
    unpacked: int = 0


def inside(segment: Node) -> Node | None:
    """What a segment that chooses or wraps plays."""
    lists = {
        "Sequence": "Components",
        "NestedScope": "Slots",
        "EssenceGroup": "Choices",
        "OperationGroup": "InputSegments",
    }
    if segment.kind in lists:
        return next(segment.nodes(lists[segment.kind]), None)
    return segment.node("Selected") if segment.kind == "Selector" else None


def first_clip(segment: Node | None) -> Node | None:
    """The SourceClip that a segment starts with."""
    for _ in range(DEEPEST):
        if segment is None or segment.kind == "SourceClip":
            return segment
        segment = inside(segment)
    return None


def source_of(reading: Reading, clip: Node, edit_rate: Fraction) -> Source | None:
    """Follow a clip to its file mob; the start adds up on the way."""
    start, master, current = clip.whole("StartTime") / edit_rate, None, clip
    for _ in range(DEEPEST):
        found = reading.aaf.slot(current)
        if found is None or found[0].kind == "CompositionMob":
            return None
        mob, slot = found
        master = master or mob
        descriptor = mob.node("EssenceDescription")
        if descriptor is not None and "SampleRate" in descriptor:
            return Source(master, mob, start)
        inner = first_clip(slot.node("Segment"))
        rate = slot.rational("EditRate")
        if inner is None or rate <= 0:
            return None
        start, current = start + inner.whole("StartTime") / rate, inner
    return None


def files_of(reading: Reading, sources: list[Source], name: str) -> list[AudioFile]:
    """One file that holds all channels, or a file for each when only those are there."""
    found = [_file(reading, source) for source in sources]
    file = found[0][0]
    if len(found) == 1 or all(other is file for other, _ in found):
        if file.format.channels > len(found):
            reading.told.tell("clips that play one channel of their file only are read with all", name)
        missing = [found[0][1]]
        files = [file]
    else:
        stem = stem_of(file.path.stem)
        there = reading.roots.search or not any(why for _, why in found)  # hosts play the files of the channels
        whole = interleaved(reading, sources[0], stem, file, len(found)) if there else None
        files = [whole] if whole else [other for other, _ in found]
        missing = [] if whole else [why for _, why in found]
        if not whole and all(missing):
            form = replace(file.format, channels=len(found))
            files = [replace(file, path=file.path.with_name(stem + file.path.suffix), format=form)]
            missing[1:] = []
    for why in filter(None, missing):
        reading.told.tell(why)
    return files


def stem_of(name: str) -> str:
    """The name of a stem from that of its channel."""
    return _CHANNEL.sub("", name)


def called(source: Source) -> str:
    """The name of a source."""
    return one_line(source.mob.text("Name") or source.master.text("Name")).strip() or "unnamed"


def interleaved(reading: Reading, source: Source, stem: str, like: AudioFile, channels: int) -> AudioFile | None:
    """The file that the channels of a track were taken from, when it is beside the session."""
    comments = source.master.tags("UserComments")
    roots = replace(reading.roots, search=True)
    for name in (str(comments.get(mobs.SOURCE) or ""), *(stem + suffix for suffix in _SUFFIXES)):
        if name and (path := find_media(name, roots)):
            rate = like.format.sample_rate
            file, why = read_media(
                path.name, Roots(path.parent), sample_rate=rate, frames=like.frames, channels=channels
            )
            same = (file.format.sample_rate, file.format.channels, file.frames) == (rate, channels, like.frames)
            if same and not why:
                return file
    return None


def _file(reading: Reading, source: Source) -> tuple[AudioFile, str]:
    """The file of a file mob and why it is not there; what stands for a missing one has the descriptor's facts."""
    key = source.mob.data("MobID")
    if key not in reading.files:
        reading.files[key] = _look_up(reading, source)
    return reading.files[key]


def _look_up(reading: Reading, source: Source) -> tuple[AudioFile, str]:
    descriptor = source.mob.node("EssenceDescription")
    assert descriptor is not None  # it made the mob a source
    facts = descriptor_facts(descriptor)
    rate = facts.sample_rate if is_rate(facts.sample_rate) else reading.rate
    clock = descriptor.rational("SampleRate")
    frames = round(max(descriptor.whole("Length"), 0) / clock * rate) if clock > 0 else 0
    name = called(source)
    url = next((text for locator in descriptor.nodes("Locator") if (text := locator.text("URLString"))), "")
    embedded = source.mob.data("MobID") in reading.aaf.essences
    wanted = name if Path(name).suffix.lower() in _SUFFIXES else f"{name}.wav"
    file, why = read_media(
        url if url and not embedded else wanted, reading.roots, sample_rate=rate, frames=frames, channels=facts.channels
    )
    if why:
        file = replace(file, format=replace(file.format, bits=facts.bits), start_frame=on_tape(source, rate))
        why = f"{file.path.name}: its audio is inside the AAF" if embedded else why
    return file, why


def on_tape(source: Source, rate: int) -> int | None:
    """The TimeReference: where the file lies on its tape; 0 is what files without one have."""
    for slot in source.mob.nodes("Slots"):
        clip, edit_rate = first_clip(slot.node("Segment")), slot.rational("EditRate")
        if clip and edit_rate > 0 and (start := round(clip.whole("StartTime") / edit_rate * rate)) > 0:
            return start
    return None


def descriptor_facts(descriptor: Node) -> AudioFormat:
    """Rate, channels and bits of an essence: of its PCM descriptor, or of the `fmt ` chunk in its Summary."""
    summary = descriptor.data("Summary")
    at = summary.find(b"fmt ")
    if summary[:4] == b"RIFF" and 0 < at <= len(summary) - 24:
        channels, rate, _, _, bits = struct.unpack_from("<HIIHH", summary, at + 10)
    else:
        rate = int(descriptor.rational("AudioSamplingRate") or descriptor.rational("SampleRate"))
        channels, bits = descriptor.whole("Channels"), descriptor.whole("QuantizationBits")
    return AudioFormat("wav", "pcm", bits if 1 <= bits <= 64 else 24, rate, min(max(channels, 1), 64))
