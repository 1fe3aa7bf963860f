"""Take a file into a delivery without changing a sample: WAV byte by byte, everything else decoded into WAV."""

from __future__ import annotations

import shutil
from pathlib import Path

from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.model import AudioFile
from stemwright.safety import atomic, readable


def take(file: AudioFile, target: Path) -> str:
    """Write `file` to `target` (.wav) and return, in words, what was done to it.

    Lossless 16- and 24-bit sources keep their word length, lossy ones become 24-bit (rounded, no dither), float
    and wider ones 32-bit float. Raises DamagedAudio when the source stops early, and never leaves half a file.
    """
    kind = file.format
    if kind.container in ("wav", "rf64", "bw64"):
        with atomic(target) as part:
            try:
                shutil.copyfile(file.path, part)
            except FileNotFoundError as error:
                raise readable(error, file.path) from error
        return "copied byte by byte"
    bits, encoding = (32, "float") if kind.encoding == "float" or kind.bits > 24 else (16 if 0 < kind.bits <= 16 else 24, "pcm")
    with WavWriter(target, kind.sample_rate, kind.channels, bits, "float" if encoding == "float" else "pcm") as out:
        for block in blocks(file):
            out.write(block if encoding == "float" else quantise(block, bits))
    how = "decoded and rounded to 24 bit without dither" if kind.encoding == "lossy" else f"unpacked to {bits}-bit WAV, bit-exact"
    return f"{kind.container.upper()} {how}"
