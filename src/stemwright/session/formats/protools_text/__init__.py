"""Pro Tools' "Session Info as Text": the only thing besides AAF that Pro Tools tells others; it can only be read.

What stands in it is taken apart by `listing`. A stereo track has a row per channel and event: the first channel
counts. Where in its file a clip begins stands only in the TIMESTAMP column, if at all, so clips are read from the
file's start and that is told, as is what the text only mentions: plug-ins, fades, clip groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stemwright.model import Clip, Marker, Session, Track, end_of
from stemwright.naming import unique
from stemwright.session.formats import Opened
from stemwright.session.formats.protools_text.listing import ListedTrack, SessionText, parse
from stemwright.session.grid import song_from
from stemwright.session.media import Media, Roots
from stemwright.session.told import Told

NAME = "Pro Tools text"
SUFFIXES = (".txt",)
EXPRESSES = frozenset({"audio", "markers", "mute", "solo", "comments", "start_timecode", "frame_rate"})
MOST_BYTES = 32 << 20


def read(path: Path, roots: Roots) -> Opened:
    """Read tracks, clips and markers. Raises SessionError for what is no such text, or counts in feet or bars."""
    text = parse(path.read_bytes(), path)
    told = Told()
    media = Media(roots, told)
    for name in text.odd_markers:
        told.tell("markers at bars and beats are left out: export them with Timecode or Samples", name)
    tracks = [replace(_track(track, told), clips=tuple(_clips(track, text, media, told))) for track in text.tracks]
    if any(track.clips for track in tracks):
        told.tell("the text does not tell where in its file a clip begins: each is taken from the file's start")
    named = zip(tracks, unique(track.name for track in tracks), strict=True)
    markers = tuple(sorted((Marker(at, unique([n])[0]) for at, n in text.markers or ()), key=lambda m: m.at))
    return Opened(
        Session(
            song=song_from(markers, (), text.rate, unique([text.name])[0]),
            tracks=tuple(replace(track, name=name) for track, name in named),
            sample_rate=text.rate,
            frames=end_of(tracks),
            markers=markers,
            frame_rate=text.fps,
            drop_frame=text.drop,
            start_frame=text.start_frame,
        ),
        told.lines(),
    )


def _track(listed: ListedTrack, told: Told) -> Track:
    if listed.plugins:
        told.tell("plug-ins are not read", listed.name)
    if listed.delay.split()[:1] not in ([], ["0"]):
        told.tell("delays of tracks are not read", listed.name)
    mute = "Muted" in listed.state or "Inactive" in listed.state
    return Track(listed.name, comment=listed.comment, mute=mute, solo="Solo" in listed.state)


def _clips(track: ListedTrack, text: SessionText, media: Media, told: Told) -> Iterator[Clip]:
    channels = max((event.channel for event in track.events), default=1)
    for event in (event for event in track.events if event.channel == 1):
        length, source = event.end - event.at, text.source(event.clip)
        if event.fade:
            told.tell("fades are not read", track.name)
        elif event.state != "Unmuted":
            told.tell("muted clips are left out", track.name)
        elif length <= 0 or not source:
            told.tell("clip groups and clips without audio are left out", track.name)
        else:
            file = media.file(source, text.rate, length, channels)
            if event.at < 0:
                told.tell("clips before the session's start are read as at it", track.name)
            yield Clip(file, max(event.at, 0), length)
