"""What is in an audio file: format, true length, start, tags, damage. Content decides, the suffix is never trusted.

WAV and AIFF files are walked by our own readers (`headers.py`, `aiff.py`), because no library survives damaged ones
and none keeps their chunks; everything else is asked of libsndfile, then of pedalboard's and ffmpeg's decoders
(`decode.py`).
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from stemwright.audio.aiff import read_aiff
from stemwright.audio.decode import HEAD, probe_by_library
from stemwright.audio.headers import Header, Layout, read_wav
from stemwright.audio.metadata import read_metadata
from stemwright.audio.tags import read_tags
from stemwright.errors import DamagedAudio, InputError, NotAudio, UnreadableAudio
from stemwright.model import AudioFile, Chunk
from stemwright.safety import reading

SUFFIXES = frozenset(
    (
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".flac", ".alac", ".wv"),
        *(".ogg", ".oga", ".opus", ".mp3", ".m4a", ".m4p", ".mp4", ".aac", ".wma"),
    )
)
"""File names that promise audio; a folder is searched for these."""

_NOT_AUDIO = "is this really audio? Export it again from the DAW as WAV"
_DATALESS, _RECALL = 0x40000000, 0x00400000
"""SF_DATALESS of macOS and FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS of Windows: the cloud holds the bytes, not the disk."""
_SPARSE = 1 << 16
"""Bytes from which on a file that takes no block of the disk is a place holder; small ones may lie in the inode."""


def probe(path: Path) -> AudioFile:
    """Facts about one audio file.

    Raises NotFoundInput, InputError (not a file; kind "locked": no permission), NotAudio, DamagedAudio (nothing can
    be read of it; kind "changing": something writes to it), UnreadableAudio (a reader is missing; kind "locked":
    copy protection, or its bytes lie in a cloud). Damage that leaves samples readable stands in `damage`.
    """
    with reading(path):
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{path}: is a folder", "give the audio file, or use a command that takes a folder")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is a device or a pipe", "give a file; save what the pipe carries first")
        if in_cloud(path, found):
            raise _placeholder(path)
        if not found.st_size:
            raise NotAudio(f"{path}: is empty (0 bytes)", "the export or the copy failed; export it again", "empty")
        with path.open("rb") as file:
            made = _probe_open(file, path, found)
    require_unchanged(path, found)
    return replace(made, bytes=found.st_size)


def _probe_open(file: BinaryIO, path: Path, found: os.stat_result) -> AudioFile:
    head = file.read(HEAD)
    header = read_header(file, found.st_size)
    if header:
        return _by_header(file, path, head, header)
    if not any(head):
        if found.st_size >= _SPARSE and getattr(found, "st_blocks", 1) == 0:
            raise _placeholder(path)
        raise NotAudio(f"{path}: holds only zero bytes", "the copy or download failed; copy it again")
    return probe_by_library(path, head, read_tags(path), _NOT_AUDIO)


def _by_header(file: BinaryIO, path: Path, head: bytes, header: Header) -> AudioFile:
    metadata, bext = read_metadata(file, header.chunks, head[:4] == b"RIFX")
    has_id3 = any(chunk.name in (b"id3 ", b"ID3 ") for chunk in header.chunks)
    tags = dict(read_tags(path)) if has_id3 else {}
    tags |= {name: text for name, text in metadata.ixml_facts if name == "bpm"}
    tags |= metadata.info_facts
    named = tuple(sorted(tags.items()))
    if header.format:
        made = AudioFile(path, header.format, header.frames, tags=named)
    else:
        made = probe_by_library(path, head, named, _NOT_AUDIO)
    return replace(
        made,
        start_frame=bext.time_reference if bext else None,
        damage=header.damage,
        chunks=tuple(Chunk(each.name.decode("latin-1"), each.offset, each.present) for each in header.chunks),
        metadata=metadata,
    )


def in_cloud(path: Path, found: os.stat_result) -> bool:
    """Whether the disk holds only a place holder of this file; opening it would wait for a download."""
    flags, attributes = getattr(found, "st_flags", 0), getattr(found, "st_file_attributes", 0)
    return path.suffix == ".icloud" or bool(flags & _DATALESS or attributes & _RECALL)


def _placeholder(path: Path) -> UnreadableAudio:
    return UnreadableAudio(
        f"{path}: lies in a cloud, here is only a place holder", "download it first, then run again", "locked"
    )


def require_unchanged(path: Path, before: os.stat_result) -> None:
    """Raise DamagedAudio of kind "changing" when size or time of a file are not those of `before`.

    Raises NotFoundInput or InputError when it has gone.
    """
    with reading(path):
        after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise changed(path)


def changed(path: Path) -> DamagedAudio:
    """The error for a file that is not what it was."""
    return DamagedAudio(f"{path}: was changed while it was used", "run again when nothing writes to it", "changing")


def require_whole(file: AudioFile) -> None:
    """Raise DamagedAudio when the file lost samples: a delivery made from it would be silently short."""
    for damage in file.damage:
        if damage.kind == "truncated":
            raise DamagedAudio(f"{file.path}: {damage.detail}", "copy or export the file again; its end is missing")


def read_header(file: BinaryIO, length: int) -> Header | None:
    """The header of an open file of `length` bytes; None when it is neither WAV nor AIFF. Raises DamagedAudio."""
    file.seek(0)
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:] == b"WAVE":
        return read_wav(file, length)
    return read_aiff(file, length) if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC") else None


def layout_of(path: Path) -> Layout | None:
    """Where the samples of a PCM or float WAV or AIFF file lie; None when it is no such file. Raises DamagedAudio."""
    with path.open("rb") as file:
        header = read_header(file, path.stat().st_size)
    return header.layout if header else None


def majority_rate(files: tuple[AudioFile, ...]) -> int:
    """The sample rate (Hz) that most files have; the higher one of a tie."""
    counts = Counter(file.format.sample_rate for file in files)
    return max(counts, key=lambda rate: (counts[rate], rate))
