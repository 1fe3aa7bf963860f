"""A mix becomes stems: networks do the hearing, everything around them is exact.

Importing this package never imports torch: families import heavy packages inside functions. A family is one module
of `separate.families` with a `NAME` and a `load`; a model's card says which family runs it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast, runtime_checkable

from stemwright.audio.stream import Block
from stemwright.errors import MissingExtra, SettingsError, WrongOption
from stemwright.registry import discover
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor

Precision = Literal["exact", "fast", "bf16"]
"""float32 throughout; half precision where it cannot be heard (GPU); bfloat16 where it cannot be heard (CPU)."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What a network hears: stereo at the model's rate, readable more than once."""

    blocks: Callable[[], Iterable[Block]]
    """Each call starts anew: float32 `[2, n]` blocks of any size."""
    frames: int


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is to be loaded."""

    device: str = "cpu"
    """cuda, mps or cpu."""
    precision: Precision = "exact"
    prompt: str = ""
    """What to listen for, in words; only models whose card says so take one."""
    spans: tuple[tuple[float, float], ...] = ()
    """Where it sounds: (start, end) in seconds of the song."""


Forward = Callable[["Tensor", tuple[int, ...]], "Tensor"]
"""float32 `[batch, 2, segment]` and indices of the wanted stems to `[batch, wanted, 2, segment]`, on the device."""


@dataclass(frozen=True, slots=True)
class Network:
    """A model in memory on its device: all that a family makes. Whatever it hears is of the card's rate."""

    card: ModelCard
    setup: Setup
    weights: tuple[tuple[str, str], ...]
    """Names and sha256 of the weights files that were loaded."""
    packages: tuple[str, ...]
    """Distributions that shape the result."""
    forward: Forward
    exact: Forward | None = None
    """The same in float32, for segments that a lower precision cannot be trusted with; None when `forward` is that."""
    fixed: bool = True
    """It takes whole segments only; otherwise the last one of a song may be shorter."""
    placed: Callable[[Tensor, tuple[int, ...], tuple[int, ...]], Tensor] | None = None
    """`forward`, told the frame of the song at which each segment starts (below 0 when padded), to heed the spans."""


@runtime_checkable
class Family(Protocol):
    """A module that can run a kind of models."""

    NAME: str
    NEEDS: tuple[str, ...]
    """Packages besides torch that it imports."""
    EXTRA: str
    """The extra of stemwright's that installs them."""

    def load(self, card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
        """The model with one weights file per member, checked against the pins. Raises WeightsMismatch."""
        ...


def kinds() -> dict[str, Family]:
    """All families by name."""
    modules = discover("stemwright.separate.families").values()
    return {m.NAME: m for m in (cast(object, module) for module in modules) if isinstance(m, Family)}


def family(card: ModelCard) -> Family:
    """The family of a model. Raises SettingsError when there is none, MissingExtra when its packages are missing."""
    found = kinds().get(card.family)
    if not found:
        raise SettingsError(f"{card.name}: there is no family {card.family!r}", f"use one of: {', '.join(kinds())}")
    require(*found.NEEDS, extra=found.EXTRA)
    return found


def require(*packages: str, extra: str = "split") -> None:
    """Raise MissingExtra unless torch, which all networks need, and `packages` are installed."""
    missing = [name for name in ("torch", *packages) if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"packages that this needs are not installed: {', '.join(missing)}",
            f"pip install 'stemwright[{extra}]'" + (" (./scripts/stemwright does it)" if extra == "split" else ""),
        )


def choose_device(asked: str = "auto") -> str:
    """cuda, mps or cpu; the best there is for `auto`. Raises SettingsError for one that is not there."""
    require()
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, usable in there.items() if usable)
    if not there.get(asked):
        usable = ", ".join(name for name, here in there.items() if here)
        raise WrongOption(f"there is no device {asked!r} here", f"use one of: auto, {usable}")
    return asked
