"""What is in an audio file: format, true length, start, tags, damage. Content decides, the suffix is never trusted.

WAV family files are walked by our own reader, because no library survives damaged ones and none keeps their chunks;
everything else is asked of libsndfile, then of pedalboard's and ffmpeg's decoders (`decode.py`).
"""

from __future__ import annotations

import stat
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stemwright.audio import chunks
from stemwright.audio.decode import HEAD, MAX_RATE, probe_by_library
from stemwright.audio.tags import read_tags
from stemwright.errors import DamagedAudio, InputError, NotAudio
from stemwright.model import AudioFile, AudioFormat, Damage
from stemwright.safety import readable

SUFFIXES = frozenset(
    (
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".flac", ".alac", ".wv"),
        *(".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4", ".aac", ".wma"),
    )
)
"""File names that promise audio; a folder is searched for these."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_STREAMED = (0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Sizes that sox, LAME, arecord and ffmpeg write when they cannot go back to complete the header."""
_RIFF = {b"RIFF": "wav", b"RIFX": "wav", b"RF64": "rf64", b"BW64": "bw64"}
_NOT_AUDIO = "is this really audio? Export it again from the DAW as WAV"


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Where and how the samples of a WAV file lie."""

    offset: int
    align: int
    """Bytes per frame."""
    dtype: str
    """numpy dtype of one sample; "i3" stands for packed 24-bit."""
    big: bool


def probe(path: Path) -> AudioFile:
    """Facts about one audio file.

    Raises NotFoundInput, InputError (not a file, no permission), NotAudio, DamagedAudio (nothing can be read of
    it), UnreadableAudio (a reader is missing). Damage that leaves samples readable stands in `damage`.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{path}: is a folder", "give the audio file, or use a command that takes a folder")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is a device or a pipe", "give a file; save what the pipe carries first")
        length = found.st_size
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise readable(error, path) from error
    if length == 0:
        raise NotAudio(f"{path}: is empty (0 bytes)", "the export or the copy failed; export it again")
    if head[:4] in _RIFF and head[8:12] == b"WAVE":
        wav = _probe_wav(path, length)
        if wav:
            return wav
    elif not any(head):
        raise NotAudio(f"{path}: holds only zero bytes", "the copy or download failed; copy it again")
    return probe_by_library(path, head, read_tags(path), _NOT_AUDIO)


def require_whole(file: AudioFile) -> None:
    """Raise DamagedAudio when the file lost samples: a delivery made from it would be silently short."""
    for damage in file.damage:
        if damage.kind == "truncated":
            raise DamagedAudio(f"{file.path}: {damage.detail}", "copy or export the file again; its end is missing")


def wav_layout(path: Path) -> WavLayout | None:
    """Where the samples of a plain PCM or float WAV lie; None when it is no such file."""
    with path.open("rb") as file:
        read = _read_wav(file, path.stat().st_size) if file.read(4) in _RIFF else None
    return read[1] if read else None


@dataclass(frozen=True, slots=True)
class _Wav:
    format: AudioFormat
    frames: int
    bext: chunks.Bext | None
    tags: dict[str, str]
    damage: tuple[Damage, ...]


def _probe_wav(path: Path, length: int) -> AudioFile | None:
    with path.open("rb") as file:
        read = _read_wav(file, length)
    if read is None:
        return None
    wav, _ = read
    tags = dict(read_tags(path)) if "id3" in wav.tags else {}
    tags |= {name: text for name, text in wav.tags.items() if name != "id3"}
    start = wav.bext.time_reference if wav.bext else None
    return AudioFile(path, wav.format, wav.frames, start, tuple(sorted(tags.items())), wav.damage)


def _read_wav(file: BinaryIO, length: int) -> tuple[_Wav, WavLayout] | None:
    file.seek(0)
    magic = file.read(4)
    big = magic == b"RIFX"
    fmt = bext = data = None
    second = False
    tags: dict[str, str] = {}
    for chunk in chunks.walk(file, length):
        if chunk.name == b"data" and data is None:
            data = chunk
            if chunk.size > chunk.present or (chunk.size == 0 and not chunks.known_at(file, chunk.offset)):
                break  # nothing that follows can be trusted to be a chunk
        elif chunk.name == b"data":
            second = True
        elif chunk.name == b"fmt " and fmt is None:
            fmt = _body(file, chunk)
        elif chunk.name == b"bext":
            bext = chunks.parse_bext(_body(file, chunk))
        elif chunk.name == b"iXML":
            tags |= {k: v for k, v in chunks.parse_ixml(_body(file, chunk)).items() if k == "bpm"}
        elif chunk.name == b"LIST":
            tags |= _info(_body(file, chunk))
        elif chunk.name in (b"id3 ", b"ID3 "):
            tags["id3"] = ""
    if fmt is None or data is None or len(fmt) < 16:
        missing = "fmt" if fmt is None or len(fmt) < 16 else "data"
        raise DamagedAudio(f"{file.name}: a WAV file without a usable {missing!r} chunk", "export or copy it again")
    code, channels, rate, _, align, bits = struct.unpack_from(">HHIIHH" if big else "<HHIIHH", fmt)
    valid, mask = bits, 0
    if code == _EXTENSIBLE and len(fmt) >= 40:
        valid, mask, code = struct.unpack_from(">HIH" if big else "<HIH", fmt, 18)
        valid = valid if 0 < valid <= bits else bits
    dtype = {
        (_PCM, 8): "u1",
        (_PCM, 16): "i2",
        (_PCM, 24): "i3",
        (_PCM, 32): "i4",
        (_FLOAT, 32): "f4",
        (_FLOAT, 64): "f8",
    }.get((code, 8 * align // channels if channels and code == _PCM else bits))
    if dtype is None:
        return None  # ADPCM, MP3 in WAV, ...: libsndfile's business
    if not channels or not 0 < rate <= MAX_RATE or align != channels * int(dtype[1]):
        raise DamagedAudio(f"{file.name}: the 'fmt' chunk contradicts itself", "export or copy the file again")
    present, damage = _damage(file, length, data, align, rate)
    if second:
        damage = (*damage, Damage("second-data", "there is a second 'data' chunk; only the first one is read"))
    fmt_ = AudioFormat(_RIFF[magic], "float" if dtype[0] == "f" else "pcm", valid, rate, channels, mask)
    wav = _Wav(fmt_, present // align, bext, tags, damage)
    return wav, WavLayout(data.offset, align, dtype, big)


def _damage(file: BinaryIO, length: int, data: chunks.Chunk, align: int, rate: int) -> tuple[int, tuple[Damage, ...]]:
    """Bytes of audio that are really there, and what is wrong with them."""
    present = data.present
    if data.size == 0 and length - data.offset > align and not chunks.known_at(file, data.offset):
        detail = "the header says 0 bytes of audio, but audio follows: a recording that was cut off"
        return length - data.offset, (Damage("data-size", detail),)
    if data.size > present and any(0 <= size - data.size < align for size in _STREAMED):
        detail = "the header was never completed (streamed output); all samples are there"
        return present, (Damage("data-size", detail),)
    if data.size > present:
        lost = data.size // align - present // align
        promise = f"the header promises {data.size // align} frames, the file ends after {present // align}"
        return present, (Damage("truncated", f"{promise} ({lost / rate:.3f} s lost)", lost),)
    if data.size % align:
        return present, (Damage("odd-tail", f"{data.size % align} bytes after the last whole frame"),)
    return present, ()


def _body(file: BinaryIO, chunk: chunks.Chunk) -> bytes:
    file.seek(chunk.offset)
    return file.read(min(chunk.present, chunks.MAX_IXML + 1))


def _info(body: bytes) -> dict[str, str]:
    """Title, artist and comment of a LIST INFO chunk."""
    names = {b"INAM": "title", b"IART": "artist", b"ICMT": "comment", b"IPRD": "album"}
    found, at = {}, 4
    while body[:4] == b"INFO" and at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        text = body[at + 8 : at + 8 + size].split(b"\0")[0].decode("utf-8", "replace").strip()
        if name in names and text:
            found[names[name]] = text
        at += 8 + size + size % 2
    return found


def majority_rate(files: tuple[AudioFile, ...]) -> int:
    """The sample rate (Hz) that most files have; the higher one of a tie."""
    counts = Counter(file.format.sample_rate for file in files)
    return max(counts, key=lambda rate: (counts[rate], rate))
