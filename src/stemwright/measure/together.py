"""Several files read side by side on one timeline, and the Gram matrices of their samples.

A track is a file with the frames by which it is moved. Spans are (first frame, frames) on the common timeline,
ascending and apart; outside a file there is silence. Memory does not grow with the length of the files.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block, open_audio
from stemwright.model import AudioFile

FRAMES = 1 << 15
"""Frames read at a time."""
SEGMENTS = 256
"""A song is cut into so many parts at most, each with Gram matrices of its own."""

ONLY_DC = 1e-9
"""A track that keeps this share of its power without its mean is rounding, and no sound."""

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Track:
    """A file on the common timeline: `shift` frames later than it stands, left and right exchanged if `swapped`."""

    file: AudioFile
    shift: int = 0
    swapped: bool = False

    def inside(self, span: tuple[int, int]) -> slice:
        """Those frames of a span that the file fills."""
        first, frames = span
        begin = min(max(self.shift - first, 0), frames)
        return slice(begin, min(max(self.shift + self.file.frames - first, begin), frames))


@dataclass(frozen=True, slots=True)
class Grams:
    """Inner products of the tracks' samples without DC offsets, the reference mix (if any) last."""

    products: NDArray[np.float64]
    """`[segments, channels, tracks, tracks]`; a mono track stands in both channels of a stereo mix."""
    starts: tuple[int, ...]
    """First frame of each segment."""
    ends: tuple[int, ...]
    """The frame behind the last of each."""
    peak: float
    """Largest magnitude of the tracks' sum at unity, without the mix."""


def side_by_side(tracks: Sequence[Track], spans: Spans) -> Iterator[list[Block]]:
    """For every span the samples of all tracks, `[channels, frames]` each; NaN and infinite samples as zero."""
    with ExitStack() as stack:
        yield from map(list, zip(*(stack.enter_context(closing(_pieces(t, spans))) for t in tracks), strict=True))


def _pieces(track: Track, spans: Spans) -> Generator[Block, None, None]:
    file, at = track.file, 0
    with open_audio(file) as reader:
        for first, frames in spans:
            start = first - track.shift
            begin, end = max(start, 0), min(start + frames, file.frames)
            made = np.zeros((file.format.channels, frames), np.float32)
            if begin < end:
                reader.skip(begin - at)
                made[:, begin - start : end - start] = reader.read(end - begin)
                at = end
                if file.format.encoding == "float" and not np.isfinite(made).all():
                    made = np.nan_to_num(made, nan=0.0, posinf=0.0, neginf=0.0)
            yield made[::-1] if track.swapped else made


def whole(frames: int) -> Spans:
    """Spans that cover a song of that many frames; a short song in smaller ones, so that there are some dozens."""
    size = min(FRAMES, max(1 << 11, 1 << (frames // 64).bit_length()))
    return [(at, min(size, frames - at)) for at in range(0, frames, size)]


def as_channels(block: Block, channels: int) -> Block:
    """A track in the channels of the mix: mono in both, stereo folded to the mean for a mono mix."""
    return block if len(block) in (1, channels) else block.mean(axis=0, keepdims=True)


def grams(tracks: Sequence[Track], mix: Track | None, spans: Spans) -> Grams:
    """The Gram matrices over the spans, in float64, and the peak of the sum, in one reading.

    A DC offset is no sound. It stands where its file stands, so from all tracks alike is taken what any constants
    over the lengths of the files explain: sums stay sums, also of files that end early.
    """
    everything = (*tracks, mix) if mix else tuple(tracks)
    channels = mix.file.format.channels if mix else 2
    count, longest = len(everything), max(frames for _, frames in spans)
    segments = min(SEGMENTS, len(spans))
    products = np.zeros((segments, channels, count, count))
    sums = np.zeros((segments, channels, count, count))  # of each track where each other one has frames
    held = np.zeros((segments, count, count))  # frames that two have in common
    starts, ends = [0] * segments, [0] * segments
    rows = np.empty((channels, count, longest))
    peak = 0.0
    for index, blocks in enumerate(side_by_side(everything, spans)):
        frames = spans[index][1]
        total = np.zeros((2, frames), np.float32)
        for row, block in enumerate(blocks):
            rows[:, row, :frames] = as_channels(block, channels)
            if row < len(tracks):
                total += block
        peak = max(peak, float(total.max()), -float(total.min()))
        segment = index * segments // len(spans)
        if index * segments % len(spans) < segments:  # the first span of its segment
            starts[segment] = spans[index][0]
        ends[segment] = sum(spans[index])
        for channel, samples in enumerate(rows[:, :, :frames]):
            products[segment, channel] += samples @ samples.T
        parts = [track.inside(spans[index]) for track in everything]
        for start, end in pairwise(sorted({0, frames, *(at for part in parts for at in (part.start, part.stop))})):
            there = np.array([part.start <= start < end <= part.stop for part in parts], float)
            held[segment] += (end - start) * np.outer(there, there)
            sums[segment] += rows[:, :, start:end].sum(axis=2)[..., None] * there
    raw = products.diagonal(axis1=2, axis2=3).sum(axis=0)
    offsets = sums.sum(axis=0) @ np.linalg.pinv(held.sum(axis=0), hermitian=True)
    crossed = sums @ offsets.swapaxes(1, 2)
    products += offsets @ held[:, None] @ offsets.swapaxes(1, 2) - crossed - crossed.swapaxes(2, 3)
    sounds = products.diagonal(axis1=2, axis2=3).sum(axis=0) > ONLY_DC * raw
    products *= sounds[:, :, None] * sounds[:, None, :]
    return Grams(products, tuple(starts), tuple(ends), peak)
