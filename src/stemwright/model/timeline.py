"""A DAW session before any DAW."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from stemwright.model.files import AudioFile
from stemwright.model.music import Marker, Song


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of an audio file on the timeline; all positions in frames at the session rate."""

    file: AudioFile
    at: int
    length: int
    source_from: int = 0
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0

    @property
    def end(self) -> int:
        """The frame behind its last one."""
        return self.at + self.length


@dataclass(frozen=True, slots=True)
class Track:
    """A track; one with `is_group` holds no clips and sums the tracks that name it as their `group`."""

    name: str
    role: str = "other"
    clips: tuple[Clip, ...] = ()
    group: str | None = None
    is_group: bool = False
    colour: str | None = None  # #rrggbb
    gain_db: float = 0.0
    pan: float = 0.0
    mute: bool = False
    solo: bool = False
    comment: str = ""

    @property
    def channels(self) -> int:
        """Of the widest file that it plays; 0 without one."""
        return max((clip.file.format.channels for clip in self.clips), default=0)

    @property
    def clip_gain_db(self) -> float:
        """The gain that all its clips share; 0 when they differ."""
        gains = {clip.gain_db for clip in self.clips}
        return gains.pop() if len(gains) == 1 else 0.0


def end_of(tracks: Iterable[Track]) -> int:
    """The frame at which the last clip ends; 0 without one."""
    return max((clip.end for track in tracks for clip in track.clips), default=0)


@dataclass(frozen=True, slots=True)
class Session:
    """A DAW session before any DAW: tracks in order (a group stands before its members), markers, tempo."""

    song: Song
    tracks: tuple[Track, ...]
    sample_rate: int  # Hz
    frames: int  # length of the timeline in frames
    markers: tuple[Marker, ...] = ()
    frame_rate: Fraction = Fraction(30)  # timecode frames a second
    drop_frame: bool = False  # timecode leaves numbers out, to keep up with the clock at 29.97
    start_frame: int = 0  # timecode of the session start, in frames at the session rate since midnight
    notes: tuple[str, ...] = ()  # lines for the session's own notes field

    @property
    def clips(self) -> tuple[Clip, ...]:
        """All clips, track by track."""
        return tuple(clip for track in self.tracks for clip in track.clips)

    @property
    def files(self) -> tuple[AudioFile, ...]:
        """The files that clips play, each once, in the order in which they come."""
        return tuple(dict.fromkeys(clip.file for clip in self.clips))


@dataclass(frozen=True, slots=True)
class Loss:
    """Something a session format had no place for."""

    subject: str  # Track, marker or song
    field: str
    reason: str
