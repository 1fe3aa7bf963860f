"""Mono 24-bit essences of an AAF: one channel of a stem each, as a WAV beside the AAF or as raw PCM inside it.

Descriptors carry what Pro Tools 2023.12 writes. pyaaf2's own import is not used: it leaves out ContainerFormat, Locked,
ElectroSpatial and SequenceOffset, and reads neither float nor RF64.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import layout_of
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import SessionError
from stemwright.model import AudioFile, Session
from stemwright.naming import safe_name
from stemwright.session.formats import STAMP

Essence = tuple[Path, int]
"""A file and one of its channels."""


def names(session: Session) -> dict[Essence, str]:
    """A unique name, fit for a file, for every channel of every file: `Kick`, `Drums.L`, `Drums.R`, `Surround.1`."""
    found: dict[Essence, str] = {}
    taken: set[str] = set()
    for file in dict.fromkeys(clip.file for track in session.tracks for clip in track.clips):
        base = plain = safe_name(file.path.stem, 80)
        count = 1
        while base.lower() in taken:
            count += 1
            base = f"{plain}_{count}"
        taken.add(base.lower())
        channels = file.format.channels
        for channel in range(channels):
            suffix = "" if channels == 1 else f".{'LR'[channel]}" if channels == 2 else f".{channel + 1}"
            found[file.path, channel] = base + suffix
    return found


def link(aaf: Any, file: AudioFile, channel: int, wav: Path, url: str) -> Any:
    """Write one channel as the mono file `wav`; the descriptor that locates it at `url`.

    The descriptor's Summary is the whole header up to the samples: readers parse it for more than the format.
    """
    bext = None
    if file.start_frame is not None:
        bext = Bext(date=f"{STAMP:%Y-%m-%d}", clock=f"{STAMP:%H:%M:%S}", time_reference=file.start_frame)
    with WavWriter(wav, file.format.sample_rate, 1, 24, bext=bext) as writer:
        for block in _samples(file, channel):
            writer.write(block)
    layout = layout_of(wav)
    assert layout is not None  # it was written just now
    with wav.open("rb") as written:
        summary = written.read(layout.offset)
    locator = aaf.create.NetworkLocator()
    locator["URLString"].value = url
    descriptor = aaf.create.WAVEDescriptor()
    descriptor["SampleRate"].value = file.format.sample_rate
    descriptor["Length"].value = file.frames
    descriptor["ContainerFormat"].value = aaf.dictionary.lookup_containerdef("AAF")
    descriptor["Summary"].value = bytearray(summary)
    descriptor["Locator"].append(locator)
    return descriptor


def embed(aaf: Any, file: AudioFile, channel: int, mob_id: Any) -> Any:
    """Write one channel into the AAF as little-endian PCM, block by block; the descriptor of it."""
    data = aaf.create.EssenceData()
    data.mob_id = mob_id
    aaf.content.essencedata.append(data)
    stream = data.open("w")
    for block in _samples(file, channel):
        stream.write(block[0].astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    rate = file.format.sample_rate
    descriptor = aaf.create.PCMDescriptor()
    for name, value in {
        "SampleRate": rate,
        "AudioSamplingRate": rate,
        "Length": file.frames,
        "ContainerFormat": aaf.dictionary.lookup_containerdef("AAFKLV"),
        "Channels": 1,
        "QuantizationBits": 24,
        "BlockAlign": 3,
        "AverageBPS": 3 * rate,
        "SequenceOffset": 0,
        "Locked": False,
        "ElectroSpatial": "ElectroSpatialFormulation_SingleChannelMode",
    }.items():
        descriptor[name].value = value
    return descriptor


def _samples(file: AudioFile, channel: int) -> Iterator[NDArray[np.int32]]:
    """One channel in 24-bit integers `[1, n]`. Raises SessionError for what they cannot hold, rather than clip it."""
    for block in blocks(file):
        one = block[channel : channel + 1]
        if file.format.encoding != "pcm" and not (np.abs(one) <= 1).all():
            raise SessionError(
                f"{file.path}: goes above 0 dBFS, which the 24-bit audio of an AAF cannot hold",
                "export it again below 0 dBFS; a REAPER project can use the file as it is",
            )
        yield quantise(one)
