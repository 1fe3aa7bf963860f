"""Levels: everything the audit wants to know about a stem's samples, in one streamed pass.

Full scale is 1.0 = 0 dBFS. RMS is that of all channels together and without the 3 dB of AES17, so a full-scale sine
reads −3.01 dBFS. Correlation is what a correlation meter shows: Σlr / √(Σl²·Σr²). NaN and infinite samples are
counted and otherwise taken as zero. Memory does not grow with the length of a file, and no figure depends on where
blocks are cut: whatever comes in is regrouped into regions of one size, from frame 0 on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal

import numpy as np

from stemwright.audio.stream import Block, blocks, raw_blocks
from stemwright.measure._numpy import CELL, Array, Floats, Found
from stemwright.measure.detect import detect
from stemwright.measure.gather import Gather
from stemwright.measure.kernels import kernels, pays
from stemwright.measure.loudness import channel_weights, hop_frames, loudness_of
from stemwright.measure.runs import EDGE, NOTHING, Joined, Places, Silences, Tops, rows_of
from stemwright.measure.tallies import Envelope, Groups, Overview, Sizes, tail_fall
from stemwright.measure.truepeak import TruePeaks
from stemwright.model import AudioFile, AudioFormat, Levels, Sides, Words
from stemwright.units import db

_REGION = 1 << 19
"""Frames of a mono or stereo region; files of more channels are read in shorter ones."""


def measure(file: AudioFile, fast: bool | None = None, envelope: Envelope | None = None) -> Levels:
    """The levels of one file. Raises DamagedAudio when it stops early, InputError when it cannot be read.

    `fast` asks for the compiled kernels (see `pays`); None lets the size of the file decide. Where numba is missing
    the numpy ones do the same. `envelope` is fed with a mono or stereo file.
    """
    fast = pays(file.bytes) if fast is None else fast
    raw = raw_blocks(file, _region(file.format.channels))
    samples, kind = (raw.blocks, raw.kind) if raw else (blocks(file, _region(file.format.channels)), "f32")
    return _measured(samples, kind, _Pass(file.format, file.frames, kernels(fast), envelope))


def levels_of(samples: Iterable[Block], audio_format: AudioFormat, fast: bool = False) -> Levels:
    """The levels of blocks `[channels, n]`, float32 or float64, which are all held in memory."""
    held = list(samples)
    frames = sum(block.shape[1] for block in held)
    wide = any(block.dtype == np.float64 for block in held)
    return _measured(held, "f64" if wide else "f32", _Pass(audio_format, frames, kernels(fast)))


def _region(channels: int) -> int:
    return max(1 << 12, _REGION >> max(0, math.ceil(math.log2(channels)) - 1))


def _measured(samples: Iterable[Array], kind: str, state: _Pass) -> Levels:
    with np.errstate(over="ignore", invalid="ignore"):  # floats may be of any size
        for x, at, n in _regions(samples, kind, state.form.channels, state.take):
            state.feed(x, at, n)
        return state.result()


def _regions(samples: Iterable[Array], kind: str, channels: int, take: Any) -> Iterator[tuple[Array, int, int]]:
    """Samples `[channels, EDGE + size + EDGE]`, the frame that stands at EDGE, and how many are of the file from there.

    The buffer is used again. `take` writes a block into a part of it, whose first frame it is told.
    """
    size = _region(channels)
    x = np.zeros((channels, size + 2 * EDGE), np.float64 if kind in ("i32", "f64") else np.float32)
    at, fill = 0, EDGE
    for block in samples:
        done = 0
        while done < block.shape[1]:
            count = min(block.shape[1] - done, x.shape[1] - fill)
            take(block[:, done : done + count], kind, x[:, fill : fill + count], at + fill - EDGE)
            done, fill = done + count, fill + count
            if fill == x.shape[1]:
                yield x, at, size
                x[:, : 2 * EDGE] = x[:, -2 * EDGE :]
                at, fill = at + size, 2 * EDGE
    x[:, fill:] = 0
    left = fill - EDGE
    if left > size:
        yield x, at, size
        x[:, : 2 * EDGE] = x[:, -2 * EDGE :]
        x[:, 2 * EDGE :] = 0
        at, left = at + size, left - size
    if left > 0:
        yield x, at, left


class _Pass:
    """The running state of one file."""

    def __init__(self, form: AudioFormat, frames: int, kernels: ModuleType, envelope: Envelope | None = None) -> None:
        channels, self.rate = form.channels, form.sample_rate
        self.form, self.frames, self.kernels = form, frames, kernels
        self.found = Found()
        self.bad, self.bad_samples, self.bad_open = Places(), 0, [Joined() for _ in range(channels)]
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.sums, self.energies = np.zeros(channels), np.zeros(channels)
        self.apart, self.opposite = 0.0, channels == 2
        self.true_peaks, self.over = TruePeaks(kernels), Places()
        self.hop, self.weights = hop_frames(self.rate), channel_weights(form)
        self.state, self.hop_open = np.zeros((channels, 4)), 0.0
        self.powers: list[Floats] = []
        self.quiet_frames = 0
        self.tops, self.silences = Tops(channels, form.bits if form.encoding == "pcm" else 0), Silences(self.rate)
        self.sizes, self.overview = Sizes(self.rate), Overview(frames)
        self.envelope = envelope if channels <= 2 else None
        self.gather = Gather(channels, self.rate, frames)
        self.tenths = Groups(self.rate / 10 / CELL)
        self.tenth_sums: list[Floats] = []
        self.first: int | None = None
        self.last: int | None = None
        self.head = self.first_sample = 0.0
        self.tail = np.zeros((channels, 0), np.float32)

    def take(self, block: Array, kind: str, x: Array, at: int) -> None:
        """Decode a block into its place."""
        found = self.kernels.unpack(block, kind, x)
        if found.bad is not None or self.bad_samples:
            for channel, waiting in enumerate(self.bad_open):
                rows = NOTHING if found.bad is None else rows_of(found.bad[channel], at)
                self.bad.add(waiting.feed(rows, at + block.shape[1]), channel)
            self.bad_samples += 0 if found.bad is None else int(found.bad.sum())
        known = self.found
        self.found = Found(
            known.mask | found.mask,
            known.off_grid or found.off_grid,
            *(a + b for a, b in zip(known[2:6], found[2:6], strict=True)),
        )

    def feed(self, x: Array, at: int, n: int) -> None:
        """A region (see `_regions`)."""
        cells = self.kernels.cells(x, EDGE - 2 * CELL, -(-n // CELL) + 4)
        around = np.maximum(cells.high, -cells.low)
        low, high, _, zeros, level, total, energy = (part[:, 2:-2] for part in cells)
        peak = around[:, 2:-2]
        most = peak.max(axis=0)
        top = float(most.max())
        if n % CELL:  # what follows the end of the file is no sample
            last = x[:, EDGE + n - n % CELL : EDGE + n]
            low[:, -1], high[:, -1] = last.min(axis=1), last.max(axis=1)
        self._edges(x, at, n, most)
        self.low, self.high = np.minimum(self.low, low.min(axis=1)), np.maximum(self.high, high.max(axis=1))
        self.sums += total.sum(axis=1)
        self.energies += energy.sum(axis=1)
        self._loudness(x, at, n, sounding=top > 0)
        self.tenth_sums.append(self.tenths.feed(np.concatenate((total, energy))))
        self.silences.feed(x, at, n, zeros)
        self.overview.feed(x, at, n, low, high)
        if self.envelope:
            self.envelope.feed(low, high)
        used, mask = self._used()
        self.sizes.feed(x, peak, most)
        self.tops.feed(x, at, n, peak, level, self.sizes.top, used)
        self.gather.feed(x, at, n, peak, cells.bend, energy, mask)
        if top:
            over = self.true_peaks.feed(x, EDGE, around[:, 1:-1], cells.bend[:, 1:-1])
            for channel in range(len(x)):
                starts = at + over[over[:, 0] == channel, 1] * CELL
                self.over.add(np.stack((starts, np.minimum(starts + CELL, self.frames)), axis=1), channel)
            if len(x) == 2:
                self.apart += self.kernels.apart(x, EDGE, n)
                mirrored = self.opposite and np.array_equal(low[0], -high[1])  # which costs next to nothing
                self.opposite = mirrored and np.array_equal(x[0, EDGE : EDGE + n], -x[1, EDGE : EDGE + n])

    def _edges(self, x: Array, at: int, n: int, most: Array) -> None:
        region = x[:, EDGE : EDGE + n]
        if at == 0:
            self.first_sample = float(np.abs(region[:, 0]).max())
            self.head = float(np.abs(region[:, : math.ceil(self.rate / 1000)]).max())
        kept = math.ceil(self.rate / 100)
        self.tail = np.concatenate((self.tail, region[:, -kept:]), axis=1)[:, -kept:]
        sounding = np.flatnonzero(most > 0)
        if len(sounding):
            first, last = (
                np.flatnonzero(x[:, EDGE + cell * CELL :][:, :CELL].any(axis=0)) for cell in sounding[[0, -1]]
            )
            if self.first is None:
                self.first = at + int(sounding[0] * CELL + first[0])
            self.last = at + int(sounding[-1] * CELL + last[-1])

    def _loudness(self, x: Array, at: int, n: int, *, sounding: bool) -> None:
        self.quiet_frames = 0 if sounding else self.quiet_frames + n
        marks = range(at - at % self.hop + self.hop, at + n + 1, self.hop)
        edges = np.array(sorted({at, *marks, at + n})) - at + EDGE
        if self.quiet_frames - n >= self.rate:  # all that could be heard has died away; denormals would be slow
            self.state[:] = 0
            parts = np.zeros(len(edges) - 1)
        else:
            parts = self.weights @ self.kernels.weighted(x, self.rate, self.state, edges) / self.hop
        parts[0] += self.hop_open
        self.powers.append(parts[: len(marks)])
        self.hop_open = parts[-1] if len(parts) > len(marks) else 0.0

    def _used(self) -> tuple[int, int]:
        """Bits used so far, and which; off the 24-bit grid 24 and none."""
        mask = 0 if self.found.off_grid else self.found.mask & 0xFFFFFFFF
        trailing = min((mask & -mask).bit_length() - 1, 23) if mask else 0
        return 24 - trailing if self.found.sounding else 0, mask

    def result(self) -> Levels:
        """Everything, once the whole file was fed."""
        self.silences.close()
        for channel, bad in enumerate(self.bad_open):
            self.bad.add(bad.feed(NOTHING, -1), channel)
        used, mask = self._used()
        found, top, frames = self.found, self.sizes.top, max(self.frames, 1)
        peaks = np.maximum(np.maximum(self.high, -self.low), 0)
        means, squares = self.sums / frames, self.energies / frames
        worst = int(np.abs(means).argmax())
        powers = np.concatenate((np.zeros(0), *self.powers))
        tenths = np.concatenate((np.zeros((2 * len(peaks), 0)), *self.tenth_sums), axis=1)
        energies = tenths[len(peaks) :].sum(axis=0) / (max(self.rate / 10, CELL) * len(peaks))
        with np.errstate(divide="ignore"):
            hops = (10 * np.log10(energies)).astype(np.float32)
        levels = Levels(
            sample_peak_dbfs=db(float(top)),
            channel_peaks_dbfs=tuple(db(float(peak)) for peak in peaks),
            rms_dbfs=db(math.sqrt(float(squares.mean()))),
            dc_offset=float(means[worst]),
            true_peak_dbtp=db(self.true_peaks.true),
            high_res_peak_dbtp=db(self.true_peaks.high),
            intersample=self.over.runs(),
            channel_rms_dbfs=tuple(db(math.sqrt(float(square))) for square in squares),
            lowest=float(self.low.min()) if self.frames else 0.0,
            highest=float(self.high.max()) if self.frames else 0.0,
            dc_sigma=math.sqrt(max(0.0, float(squares[worst] - means[worst] ** 2)) / frames),
            dc_steady=self._steady(tenths[[worst, len(peaks) + worst]], float(means[worst])),
            loudness=loudness_of(powers, self.hop),
            clipping=replace(
                self.tops.result(top, used, found.sounding),
                at_peak=self.sizes.at_peak,
                below_peak=self.sizes.below_peak(),
                pile_up=self.sizes.pile_up(),
            ),
            words=Words(
                used, not found.off_grid, 0.0 if found.off_grid else found.low_byte_empty / max(found.sounding, 1)
            ),
            sides=self._sides() if self.form.channels == 2 and top else None,
            not_finite=replace(self.bad.runs(), count=self.bad_samples),
            denormal=found.denormal,
            absurd=found.absurd,
            first_sound=self.first,
            last_sound=self.last,
            head_dbfs=db(self.head),
            tail_dbfs=db(float(np.abs(self.tail).max(initial=0))),
            first_sample_dbfs=db(self.first_sample),
            tail_fall_db_s=tail_fall(hops),
            silences=self.silences.silences.runs(),
            dropouts=self.silences.dropouts.runs(),
            overview=self.overview.columns(),
        )
        return detect(levels, self.gather.windows(mask, hops))

    def _steady(self, tenths: Floats, mean: float) -> bool:
        """Whether at least half of that mean stands in most seconds that sound, and in the quietest tenths of seconds.

        `tenths` are the sums of a channel's samples and of their squares `[2, n]`.

        A slow wave fails the first; the lopsided wave of a drum or a horn, which dies away with its sound, the second.
        """
        sums, energy = tenths
        sounding = np.flatnonzero(energy > 0)
        if not mean or not len(sounding):  # less than a tenth of a second is steady enough
            return mean != 0
        shares = sums * (10 / self.rate / mean)
        whole = len(sums) // 10 * 10
        seconds = shares[:whole].reshape(-1, 10).mean(axis=1)[energy[:whole].reshape(-1, 10).any(axis=1)]
        quiet = sounding[np.argsort(energy[sounding], kind="stable")][: max(1, len(sounding) // 4)]
        most = 2 * np.count_nonzero(seconds >= 0.5) > len(seconds) or not len(seconds)
        return bool(most and np.median(shares[quiet]) >= 0.5)

    def _sides(self) -> Sides:
        left, right = (float(energy) for energy in self.energies)
        product = (left + right - self.apart) / 2
        both, sounding = left * right > 0, left + right
        fits = math.sqrt(left) * math.sqrt(right)
        relation: Literal["", "equal", "opposite"] = "equal" if not self.apart else "opposite" if self.opposite else ""
        loss = 1 + 2 * product / sounding
        return Sides(
            correlation=float(np.clip(product / fits, -1, 1)) if both else None,
            relation=relation,
            difference_dbfs=db(math.sqrt(self.apart / self.frames)),
            balance_db=db(math.sqrt(left)) - db(math.sqrt(right)),
            mono_loss_db=math.inf if self.opposite or loss <= 0 else -10 * math.log10(loss),
        )
