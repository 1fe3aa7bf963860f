"""How long the audio of an MP4 (M4A) file really is, and whether it may be decoded.

AAC comes in packets of 1024 frames: the encoder's delay in front and the padding behind are no music. Two places tell
how much is music: Apple's `iTunSMPB` tag, and the media header less the start of the edit list (ISO/IEC 14496-12,
8.4.2 and 8.6.6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from stemwright.audio.tags import Bounded

MAX_MOOV = 1 << 26
"""Bytes of a movie header that we are willing to read."""


def stated_seconds(path: Path) -> Fraction | None:
    """Exact length of the music; None when the file does not tell or was cut by an edit list."""
    file = _opened(path)
    gapless = (file.tags or {}).get("----:com.apple.iTunes:iTunSMPB") if file else None
    try:
        if gapless:
            return Fraction(int(bytes(gapless[0]).split()[3], 16), file.info.sample_rate)
        return _from_edit_list(_moov(path))
    except (OSError, ValueError, IndexError, KeyError, ZeroDivisionError, struct.error):
        return None


def lossless_bits(path: Path) -> int:
    """Bits per sample of Apple Lossless audio; 0 for everything else."""
    file = _opened(path)
    return int(file.info.bits_per_sample) if file and file.info.codec == "alac" else 0


def is_protected(path: Path) -> bool:
    """Whether the audio is encrypted: a sample description `drms` (FairPlay) or `enca` (ISO/IEC 14496-12, 8.12)."""
    try:
        for track in (dict(_boxes(body)) for name, body in _boxes(_moov(path)) if name == b"trak"):
            table = dict(_boxes(dict(_boxes(dict(_boxes(track[b"mdia"]))[b"minf"]))[b"stbl"]))
            if table[b"stsd"][12:16] in (b"drms", b"enca"):
                return True
    except (OSError, KeyError, struct.error):
        pass
    return False


def _opened(path: Path) -> Any:
    import mutagen.mp4

    try:
        with Bounded(path) as file:
            return mutagen.mp4.MP4(file)
    except Exception:  # mutagen raises whatever its parsers meet in a broken file
        return None


def _from_edit_list(moov: bytes) -> Fraction | None:
    movie = dict(_boxes(moov))
    for track in (dict(_boxes(body)) for name, body in _boxes(moov) if name == b"trak"):
        media = dict(_boxes(track[b"mdia"]))
        if media[b"hdlr"][8:12] == b"soun" and b"edts" in track:
            edits = dict(_boxes(track[b"edts"]))[b"elst"]
            _, shown, start = struct.unpack_from(">IQq" if edits[0] else ">IIi", edits, 4)
            scale, duration = _scale_and_duration(media[b"mdhd"])
            music = Fraction(duration - start, scale)
            kept = Fraction(shown, _scale_and_duration(movie[b"mvhd"])[0])
            # An edit list that keeps visibly less is a cut somebody made: the decoder is to follow it.
            whole = start >= 0 and abs(kept - music) <= Fraction(2048, scale)
            return music if whole else None
    return None


def _scale_and_duration(header: bytes) -> tuple[int, int]:
    scale, duration = struct.unpack_from(">IQ" if header[0] else ">II", header, 20 if header[0] else 12)
    return scale, duration


def _moov(path: Path) -> bytes:
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, name = struct.unpack(">I4s", head)
            rest = struct.unpack(">Q", file.read(8))[0] - 16 if size == 1 else size - 8
            if name == b"moov":
                return file.read(min(rest, MAX_MOOV))
            if rest < 0:
                break
            file.seek(rest, 1)
    return b""


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield name, data[at + 8 : at + size]
        at += size
