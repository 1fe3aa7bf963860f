"""A song and its stems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar

from stemwright.model.files import AudioFile, Unreadable
from stemwright.model.measured import Across, Levels

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Estimate(Generic[T]):
    """A musical fact, how sure we are (0 to 1) and where it comes from."""

    value: T
    confidence: float
    source: Literal["user", "tag", "filename", "session", "measured"]
    alternatives: tuple[T, ...] = ()  # next best readings, best first (half or double tempo, relative key)


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From `at` quarters on, the tempo is `bpm` quarter notes a minute."""

    at: Fraction
    bpm: float


@dataclass(frozen=True, slots=True)
class MeterChange:
    """From `at` quarters on, the metre is numerator/denominator."""

    at: Fraction
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker (length 0) or a region on the timeline, in frames at the session rate."""

    at: int
    name: str
    length: int = 0
    colour: str | None = None  # #rrggbb

    @property
    def end(self) -> int:
        """The frame behind its last one; that of a marker is its place."""
        return self.at + self.length


@dataclass(frozen=True, slots=True)
class Song:
    """What is known about the music."""

    title: str
    sample_rate: int  # Hz; the unit of `downbeat_frame` and of the markers
    artist: str = ""
    bpm: Estimate[float] | None = None  # tempo at the song start, quarter notes a minute
    tempo_map: tuple[TempoChange, ...] = ()  # later changes only; empty for a constant tempo
    meter_map: tuple[MeterChange, ...] = (MeterChange(Fraction(0), 4, 4),)
    key: Estimate[str] | None = None
    downbeat_frame: int = 0  # where bar 1 starts in the audio
    markers: tuple[Marker, ...] = ()
    tuning_cents: float | None = None  # of the instruments against A4 = 440 Hz; None when it was not measured


@dataclass(frozen=True, slots=True)
class Stem:
    """One stem (or the reference mix) of a song."""

    file: AudioFile
    role: str  # `vocals.lead`, `drums.kick`, ..., `mix`, or `other`; see templates/names/roles.toml
    name: str  # as a mix engineer would label the track
    levels: Levels | None = None
    printed_effects: str = ""  # effects that are part of the sound, in the producer's words
    comments: str = ""  # whatever else the producer says about this stem
    colour: str | None = None  # #rrggbb
    gain_db: float = 0.0  # was applied to the samples; a session undoes it by clip gain of the opposite sign


@dataclass(frozen=True, slots=True)
class StemSet:
    """The stems of one song, the reference mix if there is one, and what lies beside them."""

    song: Song
    stems: tuple[Stem, ...]
    mix: Stem | None = None
    folder: Path | None = None
    layout: str = ""
    unreadable: tuple[Unreadable, ...] = ()
    subfolders: tuple[Path, ...] = ()  # folders inside that hold audio, which is not part of the set
    other_files: tuple[Path, ...] = ()  # everything in the folder that is no audio: notes, sessions, junk
    links: tuple[Path, ...] = ()  # symbolic links among all of these
    notes: str = ""  # the text of the notes file, empty when there is none or it is no text
    across: Across | None = None  # measured over all stems; None before
    other_mixes: tuple[Stem, ...] = ()  # further mixes of the song: not measured, not compared

    @property
    def compared(self) -> Across:
        """What the whole set tells: `across`, or nothing before it was measured."""
        return self.across or Across()

    @property
    def everything(self) -> tuple[Stem, ...]:
        """Stems, then the reference mix."""
        return self.stems + ((self.mix,) if self.mix else ())

    def each(self, change: Callable[[Stem], Stem]) -> Self:
        """The set with every stem, and the reference mix, changed."""
        return replace(self, stems=tuple(map(change, self.stems)), mix=change(self.mix) if self.mix else None)
