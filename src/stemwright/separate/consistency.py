"""Stems that add up to the mix: share what is left over, choose one gain, round so that the integers sum exactly.

A separation network's stems miss the mix by a residual (-25 to -35 dB below it). Here it is given to the stems in
proportion to their energy at that moment, at the source's own rate, so that what the network's rate cannot carry
is kept too. No stem ever gets a gain of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block, quantise

GRID = 1024
"""Frames per cell in which energy is measured."""
NONSENSE = 2.0
"""A stem that is louder than this times full scale (or the mix's own peak, if that is higher) is no music: at a click
after silence, networks put out stems of 20 times full scale that cancel each other."""
_MARGIN = 2 * GRID
"""How far the energy at a frame looks: half a cell to the next centre, and one cell of smoothing beyond it."""

SHORTEST_SILENCE = 2048
"""Frames of exact zeros in the mix from which on the stems are silent too; networks whisper on for ever."""
_FADE = 256

Ints = NDArray[np.int32]


class Heard:
    """What one look at the mix tells before anything is written: its peak, and where it is digital silence."""

    def __init__(self) -> None:
        self.peak, self.frames = 0.0, 0
        self.silences: list[tuple[int, int]] = []
        self._quiet, self._since = False, 0

    def add(self, mix: Block) -> None:
        """Take in the next block `[channels, n]`."""
        self.peak = max(self.peak, float(np.abs(mix).max(initial=0)))
        quiet: NDArray[np.bool_] = (mix == 0).all(axis=0)
        for change in np.flatnonzero(quiet != np.concatenate([[self._quiet], quiet[:-1]])):
            self._turn(bool(quiet[change]), self.frames + int(change))
        self.frames += mix.shape[1]

    def _turn(self, quiet: bool, at: int) -> None:
        if self._quiet and at - self._since >= SHORTEST_SILENCE:
            self.silences.append((self._since, at))
        self._quiet, self._since = quiet, at

    def close(self) -> None:
        """The mix has ended."""
        self._turn(False, self.frames)

    def factor(self, start: int, end: int) -> NDArray[np.float64]:
        """0 in digital silence, 1 elsewhere, for frames [start, end); faded inside a silence next to sound."""
        found = np.ones(end - start)
        for begin, stop in self.silences:
            at = np.arange(max(begin, start), min(stop, end))
            if len(at):
                after = 1 - (at - begin + 1) / _FADE if begin else np.zeros(len(at))
                before = 1 - (stop - at) / _FADE if stop < self.frames else np.zeros(len(at))
                found[at - start] = np.clip(np.maximum(after, before), 0, 1)
        return found


def share_residual(
    stems: Callable[[int, int], Block], mix: Iterable[Block], heard: Heard
) -> Iterator[tuple[Block, Block, Block, Block]]:
    """For every block of the mix: (mix, stems as they were, calmed, and adding up to it), up to float32 rounding.

    `stems(start, end)` reads frames [start, end) as `[stems, channels, n]`; the result does not depend on how the
    mix is cut into blocks. Calmed stems are silent where the mix is digital silence, and turned down together where
    any of them is `NONSENSE`; elsewhere they are the stems as they were. Then a stem takes of `mix - sum` what its
    part is in the energy of all stems in that channel, measured in cells of 1024 frames, smoothed over three
    (1, 2, 1) and interpolated linearly between their centres. A silent stem takes nothing, unless all are silent:
    then all take the same.
    """
    at, frames = 0, heard.frames
    for block in mix:
        end = at + block.shape[1]
        first = max(0, at // GRID * GRID - _MARGIN)
        around = stems(first, min(frames, -(-end // GRID) * GRID + _MARGIN))
        raw = around[..., at - first : end - first]
        factor = _calm(around, at - first, end - first, max(1.0, heard.peak)) * heard.factor(at, end)
        calm = (raw * factor).astype(np.float32)
        rest = block - calm.sum(axis=0, dtype=np.float64)
        yield block, raw, calm, (calm + _parts(around, at - first, end - first) * rest).astype(np.float32)
        at = end


def _calm(stems: Block, start: int, end: int, loudest: float) -> NDArray[np.float64]:
    """The factor, 0 to 1, at the frames [start, end) of `stems` that keeps nonsense as loud as the mix may be."""
    peaks = np.maximum.reduceat(np.abs(stems).max(axis=(0, 1)), np.arange(0, stems.shape[-1], GRID)).astype(np.float64)
    factors = np.where(peaks > NONSENSE * loudest, loudest / np.maximum(peaks, loudest), 1.0)
    wide = np.pad(factors, 1, mode="edge")
    lowest = np.minimum(np.minimum(wide[:-2], wide[2:]), factors)
    between: NDArray[np.float64] = np.interp((np.arange(start, end) + 0.5) / GRID - 0.5, np.arange(len(lowest)), lowest)
    return between


def _parts(stems: Block, start: int, end: int) -> NDArray[np.float64]:
    """Each stem's part, 0 to 1, of the energy at the frames [start, end) of `stems`, which begin on the grid."""
    edges = np.arange(0, stems.shape[-1], GRID)
    sizes = np.diff(np.append(edges, stems.shape[-1]))
    cells = np.add.reduceat(stems.astype(np.float64) ** 2, edges, axis=-1) / sizes
    wide = np.pad(cells, ((0, 0), (0, 0), (1, 1)), mode="edge")
    smooth = (wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]) / 4
    place = np.clip((np.arange(start, end) + 0.5) / GRID - 0.5, 0, len(edges) - 1)
    left = place.astype(np.intp)
    towards = place - left
    energy: NDArray[np.float64] = (
        smooth[..., left] * (1 - towards) + smooth[..., np.minimum(left + 1, len(edges) - 1)] * towards
    )
    total = energy.sum(axis=0)
    np.divide(energy, total, out=energy, where=total > 0)
    energy[:, total == 0] = 1 / len(stems)
    return energy


class Peaks:
    """The extremes of stems and mix, gathered block by block, and the one gain that they call for."""

    def __init__(self) -> None:
        self.stems, self.high, self.low = 0.0, 0.0, 0.0

    def add(self, stems: Block, mix: Block) -> None:
        """Take in one block of each."""
        self.stems = max(self.stems, float(np.abs(stems).max(initial=0)))
        self.high, self.low = max(self.high, float(mix.max(initial=0))), min(self.low, float(mix.min(initial=0)))

    def gain(self, bits: int) -> float:
        """The largest gain up to 1.0 with which mix and stems fit into `bits`.

        The mix must fit exactly. A stem may touch +1.0, one step too much: `fold` gives that step to another stem.
        """
        top = 1 - 2.0 ** (1 - bits)
        return min(1.0, 1 / max(self.stems, 1.0), top / max(self.high, top), 1 / max(-self.low, 1.0))


def to_ints(block: Block, gain: float, bits: int) -> Ints:
    """`round(gain * block * 2^(bits-1))`, clamped."""
    return quantise(block.astype(np.float64) * gain, bits)


def fold(stems: Block, mix: Block, gain: float, bits: int = 24, carrier: int | None = None) -> tuple[Ints, Ints]:
    """Round stems `[stems, channels, n]` and mix `[channels, n]` so that the stems' integers sum to the mix's.

    The mix is `round(gain * mix * 2^(bits-1))`. Each stem is rounded for itself; what that misses goes to the
    `carrier`, or at every sample to the loudest stem, and on to the next where one is full. There is always room:
    were all stems full, their sum would lie beyond the mix, which fits.
    """
    whole, parts = to_ints(mix, gain, bits), to_ints(stems, gain, bits)
    missing = whole - parts.sum(axis=0, dtype=np.int64)
    loudest = np.abs(parts).argmax(axis=0) if carrier is None else np.full(whole.shape, carrier)
    top = 1 << (bits - 1)
    for turn in range(len(parts)):
        if not missing.any():
            break
        taker = ((loudest + turn) % len(parts))[None]
        before = np.take_along_axis(parts, taker, axis=0)
        after = np.clip(before + missing, -top, top - 1)
        np.put_along_axis(parts, taker, after.astype(np.int32), axis=0)
        missing = missing - (after - before)[0]
    return parts, whole
