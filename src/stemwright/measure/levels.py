"""Levels: everything the audit wants to know about a stem's samples, in one streamed pass.

Full scale is 1.0 = 0 dBFS. Peaks are sample peaks. RMS is that of all channels together and without the 3 dB of
AES17, so a full-scale sine reads −3.01 dBFS. Correlation is what a correlation meter shows: Σlr / √(Σl²·Σr²).
NaN and infinite samples are counted and otherwise taken as zero. Memory does not grow with the length of a file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block, blocks
from stemwright.errors import InputError, NotAudio, UnreadableAudio
from stemwright.model import AudioFile, AudioFormat, Levels, Progress, Span, Stem, StemSet, Unreadable
from stemwright.units import FULL_SCALE_24, db

CLIPPED_RUN = 3
"""Full-scale samples in a row that make a clip; one or two may be a peak that just fits."""
MAX_SPANS = 100
_WORD_LENGTHS = (16, 20, 24)
"""Effective depths: a 24-bit file may really be a 16- or 20-bit one with zeros behind."""


def measure(file: AudioFile) -> Levels:
    """The levels of one file. Raises DamagedAudio when it stops early, InputError when it cannot be read."""
    return levels_of(blocks(file), file.format)


def levels_of(samples: Iterable[Block], audio_format: AudioFormat) -> Levels:
    """The levels of a stream of blocks `[channels, n]`; the result does not depend on where the blocks are cut.

    `used_bits` is exact for samples on the 24-bit grid (k / 2^23). A sample off that grid, as in a mixed float
    file or a decoded lossy one, needs more than 24 bits and counts as 24.
    """
    state = _Pass(audio_format)
    for block in samples:
        if block.shape[1]:
            state.feed(block)
    return state.result()


def measure_set(stems: StemSet) -> Generator[Progress, None, StemSet]:
    """Measure all stems and the mix, a few files at a time; ends in the same set with levels filled in.

    A file that cannot be read to its end moves to `unreadable`.
    """
    everything = stems.everything
    found: dict[int, Levels | Unreadable] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {pool.submit(_attempt, stem.file): index for index, stem in enumerate(everything)}
        try:
            for future in as_completed(waiting):
                index = waiting[future]
                found[index] = future.result()
                path = everything[index].file.path
                yield Progress("measure", len(found), len(everything), "files", subject=path.name)
        finally:
            for future in waiting:
                future.cancel()

    def filled(stem: Stem, index: int) -> Stem | None:
        levels = found[index]
        return replace(stem, levels=levels) if isinstance(levels, Levels) else None

    return replace(
        stems,
        stems=tuple(done for index, stem in enumerate(stems.stems) if (done := filled(stem, index))),
        mix=filled(stems.mix, len(stems.stems)) if stems.mix else None,
        unreadable=stems.unreadable + tuple(bad for _, bad in sorted(found.items()) if isinstance(bad, Unreadable)),
    )


def _attempt(file: AudioFile) -> Levels | Unreadable:
    try:
        return measure(file)
    except InputError as error:
        reason = error.message.removeprefix(f"{file.path}: ")
        if isinstance(error, UnreadableAudio):
            return Unreadable(file.path, "no-reader", reason)
        return Unreadable(file.path, "not-audio" if isinstance(error, NotAudio) else "damaged", reason)


class _Pass:
    """The running state of one file."""

    def __init__(self, audio_format: AudioFormat) -> None:
        channels, rate, bits = audio_format.channels, audio_format.sample_rate, audio_format.bits
        self.frames = 0
        self.peaks = np.zeros(channels)
        self.sums = np.zeros(channels)
        self.products = np.zeros((channels, channels))
        self.bits_seen = 0
        self.not_finite = 0
        self.first: int | None = None
        self.last: int | None = None
        self.head_frames = math.ceil(rate / 1000)
        self.head_peak = 0.0
        self.tail = np.zeros((channels, 0), np.float32)
        self.tail_frames = math.ceil(rate / 100)
        depths = (bits,) if audio_format.encoding == "pcm" and bits < 16 else _WORD_LENGTHS
        self.runs = {depth: [_Runs(depth) for _ in range(channels)] for depth in depths}

    def feed(self, block: Block) -> None:
        peaks = np.maximum(block.max(axis=1), -block.min(axis=1))
        if not np.isfinite(peaks).all():
            finite = np.isfinite(block)
            self.not_finite += int(finite.size - finite.sum())
            block = np.where(finite, block, np.float32(0))
            peaks = np.abs(block).max(axis=1)
        self.peaks = np.maximum(self.peaks, peaks)
        wide = block.astype(np.float64)
        self.sums += wide.sum(axis=1)
        self.products += wide @ wide.T
        if not self.bits_seen & 1:
            self.bits_seen |= _bits(block, float(peaks.max()))
        for trackers in self.runs.values():
            for channel, runs in enumerate(trackers):
                runs.feed(block[channel], self.frames, float(peaks[channel]))
        self._edges(block, sounding=bool(peaks.any()))
        self.frames += block.shape[1]

    def _edges(self, block: Block, *, sounding: bool) -> None:
        if sounding:
            sound = np.flatnonzero(block.any(axis=0))
            if self.first is None:
                self.first = self.frames + int(sound[0])
            self.last = self.frames + int(sound[-1])
        if self.frames < self.head_frames:
            head = block[:, : self.head_frames - self.frames]
            self.head_peak = max(self.head_peak, float(np.abs(head).max()))
        self.tail = np.concatenate((self.tail, block[:, -self.tail_frames :]), axis=1)[:, -self.tail_frames :]

    def result(self) -> Levels:
        used = 24 - _trailing_zeros(self.bits_seen) if self.bits_seen else 0
        depth = next((depth for depth in self.runs if depth >= used), max(self.runs))
        clips = self.runs[depth]
        spans = sorted((span for runs in clips for span in runs.closed()), key=lambda span: (span.start, span.end))
        means = self.sums / max(self.frames, 1)
        energies = self.products.diagonal()
        both = len(energies) == 2 and energies.all()
        return Levels(
            sample_peak_dbfs=db(float(self.peaks.max())),
            channel_peaks_dbfs=tuple(db(float(peak)) for peak in self.peaks),
            rms_dbfs=db(math.sqrt(float(energies.mean()) / max(self.frames, 1))),
            dc_offset=float(means[np.abs(means).argmax()]),
            used_bits=used,
            clipped=tuple(spans[:MAX_SPANS]),
            clipped_runs=sum(runs.count for runs in clips),
            not_finite=self.not_finite,
            first_sound=self.first,
            last_sound=self.last,
            head_dbfs=db(self.head_peak),
            tail_dbfs=db(float(np.abs(self.tail).max(initial=0))),
            correlation=float(np.clip(self.products[0, 1] / math.sqrt(energies.prod()), -1, 1)) if both else None,
        )


class _Runs:
    """Runs of full-scale samples in one channel, for one word length.

    A sample is at full scale within 1 LSB of ±1.0. Float samples beyond ±1.0 are overs, not clips: nothing is
    lost until they are written as integers.
    """

    def __init__(self, depth: int) -> None:
        self.floor = 1.0 - 2.0 ** (1 - depth)
        self.spans: list[Span] = []
        self.count = 0
        self.open: int | None = None
        """First frame of a run that reaches the end of what was fed so far."""
        self.end = 0

    def feed(self, samples: NDArray[np.float32], at: int, peak: float) -> None:
        if self.open is None and peak < self.floor:
            return
        size = np.abs(samples)
        hot = (size >= self.floor) & (size <= 1.0)
        edges = np.flatnonzero(np.diff(np.concatenate(([self.open is not None], hot)))) + at
        bounds = edges if self.open is None else np.concatenate(([self.open], edges))
        self.end = at + len(samples)
        self.open = int(bounds[-1]) if len(bounds) % 2 else None
        starts, ends = bounds[: len(bounds) // 2 * 2].reshape(-1, 2).T
        long = ends - starts >= CLIPPED_RUN
        self.count += int(long.sum())
        room = MAX_SPANS - len(self.spans)
        self.spans += map(Span, starts[long][:room].tolist(), ends[long][:room].tolist())

    def closed(self) -> list[Span]:
        """All spans, with the run that lasts to the end of the file."""
        if self.open is not None and self.end - self.open >= CLIPPED_RUN:
            self.count += 1
            self.spans.append(Span(self.open, self.end))
        self.open = None
        return self.spans


def _bits(block: Block, peak: float) -> int:
    """The samples as 24-bit integers, or-ed together; odd when one of them is off that grid."""
    if peak >= 256:  # would not fit an int32
        return 1
    scaled = block * np.float32(FULL_SCALE_24)
    whole = scaled.astype(np.int32)
    return int(np.bitwise_or.reduce(whole, axis=None)) if np.array_equal(whole, scaled) else 1


def _trailing_zeros(value: int) -> int:
    return min((value & -value).bit_length() - 1, 23)
