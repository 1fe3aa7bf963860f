"""Writing an AAF: the composition and its tracks, in the words of `mobs` and with the audio of `essence`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.errors import AlreadyThere, SessionError, StemwrightError
from stemwright.model import AudioFile, Clip, Loss, Marker, Output, Session, Track, end_of
from stemwright.safety import atomic, moved, workroom
from stemwright.session.formats import Written, in_a_row
from stemwright.session.formats.aaf import essence, mobs

MEDIA = "Audio Files"
"""The folder of linked essences beside the .aaf."""

_TRACK_FORMATS = {1: 1, 2: 2, 6: 3, 8: 4}
"""_TRACK_FORMAT by number of channels: mono, stereo, 5.1, 7.1."""

_WRITERS = 4
"""Media files that are written at the same time."""

_FIRST_TRACK = 2
"""Slot number; the timecode is 1."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the AAF and, unless `embed` is given, its media: all of it or nothing.

    Raises SessionError when the library refuses or a source exceeds what 24-bit PCM holds, AlreadyThere when the media
    folder holds a file of the same name although there is no AAF at `path` that it could belong to, and
    `replace_media` does not say that the folder is ours.
    """
    from stemwright.session.formats.aaf.store import File

    folder = path.absolute().parent / MEDIA
    essences = essence.names(session)
    wavs = [] if options.get("embed") else [f"{name}.wav" for name in essences.values()]
    ours = path.exists() or options.get("replace_media")
    taken = next((folder / wav for wav in wavs if not ours and (folder / wav).exists()), None)
    if taken:
        raise AlreadyThere(f"{taken} is there already and belongs to another session", "write to another folder")
    with (
        ExitStack() as media,
        atomic(path) as part,
        workroom(path.parent) as made,
    ):
        try:
            # Media are written and synchronised several at a time: most of that is waiting for the disk.
            with ThreadPoolExecutor(_WRITERS) as pool, part.open("w+b") as file, File(file) as aaf:
                try:
                    _build(aaf, session, _media(session, essences, folder, Path(made), pool if wavs else None))
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
        except (StemwrightError, OSError):
            raise
        except Exception as error:  # pyaaf2 raises whatever happened inside
            reason = f"{type(error).__name__}: {error}"
            raise SessionError(
                f"{path}: the AAF could not be built: {reason}", "please report this as a bug"
            ) from error
        if wavs:
            folder.mkdir(exist_ok=True)
        media.enter_context(moved({Path(made) / wav: folder / wav for wav in wavs}))
    return Written(tuple(Output(folder / wav, "media", "aaf") for wav in wavs), tuple(_losses(session)))


def _losses(session: Session) -> Iterator[Loss]:
    for file in session.files:
        if file.format.encoding != "pcm" or file.format.bits > 24:
            yield Loss(file.path.name, "audio", "rounded to 24 bits, the most that an AAF holds")
    if session.markers and all(track.is_group for track in session.tracks):
        yield Loss("song", "markers", "an AAF ties its markers to a track, and there is none")
    if (session.start_frame * session.frame_rate / session.sample_rate).denominator != 1:
        yield Loss("song", "start_timecode", "rounded to a whole timecode frame")


@dataclass(frozen=True, slots=True)
class _Media:
    """The files of a session, their channels' names, and for linked ones where they will lie and their headers."""

    names: Mapping[essence.Essence, str]
    files: tuple[AudioFile, ...]
    folder: Path
    headers: Mapping[Path, Future[list[bytes]]]
    """By file; each is there when its WAVs are written. None of them when the audio goes into the AAF."""


def _media(
    session: Session, names: Mapping[essence.Essence, str], folder: Path, made: Path, pool: ThreadPoolExecutor | None
) -> _Media:
    """Begin to write the linked media to `made`."""
    files = {file.path: file for file in session.files}
    headers = {}
    for file in files.values():
        if file.format.sample_rate != session.sample_rate:
            raise SessionError(
                f"{file.path}: has {file.format.sample_rate} Hz, not {session.sample_rate}",
                f"bounce it again at {session.sample_rate} Hz",
            )
    if pool:
        for path, file in files.items():
            wavs = [made / f"{names[path, channel]}.wav" for channel in range(file.format.channels)]
            headers[path] = pool.submit(essence.write_wavs, file, wavs)
    return _Media(names, tuple(files.values()), folder, headers)


def _build(aaf: Any, session: Session, media: _Media) -> None:
    """Fill an empty AAF."""
    mobs.identify(aaf, session)
    mobs.define(aaf)
    aaf.content["EssenceData"].value = []  # even when all is linked: readers refuse an AAF without the property
    tape = mobs.mob(aaf, session, "SourceMob", f"stemwright: {session.song.title}", "tape")
    tape.descriptor = aaf.create.TapeDescriptor()
    day = mobs.clip(aaf, None, 0, mobs.DAY_S * session.sample_rate)
    timecode = mobs.slot(aaf, 2, session.frame_rate, "Timecode", mobs.timecode(aaf, session, 0))
    tape.slots.extend([mobs.slot(aaf, 1, session.sample_rate, "A1", day, track=1), timecode])
    comments = {clip.file.path: track.comment for track in session.tracks for clip in track.clips if track.comment}
    masters: dict[essence.Essence, Any] = {}
    for file in media.files:
        for channel, master in enumerate(_masters(aaf, session, tape, file, media)):
            masters[file.path, channel] = master
            if file.path in comments:
                master.comments["Comment"] = comments[file.path]
            name = media.names[file.path, channel]
            if name not in (file.path.stem, f"{file.path.stem}.{name.rpartition('.')[2]}"):
                master.comments[mobs.SOURCE] = file.path.name
    _composition(aaf, session, masters)


def _masters(aaf: Any, session: Session, tape: Any, file: AudioFile, media: _Media) -> Iterator[Any]:
    """The MasterMobs of a file's channels, their audio behind them."""
    rate, headers = session.sample_rate, media.headers[file.path].result() if media.headers else []
    names = [media.names[file.path, channel] for channel in range(file.format.channels)]
    sources = [mobs.mob(aaf, session, "SourceMob", name, file.path.name, file.frames, name) for name in names]
    if not headers:
        essence.write_inside(aaf, file, [source.mob_id for source in sources])
    for channel, (name, source) in enumerate(zip(names, sources, strict=True)):
        if headers:
            url = (media.folder / f"{name}.wav").as_uri()
            source.descriptor = essence.linked(aaf, file, headers[channel], url)
        else:
            source.descriptor = essence.embedded(aaf, file)
        on_tape = mobs.clip(aaf, tape, file.start_frame or 0, file.frames)
        source.slots.append(mobs.slot(aaf, 1, rate, "", on_tape, track=1))
        master = mobs.mob(aaf, session, "MasterMob", name, file.path.name, file.frames, name)
        master.slots.append(mobs.slot(aaf, 1, rate, name, mobs.clip(aaf, source, 0, file.frames), track=1))
        yield master


def _composition(aaf: Any, session: Session, masters: dict[essence.Essence, Any]) -> None:
    mob = mobs.mob(aaf, session, "CompositionMob", session.song.title, "composition")
    mob.usage = "Usage_TopLevel"
    for number, line in enumerate(session.notes, 1):
        mob.comments[f"Note {number}"] = line
    timecode = mobs.timecode(aaf, session, session.start_frame)
    slots = [mobs.slot(aaf, 1, session.frame_rate, "Timecode", timecode, track=1)]
    lanes = [(track, *lane) for track in session.tracks if not track.is_group for lane in _lanes(track)]
    for number, (track, name, channels, several) in enumerate(lanes, _FIRST_TRACK):
        segment = _lane(aaf, track, channels, masters, session.frames)
        slot = mobs.slot(aaf, number, session.sample_rate, name, segment, track=number - _FIRST_TRACK + 1)
        for tag, value in (
            ("_TRACK_FORMAT", _TRACK_FORMATS[len(channels)]),
            ("AudioMixerCompMute", int(track.mute)),
            ("AudioMixerCompSolo", int(track.solo)),
            *([(mobs.CHANNELS, several)] if several > 1 and channels == (0,) else ()),
        ):
            slot["TimelineMobAttributeList"].append(aaf.create.TaggedValue(tag, value, "aafInt32"))
        slots.append(slot)
    if session.markers and lanes:
        slots.append(_markers(aaf, session))
    mob.slots.extend(slots)


def _lanes(track: Track) -> list[tuple[str, tuple[int, ...], int]]:
    """Name and channels of the slots that a track needs, and their number.

    That is one, or one a channel when hosts cannot combine so many. A track without clips is a mono one.
    """
    counts = {clip.file.format.channels for clip in track.clips} or {1}
    if len(counts) > 1:
        raise SessionError(f"{track.name}: holds files with different numbers of channels", "use a track for each kind")
    count = counts.pop()
    if count in _TRACK_FORMATS:
        return [(track.name, tuple(range(count)), 1)]
    return [(name, (n,), count) for n, name in enumerate(essence.channel_names(track.name, count))]


def _lane(aaf: Any, track: Track, channels: tuple[int, ...], masters: dict[essence.Essence, Any], frames: int) -> Any:
    """What a slot plays: clips and the gaps between them, in the track's gain, in its pan; or `frames` of silence."""
    sequence = aaf.create.Sequence(media_kind="sound")
    for silence, clip in in_a_row(track, "an AAF track"):
        if silence:
            sequence.components.append(aaf.create.Filler("sound", silence))
        sequence.components.append(_piece(aaf, clip, channels, masters))
    if not track.clips:
        sequence.components.append(aaf.create.Filler("sound", frames))
    sequence.length = end_of([track]) or frames
    return mobs.in_pan(aaf, mobs.in_gain(aaf, sequence, track.gain_db), track.pan)


def _piece(aaf: Any, clip: Clip, channels: tuple[int, ...], masters: dict[essence.Essence, Any]) -> Any:
    """A clip: its mono channels, combined when there are several, in its gain."""
    parts = [mobs.clip(aaf, masters[clip.file.path, channel], clip.source_from, clip.length) for channel in channels]
    return mobs.in_gain(aaf, mobs.combined(aaf, parts), clip.gain_db)


def _markers(aaf: Any, session: Session) -> Any:
    """Markers and regions, tied to the first track: readers stumble over markers that describe no slot."""
    sequence = aaf.create.Sequence(media_kind="DescriptiveMetadata", length=session.frames)
    for marker in sorted(session.markers, key=lambda marker: marker.at):
        sequence.components.append(_marker(aaf, marker))
    slot = aaf.create.EventMobSlot(1000, "Markers", sequence)
    slot.edit_rate = session.sample_rate
    slot["PhysicalTrackNumber"].value = 1
    return slot


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
