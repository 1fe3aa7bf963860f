"""Everything that is no plain WAV: libsndfile first, then pedalboard's decoders, then a guarded ffmpeg.

MP3: libsndfile (mpg123) removes encoder delay and padding when the file has a LAME/Xing tag, so stems line up
with the original and with what a DAW imports. An MP3 without that tag keeps its 1105 frames of delay, as it does
in a DAW, because nothing in the file tells.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

from stemwright.errors import DamagedAudio, NotAudio, UnreadableAudio
from stemwright.model import AudioFile, AudioFormat
from stemwright.safety import child

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64,
         "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32}  # fmt: skip
_CONTAINERS = {"WAV": "wav", "WAVEX": "wav", "RF64": "rf64", "AIFF": "aiff", "CAF": "caf", "W64": "w64", "FLAC": "flac",
               "OGG": "ogg", "MPEG": "mp3", "MP3": "mp3"}  # fmt: skip
FFMPEG_FORMATS = "aac,aiff,ape,asf,caf,flac,matroska,mov,mp3,ogg,wav,w64,wv"
"""Demuxers ffmpeg may use. Without this list a file that calls itself .wav can make it open other files."""
_FFMPEG_TIMEOUT_S = 1800


def probe_by_library(path: Path, head: bytes, tags: tuple[tuple[str, str], ...], hint: str) -> AudioFile:
    """Facts by libsndfile, else pedalboard, else ffmpeg. Raises NotAudio, DamagedAudio or UnreadableAudio."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        if not needs_decoder(head):
            kind = DamagedAudio if head[:4] in (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"caff") else NotAudio
            raise kind(f"{path}: no audio can be read from it", hint) from error
        return _probe_decoded(path, tags)
    if not info.frames or not info.channels or not info.samplerate:
        raise NotAudio(f"{path}: holds no samples", hint)
    stat = path.stat()
    frames = _mp3_frames(path, stat.st_size, stat.st_mtime_ns) if info.format in ("MP3", "MPEG") else info.frames
    container = "opus" if info.subtype == "OPUS" else _CONTAINERS.get(info.format, info.format.lower())
    bits = _BITS.get(info.subtype, 0)
    encoding: Literal["pcm", "float", "lossy"] = (
        "float" if info.subtype in ("FLOAT", "DOUBLE") else "pcm" if bits else "lossy"
    )
    return AudioFile(
        path, AudioFormat(container, encoding, bits, info.samplerate, info.channels), frames, None, tags
    )


@cache
def _mp3_frames(path: Path, size: int, mtime_ns: int) -> int:
    """Count the frames of an MP3: without a Xing tag its length in the header is a guess from the bit rate."""
    import soundfile

    with soundfile.SoundFile(str(path)) as source:
        count = 0
        while len(block := source.read(1 << 18, dtype="int16", always_2d=True)):
            count += len(block)
        return count


def needs_decoder(head: bytes) -> bool:
    """Whether these first 16 bytes are of a kind that libsndfile never reads (MP4, ADTS, ASF, WavPack, Matroska)."""
    adts = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    return head[4:8] == b"ftyp" or adts or head[:4] in (b"\x30\x26\xb2\x75", b"wvpk", b"\x1aE\xdf\xa3", b"MAC ")


def _probe_decoded(path: Path, tags: tuple[tuple[str, str], ...]) -> AudioFile:
    from stemwright.audio.probe import probe

    decoded = probe(as_wav(path))
    container = "m4a" if path.suffix.lower() in (".m4a", ".mp4", ".aac") else path.suffix.lower().strip(".") or "m4a"
    rate, channels = decoded.format.sample_rate, decoded.format.channels
    return AudioFile(path, AudioFormat(container, "lossy", 0, rate, channels), decoded.frames, None, tags)


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
    try:
        done = child(
            ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", FFMPEG_FORMATS,
             "-i", f"file:{path}", "-vn", "-sn", "-dn", "-map", "0:a:0", "-c:a", "pcm_f32le", "-rf64", "auto", target],
            timeout_s=_FFMPEG_TIMEOUT_S,
        )  # fmt: skip
    except FileNotFoundError as error:
        hint = "install ffmpeg (apt install ffmpeg, brew install ffmpeg), or convert the file to WAV"
        raise UnreadableAudio(f"{path}: this kind of file needs ffmpeg, which is not installed", hint) from error
    except subprocess.TimeoutExpired as error:
        raise DamagedAudio(
            f"{path}: ffmpeg did not finish it in {_FFMPEG_TIMEOUT_S} s", "convert it to WAV by hand"
        ) from error
    if done.returncode or not target.is_file():
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no audio stream"]
        raise DamagedAudio(f"{path}: ffmpeg cannot decode it: {reason[0][:200]}", "is it copy-protected or cut off?")
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
