"""The engine for demucs's networks (HTDemucs and HDemucs, alone or in bags), on demucs 4.1's own classes.

demucs's reader, writer and `apply_model` are not used: they delay, clip or hold the whole song in memory. What is
kept is the arithmetic: the mix is normalised by mean and standard deviation of its mono sum, cut and put together
by `overlap.py`, and a bag's members are averaged by the card's weights. One segment at a time on the CPU (batches
are slower there), as many as fit on a GPU. On Apple's GPU demucs does the Fourier transforms on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stemwright.audio.stream import Block
from stemwright.errors import StemwrightError
from stemwright.model import Progress
from stemwright.separate import Mix, require, safeload
from stemwright.separate.models import ModelCard
from stemwright.separate.overlap import cut, overlap_add

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NAME = "demucs"

_BYTES_PER_FRAME = 1300
"""Memory that one more segment in a batch takes per frame: 0.4 GB for HTDemucs's 343,980 frames, and some room."""
_LARGEST_BATCH = 16


def load(card: ModelCard, paths: Sequence[Path], device: str) -> Demucs:
    """The networks of a card on `device`. Raises MissingExtra, WeightsMismatch."""
    require()
    loaded = [safeload.network(card, member, path) for member, path in zip(card.members, paths, strict=True)]
    weights = tuple((path.name, digest) for path, (_, digest) in zip(paths, loaded, strict=True))
    versions = tuple((name, version(name)) for name in ("torch", "demucs"))
    return Demucs(card, device, weights, versions, tuple(network.to(device) for network, _ in loaded))


@dataclass(frozen=True, slots=True)
class Demucs:
    """A loaded model; see `stemwright.separate.Loaded`."""

    card: ModelCard
    device: str
    weights: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    networks: tuple[torch.nn.Module, ...]

    def separate(self, mix: Mix, stems: Sequence[str]) -> Iterator[Progress | Block]:
        """Yield `[stems, 2, n]` blocks and Progress in seconds; only members that matter for `stems` are run."""
        card, rate = self.card, self.card.sample_rate
        mean, deviation = mono_statistics(mix)
        normal = ((block - np.float32(mean)) / np.float32(deviation) for block in mix.blocks())
        whole = all(hasattr(network, "valid_length") for network in self.networks)
        segments = cut(normal, mix.frames, card.segment, whole=whole)
        forward = halving(self._forward([card.stems.index(stem) for stem in stems]))
        batch, done = self._batch(), 0
        yield Progress("split", 0, mix.frames / rate, "s")
        for made in overlap_add(forward, segments, mix.frames, card.segment, batch=batch, device=self.device):
            yield (made * deviation + mean).cpu().numpy()
            done += made.shape[-1]
            yield Progress("split", done / rate, mix.frames / rate, "s")

    def _forward(self, wanted: list[int]) -> Callable[[Tensor], Tensor]:
        """One function for the whole bag: the weighted mean of its members, wanted stems only."""
        import torch

        shares = [
            torch.tensor([member.share(stem) for stem in wanted], device=self.device)[:, None, None]
            for member in self.card.members
        ]
        total = torch.stack(shares).sum(0)
        active = [(network, share) for network, share in zip(self.networks, shares, strict=True) if share.any()]

        def forward(heard: Tensor) -> Tensor:
            with torch.no_grad():
                parts = [network(heard)[:, wanted] * share for network, share in active]
                return torch.stack(parts).sum(0) / total if len(parts) > 1 else parts[0] / total

        return forward

    def _batch(self) -> int:
        import torch

        if self.device != "cuda":
            return 1
        free, _ = torch.cuda.mem_get_info()
        return int(min(_LARGEST_BATCH, max(1, 0.8 * free // (_BYTES_PER_FRAME * self.card.segment))))


def mono_statistics(mix: Mix) -> tuple[float, float]:
    """Mean and standard deviation (plus 1e-8, as demucs has it) of the mono sum, in one pass (Chan et al. 1979)."""
    count, mean, squares = 0, 0.0, 0.0
    for block in mix.blocks():
        mono = block.mean(axis=0, dtype=np.float64)
        here = float(mono.mean())
        both = count + mono.size
        squares += float(((mono - here) ** 2).sum()) + (here - mean) ** 2 * count * mono.size / both
        mean += (here - mean) * mono.size / both
        count = both
    return mean, (squares / max(1, count - 1)) ** 0.5 + 1e-8


def halving(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`forward` in smaller batches from the first time on that the device's memory does not suffice."""
    import torch

    largest = _LARGEST_BATCH

    def patient(heard: Tensor) -> Tensor:
        nonlocal largest
        while True:
            size = min(largest, len(heard))
            try:
                return torch.cat([forward(part) for part in heard.split(size)])
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise StemwrightError(
                        "the device has not enough memory for one segment", "close other programs, or use --device cpu"
                    ) from error
                largest = size // 2
            torch.cuda.empty_cache()

    return patient
