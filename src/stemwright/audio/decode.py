"""Everything that is no plain WAV: libsndfile first, then pedalboard's decoders, then a guarded ffmpeg.

MP3: libsndfile (mpg123) removes encoder delay and padding when the file has a LAME/Xing tag, so stems line up
with the original and with what a DAW imports. An MP3 without that tag keeps its 1105 frames of delay, as it does
in a DAW, because nothing in the file tells. M4A: see `mp4.py`.
"""

from __future__ import annotations

import atexit
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stemwright.audio.coders import ffmpeg
from stemwright.audio.headers import MAX_RATE
from stemwright.audio.lengths import cut_short, shortfall
from stemwright.audio.mp4 import is_protected, lossless_bits, stated_seconds
from stemwright.errors import DamagedAudio, NotAudio, UnreadableAudio
from stemwright.model import AudioFile, AudioFormat

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64,
         "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32}  # fmt: skip
_CONTAINERS = {"WAV": "wav", "WAVEX": "wav", "RF64": "rf64", "AIFF": "aiff", "CAF": "caf", "W64": "w64", "FLAC": "flac",
               "OGG": "ogg", "MPEG": "mp3", "MP3": "mp3"}  # fmt: skip
_FOREIGN = {b"\x30\x26\xb2\x75": "wma", b"wvpk": "wv", b"\x1aE\xdf\xa3": "mka", b"MAC ": "ape"}
HEAD = 32
"""Bytes from the start of a file that tell what it is."""


def foreign(head: bytes) -> str:
    """What kind of file that libsndfile cannot read starts with these bytes (m4a, aac, wma, ...); "" for none.

    A FLAC whose STREAMINFO (RFC 9639, 8.2) leaves the number of samples open, as streamed ones do, is among them.
    """
    if head[4:8] == b"ftyp":
        return "m4a"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if head[:4] == b"caff" and head[28:32] == b"aac ":
        return "caf"
    if head[:4] == b"fLaC" and len(head) >= 26 and not (head[21] & 15 or any(head[22:26])):
        return "flac"
    return _FOREIGN.get(head[:4], "")


def probe_by_library(path: Path, head: bytes, tags: tuple[tuple[str, str], ...], hint: str) -> AudioFile:
    """Facts by libsndfile, else pedalboard, else ffmpeg. Raises NotAudio, DamagedAudio or UnreadableAudio."""
    import soundfile

    kind = foreign(head)
    if kind:
        return _probe_decoded(path, kind, head, tags)
    try:
        info = soundfile.info(str(path))
    except RuntimeError as error:  # soundfile's errors are RuntimeErrors
        known = head[:4] in (b"RIFF", b"RF64", b"BW64", b"FORM", b"fLaC", b"OggS", b"caff", b"riff")
        raise (DamagedAudio if known else NotAudio)(f"{path}: no audio can be read from it", hint) from error
    bits = _BITS.get(info.subtype, 0)
    encoding: Literal["pcm", "float", "lossy"] = (
        "float" if info.subtype in ("FLOAT", "DOUBLE") else "pcm" if bits else "lossy"
    )
    if not 0 < info.samplerate <= MAX_RATE:
        raise DamagedAudio(f"{path}: states a sample rate of {info.samplerate} Hz", hint)
    container = "opus" if info.subtype == "OPUS" else _CONTAINERS.get(info.format, info.format.lower())
    form = AudioFormat(container, encoding, bits, info.samplerate, info.channels)
    frames, promised = info.frames, 0
    if container == "mp3":
        stat = path.stat()
        frames = _counted_frames(path, stat.st_size, stat.st_mtime_ns)
        promised = info.frames if _has_xing(path) else 0
    damage = cut_short(promised, frames, info.samplerate) or shortfall(path, container, frames, info.samplerate)
    return AudioFile(path, form, frames, None, tags, damage)


@cache
def _counted_frames(path: Path, size: int, mtime_ns: int) -> int:
    """Frames of an MP3 by decoding it: without a Xing tag it does not tell how long it is."""
    import soundfile

    count = 0
    try:
        with soundfile.SoundFile(str(path)) as source:
            room = np.empty((1 << 16, source.channels), np.int16)
            while got := len(source.read(out=room)):
                count += got
    except RuntimeError as error:
        raise DamagedAudio(f"{path}: cannot be decoded after {count} frames", "export it again") from error
    return count


def _has_xing(path: Path) -> bool:
    """Whether the first frame of an MP3, behind an ID3 tag, states the length."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":  # 28-bit size in 4 bytes of 7 bits
            file.seek(10 + sum(byte << 7 * place for place, byte in enumerate(reversed(head[6:10]))))
        first = file.read(200)
    return b"Xing" in first or b"Info" in first


def _probe_decoded(path: Path, kind: str, head: bytes, tags: tuple[tuple[str, str], ...]) -> AudioFile:
    from stemwright.audio.probe import probe

    if kind == "m4a" and is_protected(path):
        raise UnreadableAudio(f"{path}: is copy-protected (DRM)", "buy or export it without protection", "locked")
    decoded = probe(as_wav(path))
    rate, frames = decoded.format.sample_rate, decoded.frames
    bits = ((head[20] & 1) << 4 | head[21] >> 4) + 1 if kind == "flac" else 0
    promised = frames
    if kind == "m4a":
        bits, stated = lossless_bits(path), stated_seconds(path)
        promised = frames if stated is None else round(stated * rate)
    frames = min(frames, promised)
    form = AudioFormat(kind, "pcm" if bits else "lossy", bits, rate, decoded.format.channels)
    return AudioFile(path, form, frames, None, tags, cut_short(promised, frames, rate))


def as_wav(path: Path) -> Path:
    """A temporary float WAV with the samples of a file that libsndfile cannot read; made once per process and file.

    Raises UnreadableAudio when no decoder is installed, DamagedAudio when the decoder refuses the file.
    """
    stat = path.stat()
    return _as_wav(path.resolve(), stat.st_size, stat.st_mtime_ns)


@cache
def _as_wav(path: Path, size: int, mtime_ns: int) -> Path:
    target = Path(tempfile.mkdtemp(prefix="stemwright-", dir=_scratch())) / "decoded.wav"
    if _by_pedalboard(path, target):
        return target
    # Edit lists round to milliseconds; where the file states its exact length, that is cut to and not the list's.
    exact = ["-advanced_editlist", "0"] if stated_seconds(path) is not None else []
    how, hint = ("-c:a", "pcm_f32le", "-rf64", "auto"), "convert it to WAV by hand; is it copy-protected or cut off?"
    if not ffmpeg(path, target, *how, before=exact, hint=hint):
        hint = "install ffmpeg (apt install ffmpeg, brew install ffmpeg), or convert the file to WAV"
        raise UnreadableAudio(f"{path}: this kind of file needs ffmpeg, which is not installed", hint)
    return target


def _by_pedalboard(path: Path, target: Path) -> bool:
    """Decode with the system's own codecs, which pedalboard has on macOS (AAC, ALAC) and Windows (WMA)."""
    if sys.platform not in ("darwin", "win32"):
        return False
    from pedalboard.io import AudioFile as Decoder

    from stemwright.audio.wav import WavWriter

    try:
        with Decoder(str(path)) as source:
            decoder: Any = source
            with WavWriter(target, int(decoder.samplerate), decoder.num_channels, 32, "float") as out:
                while decoder.tell() < decoder.frames:
                    out.write(decoder.read(1 << 18))
    except (ValueError, RuntimeError, OSError):
        return False
    return True


@cache
def _scratch() -> str:
    folder = tempfile.TemporaryDirectory(prefix="stemwright-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name
