"""What is known of an audio file before a sample is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stemwright.errors import Kind


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the samples are stored as."""

    container: str  # wav, rf64, bw64, aiff, caf, w64, flac, ogg, opus, mp3, m4a, ...
    encoding: Literal["pcm", "float", "lossy"]
    bits: int  # valid bits per sample; 0 for lossy encodings
    sample_rate: int  # Hz
    channels: int
    channel_mask: int = 0  # dwChannelMask of WAVE_FORMAT_EXTENSIBLE; 0 when the file names no speakers
    container_bits: int = 0  # bits that a sample takes in the file, where they are more than `bits`; else 0
    extensible: bool = False  # WAVE_FORMAT_EXTENSIBLE

    @property
    def lossy(self) -> bool:
        """Whether it went through a codec that does not give back what it took."""
        return self.encoding == "lossy"

    @property
    def riff(self) -> bool:
        """Whether it is WAV, or its kin for more than 4 GiB."""
        return self.container in ("wav", "rf64", "bw64")


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which a file that can still be read contradicts itself."""

    kind: str  # see `audio.probe` for the kinds
    detail: str
    lost_frames: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a RIFF or AIFF file: name, where its body starts, and the bytes of it that are there."""

    name: str
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a WAV says about itself, as found: the facts that MET rules judge."""

    bext_bytes: int = 0  # 0: there is no bext chunk
    bext_version: int = 0
    description: str = ""
    originator: str = ""
    date: str = ""  # as it stands there, should be yyyy-mm-dd
    clock: str = ""  # should be hh:mm:ss
    umid: str = ""  # hex; empty when all zero
    loudness_lufs: float | None = None  # bext version 2: integrated loudness, None when unused or not version 2
    true_peak_dbtp: float | None = None  # bext version 2
    ixml: Literal["absent", "fine", "broken"] = "absent"
    ixml_facts: tuple[tuple[str, str], ...] = ()  # project, track, note, bpm, sample_rate, bits, channels, umid
    info_facts: tuple[tuple[str, str], ...] = ()  # title, artist, album, bpm, comment, ... of LIST INFO
    private: tuple[str, ...] = ()  # user names, absolute paths, places found in text chunks


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A readable audio file. `frames` is what can really be read, not what the header claims."""

    path: Path
    format: AudioFormat
    frames: int
    start_frame: int | None = None  # BWF TimeReference: frames since midnight; None when the file has no bext chunk
    tags: tuple[tuple[str, str], ...] = ()  # title, artist, album, bpm, key, comment, ... as found, lower-case names
    damage: tuple[Damage, ...] = ()
    bytes: int = 0  # size of the file
    chunks: tuple[Chunk, ...] = ()  # of a RIFF or AIFF file, in order
    metadata: Metadata = Metadata()

    def tag(self, name: str) -> str:
        """The value of a tag, or an empty string."""
        return next((value for key, value in self.tags if key == name), "")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that looks like a stem and could not be read; an audit finding, never the end of a run."""

    path: Path
    kind: Kind
    reason: str
