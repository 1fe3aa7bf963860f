"""The one data model.

Times inside audio are integer **frames** (samples per channel) at the file's own rate; musical positions are
`Fraction` quarter notes from the song start; levels are dB with the reference in the name; gain in dB; pan -1 to
+1; keys are strings such as "F# minor" (sharps only inside the model); arrays are float32 `[channels, frames]`.
Nothing is a bare float named `time`. Everything is frozen: a changed thing is a new thing (`dataclasses.replace`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the samples are stored as."""

    container: str  # wav, rf64, bw64, aiff, caf, w64, flac, ogg, opus, mp3, m4a, ...
    encoding: Literal["pcm", "float", "lossy"]
    bits: int  # valid bits per sample; 0 for lossy encodings
    sample_rate: int  # Hz
    channels: int
    channel_mask: int = 0  # dwChannelMask of WAVE_FORMAT_EXTENSIBLE; 0 when the file names no speakers


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which a file that can still be read contradicts itself."""

    kind: str  # truncated, data-size, odd-tail, second-data
    detail: str
    lost_frames: int = 0


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A readable audio file. `frames` is what can really be read, not what the header claims."""

    path: Path
    format: AudioFormat
    frames: int
    start_frame: int | None = None  # BWF TimeReference: frames since midnight; None when the file has no bext chunk
    tags: tuple[tuple[str, str], ...] = ()  # title, artist, album, bpm, key, comment, ... as found, lower-case names
    damage: tuple[Damage, ...] = ()

    def tag(self, name: str) -> str:
        """The value of a tag, or an empty string."""
        return next((value for key, value in self.tags if key == name), "")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that looks like a stem and could not be read; an audit finding, never the end of a run."""

    path: Path
    kind: Literal["empty", "not-audio", "damaged", "no-reader"]
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """Frames [start, end) of one file; end is exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Levels:
    """What one pass over the samples finds. dBFS re full scale = 1.0; -inf where there is only digital silence."""

    sample_peak_dbfs: float
    channel_peaks_dbfs: tuple[float, ...]
    rms_dbfs: float
    dc_offset: float  # mean of the worst channel, fraction of full scale, signed
    used_bits: int  # word length really used (24 minus common trailing zero bits); 0 for silence
    clipped: tuple[Span, ...] = ()  # the first 100 runs of three or more full-scale samples in a row
    clipped_runs: int = 0
    not_finite: int = 0  # count of NaN and infinite samples
    first_sound: int | None = None  # first frame that is not exactly zero; None in silence
    last_sound: int | None = None  # last frame that is not exactly zero; None in silence
    head_dbfs: float = -math.inf  # peak of the first 1 ms
    tail_dbfs: float = -math.inf  # peak of the last 10 ms
    correlation: float | None = None  # left/right correlation -1 to +1; None unless stereo and sounding

    @property
    def silent(self) -> bool:
        """Only exact zeros."""
        return self.first_sound is None


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


@dataclass(frozen=True, slots=True)
class Stem:
    """One stem (or the reference mix) of a song."""

    file: AudioFile
    role: str  # `vocals.lead`, `drums.kick`, ..., `mix`, or `other`; see templates/names/roles.toml
    name: str  # as a mix engineer would label the track
    levels: Levels | None = None
    printed_effects: str = ""  # effects that are part of the sound, in the producer's words
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

    @property
    def everything(self) -> tuple[Stem, ...]:
        """Stems, then the reference mix."""
        return self.stems + ((self.mix,) if self.mix else ())


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


@dataclass(frozen=True, slots=True)
class Session:
    """A DAW session before any DAW: tracks in order (a group stands before its members), markers, tempo."""

    song: Song
    tracks: tuple[Track, ...]
    sample_rate: int  # Hz
    frames: int  # length of the timeline in frames
    markers: tuple[Marker, ...] = ()
    frame_rate: Fraction = Fraction(30)  # timecode frames a second
    start_frame: int = 0  # timecode of the session start, in frames at the session rate since midnight
    notes: tuple[str, ...] = ()  # lines for the session's own notes field


@dataclass(frozen=True, slots=True)
class Loss:
    """Something a session format had no place for."""

    subject: str  # Track, marker or song
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured, what the limit was, in which unit."""

    measured: float | str
    limit: float | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding can be put right."""

    summary: str
    applicability: Literal["lossless", "lossy", "manual"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a mix engineer would send back."""

    rule: str
    severity: Severity
    message: str
    subject: Path | None = None  # the file; None when the whole set is meant
    spans: tuple[Span, ...] = ()
    evidence: Evidence | None = None
    fix: Fix | None = None
    confidence: Literal["exact", "measured", "heuristic"] = "exact"


@dataclass(frozen=True, slots=True)
class Progress:
    """The only thing a workflow yields while it runs."""

    step: str  # probe, measure, split, audit, session, notes, ...
    done: float
    total: float  # same unit as `done`; 0 when unknown
    unit: str = ""
    message: str = ""
    subject: str = ""  # the input this is about


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written."""

    path: Path
    kind: str  # stem, mix, session, media, notes, report, manifest, model
    role: str = ""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What every workflow ends with: the files, what the user should know, and the result itself."""

    outputs: tuple[Output, ...]
    result: T
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # steps that were found done and not run again
