"""Which channels a network hears together: it hears two, songs have one, two or more.

Stereo goes in as it is. Mono, and two channels that are the same, are heard twice and averaged back. More than two
channels go pair by pair, an odd last one as mono. The stereo modes hear a pair's channels one by one
(`left_right`), its mid and its side (`mid_sides`), or only its mid (`mono`: the stems are mono then).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block

StereoMode = Literal["stereo", "mono", "mid_sides", "left_right"]

_HALF = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Route:
    """One run of the network."""

    hear: NDArray[np.float32]
    """`[2, channels]`: what it hears of the source's channels."""
    give: NDArray[np.float32]
    """`[channels, 2]`: where what it makes goes."""

    def heard(self, block: Block) -> Block:
        """`[2, n]` of a source's `[channels, n]`."""
        return block if np.array_equal(self.hear, np.eye(2)) else self.hear @ block


def routes(channels: int, mode: StereoMode = "stereo", dual_mono: bool = False) -> tuple[Route, ...]:
    """The runs for a source of so many channels; `mono` expects a source that is mono already."""
    made: list[Route] = []
    for first in range(0, channels, 2):
        one, two = _row(channels, first), _row(channels, min(first + 1, channels - 1))
        if first + 1 == channels or mode == "left_right":
            made += [_single(row, row) for row in ([one] if first + 1 == channels else [one, two])]
        elif dual_mono:
            made.append(_single(one, one + two))
        elif mode == "mid_sides":
            made += [_single(_HALF * (one + two), one + two), _single(_HALF * (one - two), one - two)]
        else:
            made.append(Route(np.stack([one, two]), np.stack([one, two], axis=1)))
    return tuple(made)


def _row(channels: int, index: int) -> NDArray[np.float32]:
    row: NDArray[np.float32] = np.eye(channels, dtype=np.float32)[index]
    return row


def _single(hear: NDArray[np.float32], give: NDArray[np.float32]) -> Route:
    """One channel, heard on both of the network's and averaged back."""
    return Route(np.stack([hear, hear]), np.stack([_HALF * give, _HALF * give], axis=1))


def mono(block: Block) -> Block:
    """The mean of all channels, `[1, n]`."""
    mean: Block = block.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    return mean
