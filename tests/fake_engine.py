"""Engines for tests: a free network, and tiny random networks of demucs's own classes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stemwright.separate import Forward, Mix, Network, Setup
from stemwright.separate.engine import Engine
from stemwright.separate.models import Member, ModelCard, Terms

STEMS = ("drums", "bass", "other", "vocals")
GAINS = (0.4, 0.3, 0.2, 0.05)


def fake_card(
    segment: int = 44_100, members: tuple[Member, ...] | None = None, name: str = "fake", **more
) -> ModelCard:
    members = members or (Member("fake", "HTDemucs", ()),)
    terms = Terms("free", "free", "here", "2026-01-01")
    return ModelCard(name, "Fake", "demucs", STEMS, 44_100, segment, terms, members, **more)


def network(forward: Forward, card: ModelCard | None = None, **more) -> Network:
    return Network(card or fake_card(), Setup(), (("fake.th", "0" * 64),), ("numpy",), forward, **more)


def free(gains: tuple[float, ...] = GAINS, tilt: float = 0.9, card: ModelCard | None = None) -> Engine:
    """Stems that are a fixed part of the mix each and leave a residual; channels are told apart by `tilt`."""

    def forward(heard, wanted):
        side = heard.new_tensor([[1.0], [tilt]])
        return heard[:, None] * side * heard.new_tensor([gains[stem] for stem in wanted])[:, None, None]

    return Engine(network(forward, card))


def heard(engine: Engine, song, stems: tuple[str, ...] = STEMS, statistics=(0.0, 1.0), **how):
    """All that an engine makes of a song `[2, frames]`, `[stems, 2, frames]`."""
    import torch

    song = np.asarray(song)
    mix = Mix(lambda: (song[:, at : at + 50_000].copy() for at in range(0, song.shape[1], 50_000)), song.shape[1])
    return torch.cat(list(engine.separate(mix, stems, statistics, **how)), -1)


def tiny(kind: str = "HDemucs", shares: tuple[tuple[float, ...], ...] = ((),), batch: int = 1, **card):
    """An engine with demucs's networks that hear 2 s, one for each of the `shares`; and the networks."""
    from stemwright.separate.families.demucs import assemble

    networks = [{"HDemucs": tiny_hdemucs, "HTDemucs": tiny_htdemucs}[kind](seed, 2)[0] for seed in range(len(shares))]
    members = tuple(Member(f"m{i}", kind, (), share) for i, share in enumerate(shares))
    return Engine(assemble(fake_card(88_200, members, **card), Setup(), networks, ()), batch=batch), networks


def tiny_htdemucs(seed: int = 0, seconds: Fraction | int = Fraction(39, 5)):
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    arguments = {
        "sources": list(STEMS),
        "audio_channels": 2,
        "samplerate": 44_100,
        "segment": Fraction(seconds),
        "channels": 8,
        "growth": 2,
        "t_layers": 1,
        "t_heads": 2,
        "bottom_channels": 0,
    }
    return _awake(HTDemucs(**arguments)), arguments


def tiny_hdemucs(seed: int = 0, seconds: int = 5):
    import torch
    from demucs.hdemucs import HDemucs

    torch.manual_seed(seed)
    arguments = {
        "sources": list(STEMS),
        "channels": 8,
        "norm_starts": 9,
        "dconv_attn": 9,
        "dconv_lstm": 9,
        "segment": seconds,
    }
    return _awake(HDemucs(**arguments)), arguments


def _awake(network):
    """Fresh networks scale their residual branches to almost nothing; wake them so that every branch counts."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(False)
        if name.endswith("scale"):
            parameter.fill_(0.3)
    return network.eval()
