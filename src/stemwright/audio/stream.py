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


def blocks(file: AudioFile, size: int = BLOCK) -> Iterator[Block]:
    """All samples of a file in blocks of `size` frames (the last one may be shorter)."""
    with open_audio(file) as reader:
        while (block := reader.read(size)).shape[1]:
            yield block


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
        return np.ascontiguousarray(_to_float(data, self._layout).reshape(-1, self._file.format.channels).T)


def _to_float(data: bytes, layout: WavLayout) -> NDArray[np.float32]:
    order = ">" if layout.big else "<"
    if layout.dtype == "u1":
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if layout.dtype == "i3":
        packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(packed), 4), np.uint8)
        wide[:, 1:] = packed[:, ::-1] if layout.big else packed
        return (wide.view("<i4")[:, 0] >> 8).astype(np.float32) / np.float32(1 << 23)
    samples = np.frombuffer(data, order + layout.dtype)
    if layout.dtype[0] == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return samples.astype(np.float32)
    return (samples / (1 << (8 * int(layout.dtype[1]) - 1))).astype(np.float32)


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
