"""Take a file into a delivery without changing a sample: a whole WAV byte by byte, everything else decoded into WAV."""

from __future__ import annotations

import shutil
from pathlib import Path

from stemwright.audio.chunks import Bext
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter, is_whole
from stemwright.model import AudioFile
from stemwright.safety import atomic, readable


def take(file: AudioFile, target: Path) -> str:
    """Write `file` to `target` (.wav) and return, in words, what was done to it.

    Lossless 16- and 24-bit sources keep their word length, lossy ones become 24-bit (rounded, no dither), float
    and wider ones 32-bit float. Raises DamagedAudio when the source stops early, and never leaves half a file.
    """
    kind = file.format
    if kind.encoding != "lossy" and not file.damage and is_whole(file.path):
        with atomic(target) as part:
            try:
                shutil.copyfile(file.path, part)
            except FileNotFoundError as error:
                raise readable(error, file.path) from error
        return "copied byte by byte"
    as_float = kind.encoding == "float" or kind.bits > 24
    bits = 32 if as_float else 16 if 0 < kind.bits <= 16 else 24
    bext = Bext(time_reference=file.start_frame) if file.start_frame is not None else None
    with WavWriter(
        target,
        kind.sample_rate,
        kind.channels,
        bits,
        "float" if as_float else "pcm",
        bext=bext,
        channel_mask=kind.channel_mask,
    ) as out:
        for block in blocks(file):
            out.write(block if as_float else quantise(block, bits))
    if kind.encoding == "lossy":
        return f"{kind.container.upper()} decoded and rounded to 24 bit without dither"
    rounded = kind.bits > 32 or (kind.bits > 24 and kind.encoding == "pcm")
    return f"{kind.container.upper()} unpacked to {bits}-bit WAV, {'rounded to float' if rounded else 'bit-exact'}"
