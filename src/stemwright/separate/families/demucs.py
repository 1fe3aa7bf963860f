"""demucs's networks (HTDemucs and HDemucs, alone or in bags), on demucs 4.1's own classes.

demucs's reader, writer and `apply_model` are not used: they delay, clip or hold the whole song in memory. A bag's
members are averaged by the card's weights, and only members that matter for the wanted stems are run. On Apple's
GPU demucs does the Fourier transforms on the CPU.
"""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.separate import Forward, Network, Setup, safeload
from stemwright.separate.families._swift import lower, settle
from stemwright.separate.models import Member, ModelCard

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NAME, NEEDS, EXTRA = "demucs", ("demucs", "safetensors"), "split"


class _Named:
    """Stands in for a network class while unpickling."""


_INERT = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs")


def load(card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
    """The networks of a card. Raises WeightsMismatch."""
    networks, weights = [], []
    for member, path in zip(card.members, paths, strict=True):
        data, digest = safeload.pinned(card, member, path)
        with safeload.parsing(path):
            networks.append(_network(card, member, *_read(data, path.suffix)).to(setup.device))
        weights.append((path.name, digest))
    return assemble(card, setup, networks, tuple(weights))


def assemble(
    card: ModelCard, setup: Setup, networks: Sequence[torch.nn.Module], weights: tuple[tuple[str, str], ...]
) -> Network:
    """A card's networks as one."""
    for network in networks:
        settle(network, setup.device)
    exact = _bag(card, networks, setup.device)
    swift = exact
    if setup.device == "cpu" and not any(hasattr(network, "crosstransformer") for network in networks):
        setup = replace(setup, precision="exact")  # there is nothing that short floats would make quicker
    if setup.precision != "exact":
        lowered = [copy.deepcopy(network, {id(p): p for p in network.parameters()}) for network in networks]
        for network in lowered:
            lower(network, setup.precision, setup.device)
        swift = _bag(card, lowered, setup.device)
    fixed = all(hasattr(network, "valid_length") for network in networks)
    packages = ("torch", "demucs")
    return Network(card, setup, weights, packages, swift, None if swift is exact else exact, fixed)


def _bag(card: ModelCard, networks: Sequence[torch.nn.Module], device: str) -> Forward:
    """One function for the whole bag: the weighted mean of its members, wanted stems only."""
    import torch

    everything = tuple(range(len(card.stems)))

    def forward(heard: Tensor, wanted: tuple[int, ...]) -> Tensor:
        parts: list[Tensor] = []
        total = tuple(sum(member.share(stem) for member in card.members) for stem in wanted)
        with torch.no_grad():
            for network, member in zip(networks, card.members, strict=True):
                share = tuple(member.share(stem) for stem in wanted)
                if any(share):
                    made = network(heard)
                    made = made if wanted == everything else made[:, list(wanted)]
                    parts.append(made if set(share) == {1.0} else made * _column(share, device))
            made = parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)
            return made if set(total) == {1.0} else made / _column(total, device)

    return forward


@cache
def _column(values: tuple[float, ...], device: str) -> Tensor:
    import torch

    return torch.tensor(values, device=device)[:, None, None]


def _read(data: bytes, suffix: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The network's arguments and its state."""
    if suffix == ".safetensors":
        state, remarks = safeload.safetensors(data)
        return json.loads(remarks["kwargs"], object_hook=_fraction), state
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]  # training metrics are numpy scalars; its module was renamed in numpy 2
    allowed: list[Any] = [*((_Named, name) for name in _INERT), Fraction, np.dtype, type(np.dtype("f8"))]
    allowed += [(scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar")]
    package = safeload.pickled(data, allowed)
    return package["kwargs"], package["state"]


def _fraction(value: dict[str, Any]) -> Any:
    if value.get("_type") == "fraction":
        return Fraction(value["numerator"], value["denominator"])
    return value


def _network(
    card: ModelCard, member: Member, arguments: dict[str, Any], state: dict[str, torch.Tensor]
) -> torch.nn.Module:
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    kind = {"HTDemucs": HTDemucs, "HDemucs": HDemucs}[member.network]
    known = inspect.signature(kind).parameters  # demucs drops arguments of older versions in the same way
    made: torch.nn.Module = kind(**{name: value for name, value in arguments.items() if name in known})
    if (tuple(made.sources), made.samplerate) != (card.stems, card.sample_rate):
        raise ValueError(f"it makes {made.sources} at {made.samplerate} Hz, not what the card says")
    if member.network == "HTDemucs" and int(made.segment * made.samplerate) != card.segment:
        raise ValueError(f"its segment is {made.segment} s, not the card's {card.segment} frames")
    made.load_state_dict(state)
    return made.eval().requires_grad_(False)
