"""Samples in blocks: read any `AudioFile` as float32 `[channels, n]`, and quantise exactly.

16- and 24-bit samples are exact in float32 (24 bits of significand); 32-bit integers and 64-bit floats are rounded
to it. Nothing is resampled, normalised or clipped on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.decode import HEAD, as_wav, foreign
from stemwright.audio.probe import WavLayout, wav_layout
from stemwright.errors import DamagedAudio
from stemwright.model import AudioFile
from stemwright.safety import readable

Block = NDArray[np.float32]
"""float32 `[channels, n]`, full scale = 1.0."""

BLOCK = 1 << 18
"""Frames per block unless asked otherwise."""


class Reader(Protocol):
    """An open file."""

    def read(self, frames: int) -> Block:
        """The next frames, fewer only at the end, none after it. Raises DamagedAudio when the file stops early."""
        ...


@contextmanager
def open_audio(file: AudioFile) -> Iterator[Reader]:
    """Open a probed file for reading. Raises DamagedAudio, UnreadableAudio, NotFoundInput, InputError."""
    source, layout = _open(file)
    with source:
        yield _WavReader(source, layout, file) if layout else _LibraryReader(source, file)


def _open(file: AudioFile) -> tuple[Any, WavLayout | None]:
    """A binary file at its first sample and the layout of its samples, or a SoundFile and None."""
    import soundfile

    path = file.path
    try:
        with path.open("rb") as raw:
            head = raw.read(HEAD)
        if foreign(head):
            path = as_wav(path)
        layout = wav_layout(path)
        source: Any = path.open("rb") if layout else soundfile.SoundFile(str(path))
    except OSError as error:
        raise readable(error, path) from error
    except RuntimeError as error:  # soundfile's errors are RuntimeErrors
        raise _short(path, 0, file.frames) from error
    if layout:
        source.seek(layout.offset)
    if file.format.channels != (layout.align // int(layout.dtype[1]) if layout else source.channels):
        source.close()
        raise DamagedAudio(f"{path}: was changed while it was used", "run again when nothing writes to it")
    return source, layout


def blocks(file: AudioFile, size: int = BLOCK, start: int = 0, frames: int | None = None) -> Iterator[Block]:
    """The samples of a file, or `frames` of them from `start` on, in blocks of `size` frames (the last is shorter)."""
    left = file.frames - start if frames is None else frames
    with open_audio(file) as reader:
        while start:  # not every format can be sought to the sample
            start -= reader.read(min(start, size)).shape[1]
        while left and (block := reader.read(min(left, size))).shape[1]:
            left -= block.shape[1]
            yield block


def pcm_blocks(file: AudioFile, size: int = BLOCK) -> Iterator[NDArray[np.int32]]:
    """The integers of a WAV file of up to 24 bits, as they stand there: int32 `[channels, n]`."""
    source, layout = _open(file)
    with source:
        if layout is None or layout.dtype not in ("i2", "i3"):
            raise ValueError(f"{file.path} holds no 16- or 24-bit integers")
        for at in range(0, file.frames, size):
            data = source.read(min(size, file.frames - at) * layout.align)
            yield _ints(data, layout, file.format.channels)


def read_all(file: AudioFile) -> Block:
    """All samples of a file; for short ones."""
    found = list(blocks(file))
    return np.concatenate(found, axis=1) if found else np.zeros((file.format.channels, 0), np.float32)


def quantise(block: NDArray[np.floating[Any]], bits: int = 24) -> NDArray[np.int32]:
    """Round to integers of `bits` (half to even), clamp to their range, no dither; NaN becomes 0."""
    top = 1 << (bits - 1)
    scaled = np.rint(np.nan_to_num(block.astype(np.float64), nan=0.0, posinf=2.0, neginf=-2.0) * top)
    return np.clip(scaled, -top, top - 1).astype(np.int32)


class _WavReader:
    def __init__(self, raw: BinaryIO, layout: WavLayout, file: AudioFile) -> None:
        self._raw, self._layout, self._file = raw, layout, file
        self._left = file.frames

    def read(self, frames: int) -> Block:
        want = min(frames, self._left)
        try:
            data = self._raw.read(want * self._layout.align)
        except OSError as error:
            raise readable(error, self._file.path) from error
        if len(data) < want * self._layout.align:
            got = self._file.frames - self._left + len(data) // self._layout.align
            raise _short(self._file.path, got, self._file.frames)
        self._left -= want
        return _to_float(data, self._layout, self._file.format.channels)


def _to_float(data: bytes, layout: WavLayout, channels: int) -> Block:
    if layout.dtype[0] == "f":
        samples = np.frombuffer(data, (">" if layout.big else "<") + layout.dtype).reshape(-1, channels).T
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array(samples, np.float32, order="C")  # the buffer itself cannot be written to
    made = _ints(data, layout, channels).astype(np.float32)
    made *= np.float32(2.0 ** (1 - 8 * int(layout.dtype[1])))
    return made


def _ints(data: bytes, layout: WavLayout, channels: int) -> NDArray[np.int32]:
    """int32 `[channels, n]`."""
    width = int(layout.dtype[1])
    count = len(data) // (width * channels)
    made = np.empty((channels, count), np.int32)
    if width == 3:  # four bytes from every third on, of which one is the neighbour's and falls out
        wide = data + b"\0" if layout.big else b"\0" + data
        strides = (3, 3 * channels)
        np.right_shift(np.ndarray(made.shape, ">i4" if layout.big else "<i4", wide, 0, strides), 8, out=made)
        return made
    samples = np.frombuffer(data, (">" if layout.big else "<") + layout.dtype).reshape(-1, channels).T
    made[...] = samples
    if layout.dtype == "u1":
        made -= 128
    return made


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


def _short(path: Path, got: int, promised: int) -> DamagedAudio:
    return DamagedAudio(
        f"{path}: stops after {got} of {promised} frames", "copy or export the file again; its end is missing"
    )
