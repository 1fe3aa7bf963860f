"""Samples in blocks: read any `AudioFile` as float32 `[channels, n]`, or as it stands there, and quantise exactly.

16- and 24-bit samples are exact in float32 (24 bits of significand); 32-bit integers and 64-bit floats are rounded
to it. Nothing is resampled, normalised or clipped on the way. PCM and float WAV and AIFF files are read straight into
one buffer, never mapped: a mapped file that another program shortens ends the process. Every reader raises
DamagedAudio (kind "changing") when the file is not the one that was probed or was written to meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.decode import HEAD, as_wav, foreign
from stemwright.audio.headers import Kind, Layout
from stemwright.audio.probe import changed, layout_of, require_unchanged
from stemwright.errors import DamagedAudio
from stemwright.model import AudioFile
from stemwright.safety import reading

Block = NDArray[np.float32]
"""float32 `[channels, n]`, full scale = 1.0."""

BLOCK = 1 << 18
"""Frames per block unless asked otherwise."""

_MOST_BYTES = 1 << 26
"""Of one block; with a great many channels it holds fewer frames."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The samples of a file as they stand there, without a copy. See `raw_blocks`."""

    kind: Kind
    blocks: Iterator[NDArray[Any]]


class Reader(Protocol):
    """An open file."""

    def read(self, frames: int) -> Block:
        """The next frames; fewer at the end or of more than 64 channels, none after it. Raises DamagedAudio."""
        ...

    def skip(self, frames: int) -> None:
        """Pass over the next frames."""
        ...


@contextmanager
def open_audio(file: AudioFile) -> Iterator[Reader]:
    """Open a probed file for reading. Raises DamagedAudio, UnreadableAudio, NotFoundInput, InputError."""
    before = _as_probed(file)
    source, layout = _open(file)
    with source:
        yield _PlainReader(source, layout, file) if layout else _LibraryReader(source, file)
    require_unchanged(file.path, before)


def _as_probed(file: AudioFile) -> os.stat_result:
    with reading(file.path):
        found = file.path.stat()
    if file.bytes and file.bytes != found.st_size:
        raise changed(file.path)
    return found


def _open(file: AudioFile) -> tuple[Any, Layout | None]:
    """A binary file at its first sample and the layout of its samples, or a SoundFile and None."""
    path = file.path
    with reading(path):
        with path.open("rb") as raw:
            head = raw.read(HEAD)
        if foreign(head):
            path = as_wav(path)
        layout = layout_of(path)
        source: Any = path.open("rb", buffering=0) if layout else _by_library(path, file)
    if layout:
        source.seek(layout.offset)
    if file.format.channels != (layout.align // int(layout.dtype[1]) if layout else source.channels):
        source.close()
        raise changed(path)
    return source, layout


def _by_library(path: Path, file: AudioFile) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(str(path))
    except RuntimeError as error:  # soundfile's errors are RuntimeErrors
        raise _short(path, 0, file.frames) from error


def blocks(file: AudioFile, size: int = BLOCK, start: int = 0, frames: int | None = None) -> Iterator[Block]:
    """The samples of a file, or `frames` of them from `start` on, in blocks of `size` frames (the last is shorter).

    Blocks of files with more than 64 channels may be shorter than `size`.
    """
    left = file.frames - start if frames is None else frames
    size = _bounded(size, 4 * file.format.channels)
    with open_audio(file) as reader:
        reader.skip(start)
        while left and (block := reader.read(min(left, size))).shape[1]:
            left -= block.shape[1]
            yield block


def raw_blocks(file: AudioFile, frames: int = BLOCK) -> Raw | None:
    """The samples of a PCM or float WAV or AIFF file in blocks of at most `frames`; None for every other file.

    Each block is a view `[channels, n]` of one buffer, which the next block overwrites; its rows are strided and need
    not be aligned. `kind` tells what stands there:
    "i24": int32 whose value >> 8 is the sample, the lowest byte being a neighbour's; "i16", "i32": int16, int32;
    "u8": uint8, silence is 128; "f32", "f64": float32, float64, full scale 1.0, NaN and infinity as found.
    Always little-endian: big-endian samples are turned in the buffer. Memory does not grow with the file.

    Iterating raises DamagedAudio when the file stops early or changes. Raises NotFoundInput, InputError.
    """
    with reading(file.path), file.path.open("rb") as raw:
        layout = None if foreign(raw.read(HEAD)) else layout_of(file.path)
    return Raw(layout.kind, _raw(file, frames)) if layout else None


def _raw(file: AudioFile, frames: int) -> Iterator[NDArray[Any]]:
    with open_audio(file) as reader:
        while isinstance(reader, _PlainReader) and (block := reader.view(frames)).shape[1]:
            yield block


def pcm_blocks(file: AudioFile, size: int = BLOCK) -> Iterator[NDArray[np.int32]]:
    """The integers of a WAV or AIFF file of up to 24 bits, as they stand there: int32 `[channels, n]`."""
    raw = raw_blocks(file, size)
    if raw is None or raw.kind not in ("i16", "i24"):
        raise ValueError(f"{file.path} holds no 16- or 24-bit integers")
    for block in raw.blocks:
        yield _shifted(block) if raw.kind == "i24" else block.astype(np.int32, order="C")


def read_all(file: AudioFile) -> Block:
    """All samples of a file; for short ones."""
    found = list(blocks(file))
    return np.concatenate(found, axis=1) if found else np.zeros((file.format.channels, 0), np.float32)


def quantise(block: NDArray[np.floating[Any]], bits: int = 24) -> NDArray[np.int32]:
    """Round to integers of `bits` (half to even), clamp to their range, no dither; NaN becomes 0."""
    top = 1 << (bits - 1)
    scaled = np.rint(np.nan_to_num(block.astype(np.float64), nan=0.0, posinf=2.0, neginf=-2.0) * top)
    return np.clip(scaled, -top, top - 1).astype(np.int32)


class _PlainReader:
    """Reads samples that lie in the file as they are."""

    def __init__(self, raw: BinaryIO, layout: Layout, file: AudioFile) -> None:
        self._raw, self._layout, self._file = raw, layout, file
        self._left = file.frames
        self._buffer = np.empty(0, np.uint8)

    def read(self, frames: int) -> Block:
        block, kind = self.view(frames), self._layout.kind
        if kind[0] == "f":
            with np.errstate(over="ignore", invalid="ignore"):
                return block.astype(np.float32, order="C")
        made = (_shifted(block) if kind == "i24" else block).astype(np.float32, order="C")
        if kind == "u8":
            made -= 128
        made *= np.float32(2.0 ** (1 - int(kind[1:])))
        return made

    def skip(self, frames: int) -> None:
        want = min(frames, self._left)
        self._raw.seek(want * self._layout.align, os.SEEK_CUR)
        self._left -= want

    def view(self, frames: int) -> NDArray[Any]:
        """The next frames where they lie in the buffer (see `raw_blocks`)."""
        layout, channels = self._layout, self._file.format.channels
        want = min(_bounded(frames, layout.align), self._left)
        count = want * layout.align
        if len(self._buffer) < _LEAD + count:
            self._buffer = np.empty(_LEAD + count, np.uint8)
        data = self._buffer[_LEAD : _LEAD + count]
        self._fill(data)
        self._left -= want
        width = int(layout.dtype[1])
        if layout.big:
            swapped = data.reshape(-1, width)
            swapped[...] = swapped[:, ::-1].copy()
        if layout.signed_bytes:
            data ^= 0x80
        if width == 3:  # four bytes from every third on, of which the first is the neighbour's
            shape, strides = (channels, want), (3, 3 * channels)
            return np.ndarray(shape, "<i4", self._buffer, _LEAD - 1, strides)
        return data.view("<" + layout.dtype).reshape(want, channels).T

    def _fill(self, data: NDArray[np.uint8]) -> None:
        room, at = data.data, 0
        while at < len(room):
            with reading(self._file.path):
                got = self._raw.readinto(room[at:])  # type: ignore[attr-defined]
            if not got:
                done = self._file.frames - self._left + at // self._layout.align
                raise _short(self._file.path, done, self._file.frames)
            at += got


_LEAD = 16
"""Bytes in front of the samples, so that the first of 24 bits has a neighbour and the others are aligned."""


def _shifted(block: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.right_shift(block, 8, out=np.empty(block.shape, np.int32))


def _bounded(frames: int, align: int) -> int:
    return min(frames, max(1, _MOST_BYTES // align))


class _LibraryReader:
    def __init__(self, source: Any, file: AudioFile) -> None:
        self._source, self._file = source, file
        self._left = file.frames

    def read(self, frames: int) -> Block:
        want = min(frames, self._left)
        try:
            block: NDArray[np.float32] = self._source.read(want, dtype="float32", always_2d=True)
        except RuntimeError as error:  # soundfile's errors are RuntimeErrors
            raise _short(self._file.path, self._file.frames - self._left, self._file.frames) from error
        if len(block) < want:
            raise _short(self._file.path, self._file.frames - self._left + len(block), self._file.frames)
        self._left -= want
        return np.ascontiguousarray(block.T)

    def skip(self, frames: int) -> None:
        want = min(frames, self._left)
        if self._file.format.lossy:  # cannot be sought to the sample
            while want > 0:
                want -= self.read(min(want, BLOCK)).shape[1]
            return
        try:
            self._source.seek(want, os.SEEK_CUR)
        except RuntimeError as error:
            raise _short(self._file.path, self._file.frames - self._left, self._file.frames) from error
        self._left -= want


def _short(path: Path, got: int, promised: int) -> DamagedAudio:
    return DamagedAudio(
        f"{path}: stops after {got} of {promised} frames", "copy or export the file again; its end is missing"
    )
