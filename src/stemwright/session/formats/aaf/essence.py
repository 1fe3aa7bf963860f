"""Mono 24-bit essences of an AAF: one channel of a stem each, as a WAV beside the AAF or as raw PCM inside it.

Descriptors carry what Pro Tools 2023.12 writes. pyaaf2's own import is not used: it leaves out ContainerFormat, Locked,
ElectroSpatial and SequenceOffset, and reads neither float nor RF64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import layout_of
from stemwright.audio.stream import blocks, quantise, raw_blocks
from stemwright.audio.wav import WavWriter
from stemwright.errors import SessionError
from stemwright.model import AudioFile, Session
from stemwright.naming import safe_name, unused
from stemwright.session.formats import STAMP

Essence = tuple[Path, int]
"""A file and one of its channels."""

_BYTES = 3
"""Of a sample."""
_FRAMES = 1 << 16
"""Of a block: several files are read at a time."""


def names(session: Session) -> dict[Essence, str]:
    """A unique name, fit for a file, for every channel of every file."""
    found: dict[Essence, str] = {}
    taken: set[str] = set()
    for file in session.files:
        base = unused(safe_name(file.path.stem, 80), taken)
        for channel, name in enumerate(channel_names(base, file.format.channels)):
            found[file.path, channel] = name
    return found


def channel_names(base: str, count: int) -> list[str]:
    """What the channels of something are called: `Kick`, `Drums.L` and `Drums.R`, `Surround.1` and so on."""
    sides = ("",) if count == 1 else (".L", ".R") if count == 2 else (f".{number + 1}" for number in range(count))
    return [base + side for side in sides]


def stamped(start: int | None) -> Bext | None:
    """The chunk for a TimeReference, the same whenever it is written; None without one."""
    if start is None:
        return None
    return Bext(date=f"{STAMP:%Y-%m-%d}", clock=f"{STAMP:%H:%M:%S}", time_reference=start)


def write_wavs(file: AudioFile, wavs: Sequence[Path]) -> list[bytes]:
    """Write each channel of a file as a mono WAV; the headers up to the samples.

    Raises SessionError for samples that 24 bits cannot hold, OutputError and DiskFull.
    """
    bext = stamped(file.start_frame)
    with ExitStack() as stack:
        writers = [stack.enter_context(WavWriter(wav, file.format.sample_rate, 1, 24, bext=bext)) for wav in wavs]
        for block in _samples(file):
            for channel, writer in enumerate(writers):
                writer.write(block[channel : channel + 1])
    return [_header(wav) for wav in wavs]


def _header(wav: Path) -> bytes:
    layout = layout_of(wav)
    assert layout is not None  # it was written just now
    with wav.open("rb") as written:
        return written.read(layout.offset)


def linked(aaf: Any, file: AudioFile, header: bytes, url: str) -> Any:
    """The descriptor of a mono WAV at `url`.

    Its Summary is the whole header up to the samples: readers parse it for more than the format.
    """
    locator = aaf.create.NetworkLocator()
    locator["URLString"].value = url
    descriptor = aaf.create.WAVEDescriptor()
    descriptor["SampleRate"].value = file.format.sample_rate
    descriptor["Length"].value = file.frames
    descriptor["ContainerFormat"].value = aaf.dictionary.lookup_containerdef("AAF")
    descriptor["Summary"].value = bytearray(header)
    descriptor["Locator"].append(locator)
    return descriptor


def embedded(aaf: Any, file: AudioFile) -> Any:
    """The descriptor of a channel inside the AAF, in the words of Pro Tools."""
    rate = file.format.sample_rate
    descriptor = aaf.create.PCMDescriptor()
    for name, value in {
        "SampleRate": rate,
        "AudioSamplingRate": rate,
        "Length": file.frames,
        "ContainerFormat": aaf.dictionary.lookup_containerdef("AAFKLV"),
        "Channels": 1,
        "QuantizationBits": 24,
        "BlockAlign": _BYTES,
        "AverageBPS": _BYTES * rate,
        "SequenceOffset": 0,
        "Locked": False,
        "ElectroSpatial": "ElectroSpatialFormulation_SingleChannelMode",
    }.items():
        descriptor[name].value = value
    return descriptor


def write_inside(aaf: Any, file: AudioFile, mob_ids: Sequence[Any]) -> None:
    """Write each channel of a file into the AAF as little-endian PCM, block by block, one stream behind the other."""
    streams = []
    for mob_id in mob_ids:
        data = aaf.create.EssenceData()
        data.mob_id = mob_id
        aaf.content.essencedata.append(data)
        streams.append(data.open("w"))
        aaf.cfb.reserve(streams[-1], file.frames * _BYTES)
    at = 0
    for block in _samples(file):
        for row, stream in zip(np.ascontiguousarray(block, "<i4"), streams, strict=True):
            aaf.cfb.fill(stream, at, row.view(np.uint8).reshape(-1, 4)[:, :_BYTES].tobytes())
        at += block.shape[1] * _BYTES


def _samples(file: AudioFile) -> Iterator[NDArray[np.int32]]:
    """A file in 24-bit integers `[channels, n]`. Raises SessionError for what they cannot hold, rather than clip it."""
    raw = raw_blocks(file, _FRAMES)
    if raw and raw.kind in ("i16", "i24"):
        for block in raw.blocks:
            yield block >> 8 if raw.kind == "i24" else block.astype(np.int32) << 8
        return
    for samples in blocks(file, _FRAMES):
        if file.format.encoding != "pcm" and not (np.abs(samples) <= 1).all():
            raise SessionError(
                f"{file.path}: goes above 0 dBFS, which the 24-bit audio of an AAF cannot hold",
                "export it again below 0 dBFS; a REAPER project can use the file as it is",
            )
        yield quantise(samples)
