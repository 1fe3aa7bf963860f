"""Take a file into a delivery without changing a sample: a whole WAV byte by byte, everything else decoded into WAV."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np

from stemwright.audio.chunks import Bext
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.tags import read_cover, stem_id3
from stemwright.audio.wav import WavWriter, is_whole
from stemwright.model import AudioFile
from stemwright.safety import copy_file


def common_gain(files: Iterable[AudioFile]) -> float:
    """The largest gain up to 1.0 with which no lossy file clips when it is decoded to 24 bit."""
    lossy = [file for file in files if file.format.lossy]
    peak = max((float(np.abs(block).max(initial=0)) for file in lossy for block in blocks(file)), default=0.0)
    return min(1.0, (1 - 2.0**-23) / max(peak, 2.0**-23))


def take(file: AudioFile, target: Path, gain: float = 1.0, made: datetime | None = None) -> str:
    """Write `file` to `target` (.wav) and return, in words, what was done to it.

    Lossless 16- and 24-bit sources keep their word length, lossy ones become 24-bit (rounded, no dither), float
    and wider ones 32-bit float. With a `gain` below 1.0 integers become 24-bit, rounded. A WAV that is made anew bears
    the date `made`, that of the source unless it is given. Raises DamagedAudio when the source stops early, and never
    leaves half a file.
    """
    kind = file.format
    if gain == 1.0 and not kind.lossy and not file.damage and is_whole(file.path):
        copy_file(file.path, target)
        return "copied byte by byte"
    as_float = kind.encoding == "float" or kind.bits > 24
    bits = 32 if as_float else 16 if 0 < kind.bits <= 16 and gain == 1.0 else 24
    made = made or datetime.fromtimestamp(file.path.stat().st_mtime)
    bext = Bext.dated(made, target.stem, file.start_frame or 0)
    tags = stem_id3(file.tags, read_cover(file.path))
    with WavWriter(
        *(target, kind.sample_rate, kind.channels, bits, "float" if as_float else "pcm"),
        bext=bext,
        channel_mask=kind.channel_mask,
        chunks=[(b"id3 ", tags)] if tags else (),
    ) as out:
        for block in blocks(file):
            scaled = block if gain == 1.0 else block.astype(np.float64) * gain
            out.write(scaled.astype(np.float32) if as_float else quantise(scaled, bits))
    if kind.lossy:
        return f"{kind.container.upper()} decoded and rounded to 24 bit without dither"
    if gain != 1.0:
        return f"{kind.container.upper()} lowered and rounded to {bits} bit without dither"
    rounded = kind.bits > 32 or (kind.bits > 24 and kind.encoding == "pcm")
    return f"{kind.container.upper()} unpacked to {bits}-bit WAV, {'rounded to float' if rounded else 'bit-exact'}"
