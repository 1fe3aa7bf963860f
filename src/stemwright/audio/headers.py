"""What the header of a WAV file promises, what is really there, and where the samples lie; `aiff.py` does the same.

Sources: WAVEFORMATEX and WAVEFORMATEXTENSIBLE (Microsoft), EBU Tech 3285 (order of chunks).
No number is believed. What contradicts becomes a `Damage` of one of these kinds:
truncated (samples are missing), streamed (sizes that were never completed), zero-size (no audio stated, some there),
riff-size, byte-rate (byte rate or block alignment wrong), second-data, second-fmt, no-pad, trailing (bytes behind the
last chunk), fmt-late and bext-late (behind the samples), odd-tail (no whole number of frames), chunk-short.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from stemwright.audio.riff import Chunk, are_chunks, body, ends, pads, walk
from stemwright.errors import DamagedAudio
from stemwright.model import AudioFormat, Damage

MAX_RATE = 1_536_000
"""Hz. A higher sample rate in a header is nonsense, and filters and windows sized by it would be, too."""
MAX_CHANNELS = 1024
"""As many as libsndfile reads."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_STREAMED = (0x7F000000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)
"""Sizes, or nearly these, that sox, LAME, arecord and ffmpeg write when they cannot go back to complete the header."""
_CONTAINERS = {b"RIFF": "wav", b"RIFX": "wav", b"RF64": "rf64", b"BW64": "bw64"}
AGAIN = "export or copy the file again"

Kind = Literal["u8", "i16", "i24", "i32", "f32", "f64"]
KINDS: dict[str, Kind] = {"u1": "u8", "i2": "i16", "i3": "i24", "i4": "i32", "f4": "f32", "f8": "f64"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where and how the samples of a WAV or AIFF file lie."""

    offset: int
    align: int
    """Bytes per frame."""
    dtype: str
    """numpy dtype of one sample; "i3" stands for packed 24-bit."""
    big: bool
    signed_bytes: bool = False
    """8-bit samples whose silence is 0 and not 128, as in AIFF."""

    @property
    def kind(self) -> Kind:
        """What `stream.raw_blocks` calls it."""
        return KINDS[self.dtype]


@dataclass(frozen=True, slots=True)
class Header:
    """All but the samples. `format` and `layout` are None where a codec is needed to read them."""

    chunks: tuple[Chunk, ...]
    damage: tuple[Damage, ...]
    frames: int
    format: AudioFormat | None
    layout: Layout | None


@dataclass(frozen=True, slots=True)
class Words:
    """What the samples are said to be. `format` and `layout` are None where a codec is needed to read them."""

    format: AudioFormat | None = None
    layout: Layout | None = None
    """As if they stood at the beginning of the file."""
    wrong: tuple[Damage, ...] = ()

    @property
    def align(self) -> int:
        """Bytes per frame; 1 where the codec alone could tell."""
        return self.layout.align if self.layout else 1


def read_wav(file: BinaryIO, length: int) -> Header:
    """The header of an open WAV file of `length` bytes.

    Raises DamagedAudio: of kind "damaged" when it does not tell what the samples are, of kind "no-data" when none are.
    """
    file.seek(0)
    magic = file.read(4)
    found = list(walk(file, length))
    fmt = next((chunk for chunk in found if chunk.name == b"fmt "), None)
    if fmt is None or fmt.present < 16:
        raise DamagedAudio(f"{file.name}: a WAV file without a usable 'fmt' chunk", AGAIN)
    at = next((index for index, chunk in enumerate(found) if chunk.name == b"data"), None)
    if at is None:
        raise DamagedAudio(f"{file.name}: a WAV file without a 'data' chunk, so without audio", AGAIN, "no-data")
    words = _wav_words(file.name, body(file, fmt, 40), magic)
    data = found[at]
    present, broken = _wav_audio(found, at, words, length)
    damage = [*words.wrong, *([broken] if broken else ())]
    if broken and broken.kind != "odd-tail":  # what follows are no chunks
        found = [*found[:at], Chunk(data.name, data.offset, present, present, length)]
        damage += pads(found[:at])
    else:
        damage += (*_order(found, at), *pads(found), *ends(file, found, length))
    return header(found, damage, words, data.offset, present)


def header(found: list[Chunk], damage: list[Damage], words: Words, start: int, present: int) -> Header:
    """All of it together; the `present` bytes of audio begin at byte `start`."""
    layout = replace(words.layout, offset=start) if words.layout else None
    return Header(tuple(found), tuple(damage), present // words.align if layout else 0, words.format, layout)


def _wav_words(name: str, fmt: bytes, magic: bytes) -> Words:
    order = ">" if magic == b"RIFX" else "<"
    code, channels, rate, byte_rate, align, bits = struct.unpack_from(f"{order}HHIIHH", fmt)
    valid, mask, extensible = bits, 0, code == _EXTENSIBLE
    if extensible and len(fmt) >= 40:
        valid, mask, code = struct.unpack_from(f"{order}HIH", fmt, 18)
        valid = valid if 0 < valid <= bits else bits
    if code not in (_PCM, _FLOAT):
        return Words()
    wrong: tuple[Damage, ...] = ()
    least = channels * ((bits + 7) // 8)
    if align != least and (not align or byte_rate == rate * least):  # two against one
        wrong = (Damage("byte-rate", f"the header states {align} bytes a frame, {least} are right"),)
        align = least
    elif byte_rate != rate * align:
        wrong = (Damage("byte-rate", f"the header states {byte_rate} bytes a second, {rate * align} are right"),)
    width = width_of(name, rate, channels, bits, align / channels if channels else 0, code == _FLOAT)
    dtype = f"{'f' if code == _FLOAT else 'i' if width > 1 else 'u'}{width}"
    if dtype not in KINDS:
        return Words()
    form = make_format(_CONTAINERS[magic], dtype, valid, rate, channels)
    form = replace(form, channel_mask=mask, extensible=extensible)
    return Words(form, Layout(0, align, dtype, magic == b"RIFX"), wrong)


def width_of(name: str, rate: int, channels: int, bits: int, width: float, is_float: bool) -> int:
    """Bytes of one sample. Raises DamagedAudio when that is none."""
    told = 0 < rate <= MAX_RATE and 0 < channels <= MAX_CHANNELS and width in ((4, 8) if is_float else range(1, 9))
    if not told or not (bits == 8 * width if is_float else 0 < bits <= 8 * width):
        raise DamagedAudio(f"{name}: its header contradicts itself: {channels} channels, {rate} Hz, {bits} bits", AGAIN)
    return int(width)


def make_format(container: str, dtype: str, bits: int, rate: int, channels: int) -> AudioFormat:
    """The format of samples of such a dtype, of which `bits` are valid."""
    held = 8 * int(dtype[1])
    kind: Literal["float", "pcm"] = "float" if dtype[0] == "f" else "pcm"
    return AudioFormat(container, kind, bits, rate, channels, container_bits=held if held > bits else 0)


def _wav_audio(found: list[Chunk], at: int, words: Words, length: int) -> tuple[int, Damage | None]:
    """Bytes of audio that are really there, and what is wrong with them."""
    data = found[at]
    rest = length - data.offset
    if data.size == 0 and rest > words.align and not are_chunks(found[at + 1 :], length):
        detail = f"the header says 0 bytes of audio, but {rest} follow: a recording that was cut off"
        return rest, Damage("zero-size", detail)
    if data.size == 0xFFFFFFFF or (data.size > data.present and streamed(data.size, words.align)):
        detail = f"the header was never completed: it states {data.size} bytes of audio, all {rest} that follow are it"
        return rest, Damage("streamed", detail)
    if data.size > data.present:
        return data.present, truncated(words, data.size, data.present)
    if data.size % words.align:
        detail = f"{data.size % words.align} bytes follow the last whole frame of {words.align}"
        return data.present, Damage("odd-tail", detail)
    return data.present, None


def streamed(size: int, slack: int) -> bool:
    """Whether a size is one that stands for "not known yet"."""
    return any(abs(known - size) < slack + 128 for known in _STREAMED)


def truncated(words: Words, size: int, present: int) -> Damage:
    """The damage of a file with `size` bytes of samples by its header, of which `present` are there."""
    promised, there = size // words.align, present // words.align
    lost = promised - there
    if words.format is None or not lost:
        detail = f"the header promises {size} bytes of audio, the file ends after {present}"
        return Damage("chunk-short" if words.format else "truncated", detail)
    promise = f"the header promises {promised} frames, the file ends after {there}"
    return Damage("truncated", f"{promise} ({lost / words.format.sample_rate:.3f} s lost)", lost)


def _order(found: list[Chunk], at: int) -> Iterator[Damage]:
    """What a reader trips over that goes through the file once."""
    for name, kind in ((b"fmt ", "fmt-late"), (b"bext", "bext-late")):
        first = next((index for index, chunk in enumerate(found) if chunk.name == name), 0)
        if first > at and found[at].present:
            where = f"at byte {found[first].offset - 8}, behind {found[at].present} bytes of audio"
            yield Damage(kind, f"the {found[first].label} chunk stands {where}")
    for name, kind in ((b"fmt ", "second-fmt"), (b"data", "second-data")):
        same = [chunk for chunk in found if chunk.name == name]
        if len(same) > 1:
            sizes = " and ".join(str(chunk.size) for chunk in same[:3])
            yield Damage(kind, f"{len(same)} {same[0].label} chunks of {sizes} bytes; the first one is read")
