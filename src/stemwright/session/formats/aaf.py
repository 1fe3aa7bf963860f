"""AAF for Pro Tools, Logic, Nuendo, Media Composer, Resolve, Ardour; modelled on what Pro Tools 2023.12 exports.

One top-level CompositionMob: slot 1 timecode, then one sound slot per track at edit rate = sample rate, markers in an
EventMobSlot. Every channel is a mono 24-bit essence of its own behind CompositionMob -> MasterMob -> SourceMob (file)
-> SourceMob (tape); the TimeReference of a source is its place on the tape. Stereo, 5.1 and 7.1 tracks combine their
essences in an "Audio Channel Combiner" (2, 6, 8 channels in the order of the file); a file with another number of
channels becomes one mono track per channel, because hosts know no other combination.

By default the essences are mono WAVs in `Audio Files/` beside the .aaf. Hosts expect an absolute file URL: it names
the place written to; moved together, the files are found again by folder and name. `embed=True` puts the audio into
the .aaf instead. Groups, colours, fades and tempo have no place in an AAF; mute and solo are Media Composer's tags,
which not every host reads; notes and track comments are user comments of the composition and of the clips.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stemwright.errors import AlreadyThere, SessionError, StemwrightError
from stemwright.model import AudioFile, Clip, Loss, Marker, Output, Session, Track
from stemwright.safety import PART, atomic
from stemwright.session.formats import FIELDS, Written, _essence
from stemwright.session.formats import _aafkit as kit
from stemwright.session.formats._aafread import read as read

NAME = "AAF"
SUFFIXES = (".aaf",)
EXPRESSES = frozenset(FIELDS) - {"tempo", "tempo_map", "meter", "key", "groups", "colours", "fades"}
OPTIONS = frozenset({"embed", "replace_media"})

MOST_BYTES = 16 << 30
"""An AAF that holds its audio may be as large."""

MEDIA = "Audio Files"
"""The folder of linked essences beside the .aaf."""

_TRACK_FORMATS = {1: 1, 2: 2, 6: 3, 8: 4}
"""_TRACK_FORMAT by number of channels: mono, stereo, 5.1, 7.1."""

_FIRST_TRACK = 2
"""Slot number; the timecode is 1."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the AAF and, unless `embed` is given, its media: all of it or nothing.

    Raises SessionError when the library refuses or a source exceeds what 24-bit PCM holds, AlreadyThere when the media
    folder holds a file of the same name although there is no AAF at `path` that it could belong to, and
    `replace_media` does not say that the folder is ours.
    """
    import aaf2

    folder = path.absolute().parent / MEDIA
    essences = _essence.names(session)
    wavs = [] if options.get("embed") else [f"{name}.wav" for name in essences.values()]
    ours = path.exists() or options.get("replace_media")
    taken = next((folder / wav for wav in wavs if not ours and (folder / wav).exists()), None)
    if taken:
        raise AlreadyThere(f"{taken} is there already and belongs to another session", "write to another folder")
    with atomic(path) as part, TemporaryDirectory(prefix=".", suffix=f".{os.getpid()}{PART}", dir=path.parent) as made:
        try:
            with aaf2.open(str(part), "w") as aaf:
                _build(aaf, session, essences, folder, Path(made) if wavs else None)
        except (StemwrightError, OSError):
            raise
        except Exception as error:  # pyaaf2 raises whatever happened inside
            reason = f"{type(error).__name__}: {error}"
            raise SessionError(
                f"{path}: the AAF could not be built: {reason}", "please report this as a bug"
            ) from error
        kit.end_sector_lists(part)
        if wavs:
            folder.mkdir(exist_ok=True)
        for wav in wavs:
            (Path(made) / wav).replace(folder / wav)
    return Written(tuple(Output(folder / wav, "media", "aaf") for wav in wavs), tuple(_losses(session)))


def _losses(session: Session) -> Iterator[Loss]:
    for file in dict.fromkeys(clip.file for track in session.tracks for clip in track.clips):
        if file.format.encoding != "pcm" or file.format.bits > 24:
            yield Loss(file.path.name, "audio", "rounded to 24 bits, the most that an AAF holds")
    if (session.start_frame * session.frame_rate / session.sample_rate).denominator != 1:
        yield Loss("song", "start_timecode", "rounded to a whole timecode frame")


def _build(aaf: Any, session: Session, essences: dict[_essence.Essence, str], folder: Path, made: Path | None) -> None:
    """Fill an empty AAF; media go to `made` and will lie in `folder`, or into the AAF when `made` is None."""
    kit.identify(aaf, session)
    kit.define(aaf)
    aaf.content["EssenceData"].value = []  # even when all is linked: readers refuse an AAF without the property
    tape = kit.mob(aaf, session, "SourceMob", f"stemwright: {session.song.title}", "tape")
    tape.descriptor = aaf.create.TapeDescriptor()
    kit.slot(tape, 1, session.sample_rate, "A1", kit.clip(aaf, None, 0, kit.DAY_S * session.sample_rate), track=1)
    kit.slot(tape, 2, session.frame_rate, "Timecode", kit.timecode(aaf, session, 0))
    masters: dict[_essence.Essence, Any] = {}
    for track in session.tracks:
        for file in (clip.file for clip in track.clips):
            for channel in range(file.format.channels):
                key = file.path, channel
                if key not in masters:
                    masters[key] = _master(aaf, session, tape, file, channel, essences[key], folder, made)
                if track.comment:
                    masters[key].comments["Comment"] = track.comment
    _composition(aaf, session, masters)


def _master(
    aaf: Any, session: Session, tape: Any, file: AudioFile, channel: int, name: str, folder: Path, made: Path | None
) -> Any:
    """The MasterMob of one channel of a file, its audio behind it."""
    rate = session.sample_rate
    if file.format.sample_rate != rate:
        raise SessionError(
            f"{file.path}: has {file.format.sample_rate} Hz, not {rate}", f"bounce it again at {rate} Hz"
        )
    identity = (file.path.name, file.frames, name)
    source = kit.mob(aaf, session, "SourceMob", name, *identity)
    if made:
        source.descriptor = _essence.link(aaf, file, channel, made / f"{name}.wav", (folder / f"{name}.wav").as_uri())
    else:
        source.descriptor = _essence.embed(aaf, file, channel, source.mob_id)
    kit.slot(source, 1, rate, "", kit.clip(aaf, tape, file.start_frame or 0, file.frames), track=1)
    master = kit.mob(aaf, session, "MasterMob", name, *identity)
    kit.slot(master, 1, rate, name, kit.clip(aaf, source, 0, file.frames), track=1)
    return master


def _composition(aaf: Any, session: Session, masters: dict[_essence.Essence, Any]) -> None:
    mob = kit.mob(aaf, session, "CompositionMob", session.song.title, "composition")
    mob.usage = "Usage_TopLevel"
    for number, line in enumerate(session.notes, 1):
        mob.comments[f"Note {number}"] = line
    kit.slot(mob, 1, session.frame_rate, "Timecode", kit.timecode(aaf, session, session.start_frame), track=1)
    lanes = [(track, name, channels) for track in session.tracks for name, channels in _lanes(track)]
    for number, (track, name, channels) in enumerate(lanes, _FIRST_TRACK):
        segment = _lane(aaf, track, channels, masters)
        slot = kit.slot(mob, number, session.sample_rate, name, segment, track=number - _FIRST_TRACK + 1)
        for tag, value in (
            ("_TRACK_FORMAT", _TRACK_FORMATS[len(channels)]),
            ("AudioMixerCompMute", int(track.mute)),
            ("AudioMixerCompSolo", int(track.solo)),
        ):
            slot["TimelineMobAttributeList"].append(aaf.create.TaggedValue(tag, value, "aafInt32"))
    if session.markers and lanes:
        _markers(aaf, session, mob)


def _lanes(track: Track) -> list[tuple[str, tuple[int, ...]]]:
    """Name and channels of the slots that a track needs: one, or one a channel when hosts cannot combine so many."""
    counts = {clip.file.format.channels for clip in track.clips}
    if len(counts) > 1:
        raise SessionError(f"{track.name}: holds files with different numbers of channels", "use a track for each kind")
    channels = range(counts.pop() if counts else 0)
    if len(channels) in _TRACK_FORMATS:
        return [(track.name, tuple(channels))]
    return [(f"{track.name}.{channel + 1}", (channel,)) for channel in channels]


def _lane(aaf: Any, track: Track, channels: tuple[int, ...], masters: dict[_essence.Essence, Any]) -> Any:
    """What a slot plays: clips and the gaps between them, in the track's gain, in its pan."""
    sequence = aaf.create.Sequence(media_kind="sound")
    end = 0
    for clip in sorted(track.clips, key=lambda clip: clip.at):
        if clip.at < end:
            raise SessionError(f"{track.name}: clips overlap, which an AAF track cannot hold", "use two tracks")
        if clip.at > end:
            sequence.components.append(aaf.create.Filler("sound", clip.at - end))
        sequence.components.append(_piece(aaf, clip, channels, masters))
        end = clip.at + clip.length
    sequence.length = end
    return kit.in_pan(aaf, kit.in_gain(aaf, sequence, track.gain_db), track.pan)


def _piece(aaf: Any, clip: Clip, channels: tuple[int, ...], masters: dict[_essence.Essence, Any]) -> Any:
    """A clip: its mono channels, combined when there are several, in its gain."""
    parts = [kit.clip(aaf, masters[clip.file.path, channel], clip.source_from, clip.length) for channel in channels]
    return kit.in_gain(aaf, kit.combined(aaf, parts), clip.gain_db)


def _markers(aaf: Any, session: Session, mob: Any) -> None:
    """Markers and regions, tied to the first track: readers stumble over markers that describe no slot."""
    sequence = aaf.create.Sequence(media_kind="DescriptiveMetadata", length=session.frames)
    for marker in sorted(session.markers, key=lambda marker: marker.at):
        sequence.components.append(_marker(aaf, marker))
    slot = aaf.create.EventMobSlot(1000, "Markers", sequence)
    slot.edit_rate = session.sample_rate
    slot["PhysicalTrackNumber"].value = 1
    mob.slots.append(slot)


def _marker(aaf: Any, marker: Marker) -> Any:
    """One marker, its name where readers look for it: Avid shows Comment, others CommentMarkerUser."""
    event = aaf.create.DescriptiveMarker()
    event["Position"].value, event.length = marker.at, marker.length
    event["Comment"].value = event["CommentMarkerUser"].value = marker.name
    event["DescribedSlots"].value = {_FIRST_TRACK}
    if marker.colour:
        rgb = (257 * part for part in bytes.fromhex(marker.colour[1:]))
        event["CommentMarkerColor"].value = dict(zip(("red", "green", "blue"), rgb, strict=True))
    return event
