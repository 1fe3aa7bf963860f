"""Models for tests: a free one without torch, and tiny random networks of demucs's own classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from stemwright.audio.stream import Block
from stemwright.model import Progress
from stemwright.separate import Mix
from stemwright.separate.models import Member, ModelCard, Terms

STEMS = ("drums", "bass", "other", "vocals")


def fake_card(segment: int = 44_100, members: tuple[Member, ...] | None = None, name: str = "fake") -> ModelCard:
    members = members or (Member("fake", "HTDemucs", ()),)
    return ModelCard(name, "Fake", "demucs", STEMS, 44_100, segment, members, Terms("free", "here", "2026-01-01"))


@dataclass(frozen=True)
class FakeModel:
    """Stems that are a fixed part of the mix each and leave a residual; channels are told apart by `tilt`."""

    gains: tuple[float, ...] = (0.4, 0.3, 0.2, 0.05)
    tilt: float = 0.9
    card: ModelCard = field(default_factory=fake_card)
    device: str = "cpu"
    weights: tuple[tuple[str, str], ...] = (("fake.th", "0" * 64),)
    versions: tuple[tuple[str, str], ...] = (("fake", "1"),)

    def separate(self, mix: Mix, stems: Sequence[str]) -> Iterator[Progress | Block]:
        gains = np.array([self.gains[STEMS.index(stem)] for stem in stems], np.float32)
        side = np.array([[1.0], [self.tilt]], np.float32)
        done = 0
        for block in mix.blocks():
            yield gains[:, None, None] * (block * side)
            done += block.shape[1]
            yield Progress("split", done / 44_100, mix.frames / 44_100, "s")
        assert done == mix.frames


def tiny_htdemucs(seed: int = 0):
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    arguments = {
        "sources": list(STEMS),
        "audio_channels": 2,
        "samplerate": 44_100,
        "segment": Fraction(39, 5),
        "channels": 8,
        "growth": 2,
        "t_layers": 1,
        "t_heads": 2,
        "bottom_channels": 0,
    }
    return _awake(HTDemucs(**arguments)), arguments


def tiny_hdemucs(seed: int = 0):
    import torch
    from demucs.hdemucs import HDemucs

    torch.manual_seed(seed)
    arguments = {
        "sources": list(STEMS),
        "channels": 8,
        "norm_starts": 9,
        "dconv_attn": 9,
        "dconv_lstm": 9,
        "segment": 5,
    }
    return _awake(HDemucs(**arguments)), arguments


def _awake(network):
    """Fresh networks scale their residual branches to almost nothing; wake them so that every branch counts."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(False)
        if name.endswith("scale"):
            parameter.fill_(0.3)
    return network.eval()
