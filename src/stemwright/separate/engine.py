"""A resident network and what is to be heard by it: segments of all open songs in batches of one fixed shape.

Every song is separated by its own thread: it reads, cuts, and puts together; the network runs in a thread of the
engine's, so that songs are decoded and written while others are heard. A batch is always filled up to the same
shape, so that a song's samples never depend on what else is in the batch. When memory does not suffice, batches are
halved for good; when one segment is too much, the CPU takes over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stemwright.audio.stream import Block
from stemwright.errors import StemwrightError
from stemwright.separate import Mix, Network, Setup, cuda, family
from stemwright.separate.models import card
from stemwright.separate.overlap import Segment, cut, middle, overlap_add
from stemwright.separate.precision import doubtful

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@lru_cache(maxsize=4)
def resident(model: str, paths: tuple[Path, ...], setup: Setup) -> Engine:
    """The engine of a model, loaded once and kept. Raises as `Family.load`."""
    return Engine(family(card(model)).load(card(model), paths, setup), paths)


class _Asked(NamedTuple):
    """A segment that waits for the network."""

    audio: Block
    start: int
    """Its first frame's place in the song."""
    wanted: tuple[int, ...]
    answer: Future[Tensor]


class Engine:
    """A network that any number of songs may use at once; see `separate`."""

    def __init__(self, network: Network, paths: tuple[Path, ...] = (), batch: int | None = None) -> None:
        self.network, self.device = network, network.setup.device
        self.batch = batch or (cuda.batch_size(network) if self.device == "cuda" else 1)  # larger is slower on CPUs
        self.remarks: list[str] = []
        """What had to be done differently, in words."""
        self._paths, self._swift = paths, cuda.replayed(network.forward)
        self._waiting: deque[_Asked] = deque()
        self._thread = ThreadPoolExecutor(1, f"network {network.card.name}")

    def separate(
        self,
        mix: Mix,
        stems: Sequence[str],
        statistics: tuple[float, float],
        *,
        first: int = 0,
        overlap: float | None = None,
        shifts: int = 1,
    ) -> Iterator[Tensor]:
        """Yield float32 `[stems, 2, n]` tensors in order, on the device, `mix.frames` frames together.

        `statistics` are mean and deviation of the mix's mono sum, for networks that expect it normalised; `first`
        is the frame of the song at which the mix starts, for networks that are told where to listen. With
        `shifts` above 1 the grid of segments is shifted by equal parts of its stride, and the results are averaged
        (the equivariant stabilisation of Defossez et al. 2019, with fixed instead of random shifts).
        """
        made = self.network.card
        overlap = made.overlap if overlap is None else overlap
        wanted = tuple(made.stems.index(stem) for stem in stems)
        mean, deviation = statistics
        stride = int((1 - overlap) * made.segment)
        if made.normalise:
            mix = _normalised(mix, mean, deviation)
        delays = [number * stride // shifts for number in range(shifts)]
        runs = [middle(self._heard(_delayed(mix, delay), first - delay, wanted, overlap), delay) for delay in delays]
        for block in runs[0] if shifts == 1 else _mean(runs):
            yield block.mul_(deviation).add_(mean) if made.normalise else block

    def _heard(self, mix: Mix, first: int, wanted: tuple[int, ...], overlap: float) -> Iterator[Tensor]:
        segment = self.network.card.segment
        segments = cut(mix.blocks(), mix.frames, segment, overlap, whole=self.network.fixed)
        answers = self._answers(segments, first, wanted)
        try:
            yield from overlap_add(answers, mix.frames, segment, overlap)
        finally:
            answers.close()

    def _answers(
        self, segments: Iterator[Segment], first: int, wanted: tuple[int, ...]
    ) -> Generator[tuple[Segment, Tensor], None, None]:
        """The network's answers in order; up to two batches are under way."""
        pending: deque[tuple[Segment, Future[Tensor]]] = deque()
        try:
            for segment in segments:
                asked = _Asked(segment.audio, first + segment.at - segment.lead, wanted, Future())
                pending.append((segment, self._submit(asked)))
                if len(pending) > 2 * self.batch:
                    yield self._wait(*pending.popleft())
            while pending:
                yield self._wait(*pending.popleft())
        finally:
            if [answer for _, answer in pending if answer.cancel()]:
                self._thread.submit(self._run)  # forgets what was cancelled

    def _submit(self, asked: _Asked) -> Future[Tensor]:
        self._waiting.append(asked)
        if len(self._waiting) >= self.batch:
            self._thread.submit(self._run)
        return asked.answer

    def _wait(self, segment: Segment, answer: Future[Tensor]) -> tuple[Segment, Tensor]:
        if not answer.done():
            self._thread.submit(self._until, answer)
        return segment, answer.result()

    def _until(self, answer: Future[Tensor]) -> None:
        """Run what is waiting, be it less than a batch, and what stands before it in batches of other shapes."""
        while not answer.done():
            self._run()

    def _run(self) -> None:
        """One batch of what is waiting, in the engine's thread."""
        group: list[_Asked] = []
        while self._waiting and len(group) < self.batch:
            asked = self._waiting[0]
            if group and (asked.audio.shape, asked.wanted) != (group[0].audio.shape, group[0].wanted):
                break
            self._waiting.popleft()
            if asked.answer.set_running_or_notify_cancel():
                group.append(asked)
        try:
            made = self._forward(group) if group else []
        except BaseException as error:  # every song that waits for it has to know
            for asked in group:
                asked.answer.set_exception(error)
            return
        for asked, one in zip(group, made, strict=True):
            asked.answer.set_result(one)

    def _forward(self, group: list[_Asked]) -> list[Tensor]:
        import torch

        done: list[Tensor] = []
        while len(done) < len(group):
            part = group[len(done) : len(done) + self.batch]
            heard = np.zeros((self.batch, *part[0].audio.shape), np.float32)
            for row, asked in zip(heard, part, strict=False):
                row[...] = asked.audio
            starts = [asked.start for asked in part] + [0] * (self.batch - len(part))
            try:
                made = self._trusted(torch.from_numpy(heard), part[0].wanted, tuple(starts)).to(self.device)
                done += [one.clone() if made.is_inference() else one for one in made[: len(part)]]
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _no_memory(error):
                    raise
                self._shrink(error)
        return done

    def _trusted(self, heard: Tensor, wanted: tuple[int, ...], starts: tuple[int, ...]) -> Tensor:
        """What the network makes; segments that its precision is not good enough for are heard again in float32."""
        network, device = self.network, self.network.setup.device
        heard = heard.pin_memory().to(device, non_blocking=True) if device == "cuda" else heard.to(device)
        if network.placed:
            made = network.placed(heard, wanted, starts)
        elif device == "cuda" and heard.shape[-1] == network.card.segment:
            made = self._swift(heard, wanted)
        else:
            made = network.forward(heard, wanted)
        if network.exact and (bad := doubtful(heard, made)).any():
            made = made.where(~bad[:, None, None, None], network.exact(heard, wanted))
        return made

    def _shrink(self, error: Exception) -> None:
        import torch

        if self.batch > 1:
            self.batch //= 2
            self.remarks.append(f"memory was short: batches of {self.batch} from then on")
        elif self.network.setup.device != "cpu" and self._paths:
            setup = Setup("cpu", "exact", self.network.setup.prompt, self.network.setup.spans)
            self.network = family(self.network.card).load(self.network.card, self._paths, setup)
            self.remarks.append(f"the memory of {self.device} was too small for one segment: the CPU took over")
        else:
            raise _too_large(self.network.card.name) from error
        self._swift = cuda.replayed(self.network.forward)  # lets go of what was recorded
        if self.device == "cuda":
            torch.cuda.empty_cache()


@contextmanager
def enough_memory(model: str) -> Iterator[None]:
    """Turn a lack of memory, in whatever words it comes, into StemwrightError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if _no_memory(error):
            raise _too_large(model) from error
        raise


def _too_large(model: str) -> StemwrightError:
    return StemwrightError(
        f"there is not enough memory for {model}",
        "close other programs, or take a smaller model: stemwright models list",
    )


def _no_memory(error: BaseException) -> bool:
    """Torch has a type of its own for this only on GPUs; oneDNN says `could not create a primitive`."""
    import torch

    said = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
        text in said
        for text in ("can't allocate memory", "out of memory", "not enough memory", "bad_alloc", "could not create a")
    )


def _normalised(mix: Mix, mean: float, deviation: float) -> Mix:
    def blocks() -> Iterator[Block]:
        return ((block - np.float32(mean)) / np.float32(deviation) for block in mix.blocks())

    return Mix(blocks, mix.frames)


def _delayed(mix: Mix, frames: int) -> Mix:
    """The mix after some frames of silence."""
    if not frames:
        return mix

    def blocks() -> Iterator[Block]:
        yield np.zeros((2, frames), np.float32)
        yield from mix.blocks()

    return Mix(blocks, mix.frames + frames)


def _mean(runs: Sequence[Iterator[Tensor]]) -> Iterator[Tensor]:
    """The mean of streams that are cut differently."""
    import torch

    held: list[torch.Tensor | None] = [None] * len(runs)
    while True:
        for number, run in enumerate(runs):
            if held[number] is None:
                held[number] = next(run, None)
        blocks = [block for block in held if block is not None]
        if len(blocks) < len(runs):
            return
        size = min(block.shape[-1] for block in blocks)
        yield torch.stack([block[..., :size] for block in blocks]).mean(0)
        held = [block[..., size:] if block.shape[-1] > size else None for block in blocks]
