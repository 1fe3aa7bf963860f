"""Audio inside an AAF as files: a file beside the session that holds the same samples, or what is inside, unpacked.

PCM (Pro Tools, Media Composer) becomes one interleaved WAV of the channels that a clip combines, bit for bit; whole
WAVE and AIFC files (Premiere) are unpacked as they are. What has another form stays inside, and a warning says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import InputError
from stemwright.model import AudioFile
from stemwright.naming import safe_name, unused
from stemwright.safety import atomic
from stemwright.session.formats.aaf.essence import stamped
from stemwright.session.formats.aaf.media import (
    Reading,
    Source,
    called,
    descriptor_facts,
    interleaved,
    on_tape,
    stem_of,
)
from stemwright.session.formats.aaf.objects import Node
from stemwright.session.media import is_rate
from stemwright.session.unpacked import new_folder

_FRAMES = 1 << 16
"""Of a block."""


def embedded(reading: Reading, sources: list[Source]) -> list[AudioFile]:
    """One file for the channels of a clip, or one each; none when their audio is not inside in a form we read.

    Raises OutputError and DiskFull when there is no room to unpack it.
    """
    key = b"".join(source.mob.data("MobID") for source in sources)
    if key not in reading.inside:
        essences = [reading.aaf.essences.get(source.mob.data("MobID")) for source in sources]
        found = [essence for essence in essences if essence]
        reading.inside[key] = _files(reading, sources, found) if len(found) == len(sources) else []
    return reading.inside[key]


def _files(reading: Reading, sources: list[Source], essences: list[Node]) -> list[AudioFile]:
    descriptors = [descriptor for source in sources if (descriptor := source.mob.node("EssenceDescription"))]
    if {descriptor.kind for descriptor in descriptors} <= {"WAVEDescriptor", "AIFCDescriptor"}:
        return _as_they_are(reading, sources, essences)
    likes = {_pcm(*pair) for pair in zip(descriptors, essences, strict=True)}
    like = likes.pop()
    if likes or like is None:
        return []
    name = called(sources[0])
    stem = stem_of(name) if len(sources) > 1 else name
    beside = interleaved(reading, sources[0], stem, like, len(sources))
    if beside and _same(beside, essences, like.format.bits):
        return [beside]
    target = _room(reading, f"{stem}.wav", essences)
    if target is None:
        return []
    rate = like.format.sample_rate
    bext = stamped(on_tape(sources[0], rate))
    with WavWriter(target, rate, len(essences), like.format.bits, bext=bext) as writer:
        for block in _blocks(essences, like.format.bits):
            writer.write(block)
    return [probe(target)]


def _pcm(descriptor: Node, essence: Node) -> AudioFile | None:
    """The facts of raw PCM, when that is what lies inside: one channel of 16 or 24 bits, nothing around it."""
    form = descriptor_facts(descriptor)
    frames, size = descriptor.whole("Length"), essence.stream_bytes("Data")
    plain = form.bits in (16, 24) and form.channels == 1 and 0 < frames * form.bits // 8 == size
    clock = descriptor.rational("SampleRate")
    if descriptor.kind != "PCMDescriptor" or not plain or clock != form.sample_rate or not is_rate(clock):
        return None
    return AudioFile(Path("inside.wav"), form, frames)


def _as_they_are(reading: Reading, sources: list[Source], essences: list[Node]) -> list[AudioFile]:
    """Whole files, unpacked; none when one of them is no audio."""
    made = []
    for source, essence in zip(sources, essences, strict=True):
        name = called(source)
        suffix = "" if Path(name).suffix.lower() in (".wav", ".aif", ".aiff") else ".wav"
        target = _room(reading, name + suffix, [essence])
        if target is None:
            return []
        with atomic(target) as part, part.open("wb") as file:
            file.writelines(essence.stream("Data"))
        try:
            file_made = probe(target)
        except InputError as error:
            reading.told.tell(error.message)
            return []
        start = file_made.start_frame or on_tape(source, file_made.format.sample_rate)
        made.append(replace(file_made, start_frame=start))
    return made


def _room(reading: Reading, name: str, essences: list[Node]) -> Path | None:
    """Where a file may be unpacked to; None when more would come out than the AAF is long, as in a bomb."""
    size = sum(essence.stream_bytes("Data") for essence in essences)
    reading.unpacked += size
    if reading.unpacked > reading.aaf.compound.bytes:
        reading.told.tell("the audio inside is larger than the AAF: it stays there")
        return None
    if reading.folder is None:
        reading.folder = new_folder()
        reading.told.tell("audio that lies in the AAF only was unpacked for this run")
    path = Path(name)
    return reading.folder / (unused(safe_name(path.stem, 80), reading.taken) + path.suffix.lower())


def _same(file: AudioFile, essences: list[Node], bits: int) -> bool:
    """Whether a file holds the samples that lie inside."""
    try:
        pairs = zip(blocks(file, _FRAMES), _blocks(essences, bits), strict=True)
        return all(np.array_equal(quantise(mine, bits), theirs) for mine, theirs in pairs)
    except (InputError, ValueError):  # damaged, or of another length
        return False


def _blocks(essences: list[Node], bits: int) -> Iterator[NDArray[np.int32]]:
    """The channels of mono essences together: int32 `[channels, n]`."""
    for channels in zip(*(_samples(essence, bits // 8) for essence in essences), strict=True):
        yield np.stack(channels)


def _samples(essence: Node, width: int) -> Iterator[NDArray[np.int32]]:
    """Samples of `width` bytes in blocks of `_FRAMES`."""
    held, step = bytearray(), _FRAMES * width
    for data in essence.stream("Data"):
        held += data
        while len(held) >= step:
            yield _integers(bytes(held[:step]), width)
            del held[:step]
    if held:
        yield _integers(bytes(held), width)


def _integers(data: bytes, width: int) -> NDArray[np.int32]:
    wide = np.zeros((len(data) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    shifted: NDArray[np.int32] = wide.view("<i4")[:, 0] >> (32 - 8 * width)
    return shifted
