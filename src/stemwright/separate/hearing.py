"""One network hears a source: which channels together, at which rate, with how much context; its stems come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stemwright import units
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block
from stemwright.separate import Mix
from stemwright.separate.consistency import AIR_HZ, CHUNK, Heard, Shared, consistent
from stemwright.separate.engine import Engine
from stemwright.separate.overlap import middle
from stemwright.separate.plan import Node
from stemwright.separate.routing import Route, StereoMode, routes
from stemwright.separate.spool import Spool

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Manner:
    """How a song is heard and written."""

    start: int = 0
    """First frame of the stretch that is wanted."""
    frames: int | None = None
    """Its length; None: to the end."""
    stereo: StereoMode = "stereo"
    bits: int = 24
    """16 or 24: integers; 32: float."""
    share: bool = True
    """Give what networks leave over to the stems; else they stay as they were made."""
    overlap: float | None = None
    """Share of a segment that the next one hears too; None: what the card says."""
    shifts: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Something that a network can hear, and what lies around it as context."""

    blocks: Callable[[int, int], Iterable[Block]]
    """Frames more before and after it to `[channels, n]` blocks."""
    heard: Heard
    rate: int
    """Hz."""
    room: tuple[int, int] = (0, 0)
    """Frames of context that are there before and after it."""


def hear(engine: Engine, node: Node, source: Source, manner: Manner) -> Iterator[Shared]:
    """What one node makes of its source, at the source's rate, in chunks."""
    import torch

    made_rate = engine.network.card.sample_rate or source.rate
    margin = units.rescale(engine.network.card.segment, made_rate, source.rate)
    before, after = (min(margin, there) for there in source.room)
    frames = source.heard.frames
    runs = routes(source.heard.channels, manner.stereo, source.heard.dual_mono)
    made = _placed([_run(engine, node, source, run, (before, after), manner) for run in runs], runs)
    if made_rate != source.rate:
        made = _at_rate(made, made_rate, source.rate, before + frames + after, engine.device)
    mix = (torch.from_numpy(block).to(engine.device) for block in source.blocks(0, 0))
    how: Any = "rest" if node.rest else "share" if manner.share and node.complete else "raw"
    top = 2.0 if made_rate >= source.rate else 0.9 * made_rate / source.rate
    air = (2 * AIR_HZ / source.rate, top)
    yield from consistent(middle(made, before, frames), mix, source.heard, how=how, air=air)


def _run(
    engine: Engine, node: Node, source: Source, run: Route, context: tuple[int, int], manner: Manner
) -> Iterator[Tensor]:
    """What the network makes of one route's channels, at its own rate: `[stems, 2, n]`."""
    rate = engine.network.card.sample_rate or source.rate
    length = max(1, units.rescale(context[0] + source.heard.frames + context[1], source.rate, rate))

    def blocks() -> Iterator[Block]:
        stereo = (np.ascontiguousarray(run.heard(block)) for block in source.blocks(*context))
        return resampled(stereo, source.rate, rate, length)

    return engine.separate(
        Mix(blocks, length),
        tuple(node.give.values()),
        source.heard.statistics(run.hear.mean(axis=0)),
        first=units.rescale(manner.start - context[0], source.rate, rate),
        overlap=manner.overlap,
        shifts=manner.shifts,
    )


def _placed(streams: list[Iterator[Tensor]], runs: tuple[Route, ...]) -> Iterator[Tensor]:
    """The runs' stems in the channels where they belong, `[stems, channels, n]`."""
    if len(runs) == 1 and np.array_equal(runs[0].give, np.eye(2)):
        yield from streams[0]
        return
    for parts in zip(*streams, strict=True):
        placed = []
        for run, part in zip(runs, parts, strict=True):  # no matrix product: its precision is a setting on GPUs
            left, right = part.new_tensor(run.give).unbind(1)
            placed.append(left[:, None] * part[:, :1] + right[:, None] * part[:, 1:])
        yield sum(placed[1:], placed[0])


def _at_rate(made: Iterator[Tensor], from_rate: int, to_rate: int, frames: int, device: str) -> Iterator[Tensor]:
    import torch

    shape: list[int] = []

    def rows() -> Iterator[Block]:
        for block in made:
            shape[:] = block.shape[:2]
            yield block.flatten(0, 1).cpu().numpy()

    for block in resampled(rows(), from_rate, to_rate, frames):
        yield torch.from_numpy(block).to(device).unflatten(0, (shape[0], shape[1]))


def spooled(spool: Spool, index: int, frames: int) -> Callable[[int, int], Iterable[Block]]:
    """A stem that another network made, as a source's blocks; there is nothing before and after it."""

    def read(before: int, after: int) -> Iterator[Block]:
        for number in range(-(-frames // CHUNK)):
            yield spool.chunk(number)[index].cpu().numpy()

    return read
