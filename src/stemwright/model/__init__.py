"""The one data model.

Times inside audio are integer **frames** (samples per channel) at the file's own rate; musical positions are
`Fraction` quarter notes from the song start; levels are dB with the reference in the name; gain in dB; pan -1 to
+1; keys are strings such as "F# minor" (sharps only inside the model); arrays are float32 `[channels, frames]`.
Nothing is a bare float named `time`. Everything is frozen: a changed thing is a new thing (`dataclasses.replace`).
"""

from stemwright.model.daw import DawSession, DawTrack, PlacedClip, Plugin, RenderSettings, TrackKind
from stemwright.model.files import AudioFile, AudioFormat, Chunk, Damage, Metadata, Unreadable
from stemwright.model.findings import SEVERITIES, Confidence, Evidence, Finding, Fix, Severity
from stemwright.model.measured import (
    Across,
    Clipping,
    Dither,
    Levels,
    Loudness,
    Mixdown,
    Part,
    Runs,
    Sides,
    Span,
    Spectrum,
    Twins,
    Words,
)
from stemwright.model.music import Estimate, Marker, MeterChange, Song, Stem, StemSet, TempoChange
from stemwright.model.outcome import Outcome, Output, Progress, Workflow
from stemwright.model.timeline import Clip, Loss, Session, Track, end_of

__all__ = [
    "SEVERITIES",
    "Across",
    "AudioFile",
    "AudioFormat",
    "Chunk",
    "Clip",
    "Clipping",
    "Confidence",
    "Damage",
    "DawSession",
    "DawTrack",
    "Dither",
    "Estimate",
    "Evidence",
    "Finding",
    "Fix",
    "Levels",
    "Loss",
    "Loudness",
    "Marker",
    "Metadata",
    "MeterChange",
    "Mixdown",
    "Outcome",
    "Output",
    "Part",
    "PlacedClip",
    "Plugin",
    "Progress",
    "RenderSettings",
    "Runs",
    "Session",
    "Severity",
    "Sides",
    "Song",
    "Span",
    "Spectrum",
    "Stem",
    "StemSet",
    "TempoChange",
    "Track",
    "TrackKind",
    "Twins",
    "Unreadable",
    "Words",
    "Workflow",
    "end_of",
]
