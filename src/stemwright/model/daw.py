"""The session that is open in a DAW, as its host tells of it.

Everything is None (or empty) where the host does not say: a rule may then judge nothing. Times are frames at the
session's rate, counted from the session's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stemwright.model.music import Marker

TrackKind = Literal["audio", "midi", "instrument", "aux", "vca", "folder", "master", "other"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """An effect or instrument in a track's chain."""

    name: str
    bypassed: bool | None = None


@dataclass(frozen=True, slots=True)
class PlacedClip:
    """A clip where it lies; `at` may be negative, before the session's start."""

    name: str
    at: int
    length: int
    file: Path | None = None  # as the host names it
    missing: bool = False  # the host says that it is offline, or the file is not there
    muted: bool = False
    sample_rate: int | None = None  # Hz, of the file


@dataclass(frozen=True, slots=True)
class DawTrack:
    """A track and what is on it."""

    name: str
    kind: TrackKind = "audio"
    clips: tuple[PlacedClip, ...] = ()
    plugins: tuple[Plugin, ...] | None = None
    channels: int | None = None
    parent: str | None = None  # the folder that it lies in
    muted: bool | None = None
    soloed: bool | None = None
    inactive: bool | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What the host's render dialog is set to."""

    format: str | None = None  # "wav", "aiff", "flac", ...
    bits: int | None = None
    sample_rate: int | None = None  # Hz; None also where the session's own rate is meant
    dither: bool | None = None
    noise_shaping: bool | None = None
    processing: tuple[str, ...] | None = None  # what else is done to each file: "normalised", "trimmed at the start"
    interleaved: bool | None = None
    channels: int | None = None
    tail_s: float | None = None
    imports_after: bool | None = None  # what was rendered comes back into the session
    source: str | None = None  # "master", "stems", "selected tracks", ...: in the host's words
    per_track: bool | None = None  # whether that is a file for each track, or part of one
    via_master: bool | None = None  # whether files of tracks go through the master's effects and fader
    bounds: str | None = None  # "entire project", "time selection", ...: in the host's words
    whole: bool | None = None  # whether these are the whole session


@dataclass(frozen=True, slots=True)
class DawSession:
    """The session that is open in a DAW."""

    host: str  # "REAPER 7.22", "Pro Tools 2024.10", ...
    name: str
    sample_rate: int | None = None  # Hz
    bits: int | None = None
    interleaved: bool | None = None  # whether a new stereo file of the session is one file
    tracks: tuple[DawTrack, ...] = ()
    markers: tuple[Marker, ...] | None = None
    length: int | None = None  # frames
    plugins: tuple[Plugin, ...] | None = None  # used anywhere, where the host does not say on which track
    render: RenderSettings = RenderSettings()
