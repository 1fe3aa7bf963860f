"""Write WAV exactly: 16/24-bit PCM or 32-bit float, BWF chunks and tags, RF64 above 4 GiB, whole or not at all.

A `JUNK` chunk of the size of `ds64` is reserved in front, so that a file that outgrows 32-bit sizes becomes RF64
in place (EBU Tech 3306, section 4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.chunks import Bext, build_bext
from stemwright.audio.riff import walk
from stemwright.errors import OutputError
from stemwright.safety import atomic, reading, writing

_RIFF_LIMIT = 0xFFFFFFFF
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""Tail of KSDATAFORMAT_SUBTYPE_PCM / _IEEE_FLOAT after the two-byte format code."""


class WavWriter:
    """A WAV file that appears under its name when the `with` block ends well, and not at all otherwise.

    `write` takes int32 `[channels, n]` samples in the range of `bits` (see `stream.quantise`), or float32 when
    `encoding` is "float"; `chunks` go behind the samples as they are (named as in `replace_chunks`), and so may `bext`
    before them. Raises OutputError or DiskFull; ValueError for samples of another shape or range.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        channels: int,
        bits: int = 24,
        encoding: Literal["pcm", "float"] = "pcm",
        bext: Bext | bytes | None = None,
        channel_mask: int = 0,
        riff_limit: int = _RIFF_LIMIT,
        chunks: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        if (encoding, bits) not in (("pcm", 16), ("pcm", 24), ("float", 32)):
            raise ValueError(f"cannot write {bits}-bit {encoding}")
        self.path, self.sample_rate, self.channels = path, sample_rate, channels
        self.bits, self.encoding, self.frames = bits, encoding, 0
        self._bext, self._mask, self._limit = bext, channel_mask, riff_limit
        self._after = b"".join(_chunk(name[:4], name[4:] + body) for name, body in chunks)
        self._stack = ExitStack()
        self._file: BinaryIO

    def __enter__(self) -> WavWriter:
        """Open the temporary file and write the header's place holder."""
        with ExitStack() as stack:
            part = stack.enter_context(atomic(self.path))
            self._file = stack.enter_context(part.open("xb"))
            self._file.write(self._header())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the header and rename, or remove the temporary file."""
        try:
            if kind is None:
                self._complete()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def write(self, samples: NDArray[np.int32] | NDArray[np.float32]) -> None:
        """Append `[channels, n]` samples."""
        if samples.ndim != 2 or samples.shape[0] != self.channels:
            raise ValueError(f"need [{self.channels}, n] samples, got {samples.shape}")
        with writing(self.path):
            self._file.write(self._bytes(samples))
        self.frames += samples.shape[1]

    def _bytes(self, samples: NDArray[np.int32] | NDArray[np.float32]) -> memoryview:
        wanted = np.float32 if self.encoding == "float" else np.int32
        if samples.dtype != wanted:
            raise ValueError(f"need {np.dtype(wanted)} samples, got {samples.dtype}; see stream.quantise")
        if self.encoding == "float":
            return samples.T.astype("<f4", order="C").data
        limit = 1 << (self.bits - 1)
        if samples.size and (samples.max() >= limit or samples.min() < -limit):
            raise ValueError(f"sample beyond {self.bits} bits")
        if self.bits == 16:
            return samples.T.astype("<i2", order="C").data
        packed = np.empty((samples.shape[1], self.channels, 3), np.uint8)
        for channel, row in enumerate(np.ascontiguousarray(samples, "<i4")):
            wide = row.view(np.uint8)
            for byte in range(3):  # three strided copies: six times as fast as one of three bytes a sample
                packed[:, channel, byte] = wide[byte::4]
        return packed.data

    def _header(self) -> bytes:
        """Everything before the samples; the sizes are those of the frames written so far."""
        align = self.channels * self.bits // 8
        code = 3 if self.encoding == "float" else 1
        fmt = struct.pack("<HIIHH", self.channels, self.sample_rate, self.sample_rate * align, align, self.bits)
        if self.channels > 2 or self._mask:
            extension = struct.pack("<HHIH", 22, self.bits, self._mask, code) + _SUBFORMAT
            fmt = struct.pack("<H", 0xFFFE) + fmt + extension
        else:
            fmt = struct.pack("<H", code) + fmt
        if self._bext and not hasattr(self, "_bext_body"):
            made = self._bext if isinstance(self._bext, bytes) else build_bext(self._bext)
            self._bext_body = made  # once: it may hold the current time
        body = [b"WAVE", b"", _chunk(b"bext", self._bext_body) if self._bext else b"", _chunk(b"fmt ", fmt)]
        if self.encoding == "float":
            body.append(_chunk(b"fact", struct.pack("<I", min(self.frames, _RIFF_LIMIT))))
        data = self.frames * align
        total = sum(map(len, body)) + 36 + 8 + data + data % 2 + len(self._after)
        wide = total > self._limit
        body[1] = (
            _chunk(b"ds64", struct.pack("<QQQI", total, data, self.frames, 0)) if wide else _chunk(b"JUNK", bytes(28))
        )
        sizes = (_RIFF_LIMIT, _RIFF_LIMIT) if wide else (total, data)
        return (
            struct.pack("<4sI", b"RF64" if wide else b"RIFF", sizes[0])
            + b"".join(body)
            + struct.pack("<4sI", b"data", sizes[1])
        )

    def _complete(self) -> None:
        with writing(self.path):
            if self.frames * self.channels * self.bits // 8 % 2:
                self._file.write(b"\0")
            self._file.write(self._after)
            self._file.seek(0)
            self._file.write(self._header())
            self._file.flush()


def _chunk(name: bytes, body: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def replace_chunks(path: Path, chunks: Mapping[bytes, bytes | None]) -> None:
    """Give a whole WAV or AIFF file (see `is_whole`) other chunks of these names; every other stays as it is. Atomic.

    A LIST is named with its type, as `LISTadtl`, and its body begins behind that; None takes a chunk out. New ones go
    behind the rest, but for a bext of the old one's size, which readers expect before the samples. Raises
    OutputError, DiskFull; ValueError when the file is no whole WAV or AIFF.
    """
    if not is_whole(path, (*_WAVE, b"FORM")):
        raise ValueError("no whole WAV or AIFF file")
    with path.open("rb") as source, atomic(path) as part, part.open("xb") as out:
        head = source.read(12)
        order = ">" if head[:4] == b"FORM" else "<"
        out.write(head)
        left = {name: body for name, body in chunks.items() if body is not None}
        for chunk in walk(source, path.stat().st_size):
            source.seek(chunk.offset)
            kind = chunk.name + (source.read(4) if chunk.name == b"LIST" else b"")
            if kind not in chunks:
                source.seek(chunk.offset - 8)
                copy_bytes(source, out, 8 + chunk.size)
                out.write(b"\0" * (chunk.size % 2))
            elif kind == b"bext" and len(left.get(kind, b"")) == chunk.size:
                out.write(_chunk(kind, left.pop(kind)))
        for name, body in left.items():
            out.write(_chunk(name[:4], name[4:] + body, order))
        total = out.tell() - 8
        if head[:4] not in (b"RIFF", b"FORM"):
            out.seek(4)
            out.write(struct.pack("<I", _RIFF_LIMIT))
            out.seek(20)  # riffSize, the first field of ds64
            out.write(struct.pack("<Q", total))
        elif total > _RIFF_LIMIT:
            raise OutputError(f"{path}: has no room for tags below 4 GiB", "make the song or the word length shorter")
        else:
            out.seek(4)
            out.write(struct.pack(f"{order}I", total))


_WAVE = (b"RIFF", b"RF64", b"BW64")


def is_whole(path: Path, kinds: tuple[bytes, ...] = _WAVE) -> bool:
    """Whether a file is a little-endian WAV of which every chunk is there, so that it may be copied byte by byte.

    Among `kinds` may be FORM, for an AIFF. Raises NotFoundInput or InputError.
    """
    with reading(path), path.open("rb") as file:
        head = file.read(16)
        known = head[:4] in kinds and (head[:4] in (b"RIFF", b"FORM") or head[12:] == b"ds64")
        found = list(walk(file, path.stat().st_size)) if known else []
    data = b"SSND" if head[:4] == b"FORM" else b"data"
    has_data = head[8:12] in (b"WAVE", b"AIFF", b"AIFC") and any(c.name == data and c.size for c in found)
    return has_data and all(chunk.size == chunk.present for chunk in found)


def copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    """Copy the next `count` bytes from one open file to another."""
    while count and (data := source.read(min(count, 1 << 20))):
        target.write(data)
        count -= len(data)
