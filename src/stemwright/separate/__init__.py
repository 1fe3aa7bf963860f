"""A mix becomes stems: what every engine offers, which engines there are, and on which device they run.

Importing this package never imports torch: engines import heavy packages inside functions. An engine is one
module of this package with a `NAME` and a `load`; `models.py` says which engine runs which model.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from stemwright.audio.stream import Block
from stemwright.errors import MissingExtra, SettingsError
from stemwright.model import Progress
from stemwright.registry import discover
from stemwright.separate.models import ModelCard


@dataclass(frozen=True, slots=True)
class Mix:
    """What an engine hears: stereo at the model's rate, readable more than once."""

    blocks: Callable[[], Iterable[Block]]
    """Each call starts anew: float32 `[2, n]` blocks of any size."""
    frames: int


class Loaded(Protocol):
    """A model in memory on a device, ready for any number of songs."""

    @property
    def card(self) -> ModelCard:
        """The model."""
        ...

    @property
    def device(self) -> str:
        """cuda, mps or cpu."""
        ...

    @property
    def weights(self) -> tuple[tuple[str, str], ...]:
        """Names and sha256 of the weights files that were loaded."""
        ...

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """Packages that shape the result, with their versions."""
        ...

    def separate(self, mix: Mix, stems: Sequence[str]) -> Iterator[Progress | Block]:
        """Yield float32 blocks `[stems, 2, n]` in order, `mix.frames` together, with Progress in seconds between.

        Only the wanted `stems` come out, in the given order; nothing is clipped, rescaled or delayed.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """A module that can run a family of models."""

    NAME: str

    def load(self, card: ModelCard, paths: Sequence[Path], device: str) -> Loaded:
        """The model with one weights file per member, checked against the pins. Raises WeightsMismatch."""
        ...


def engines() -> dict[str, Engine]:
    """All engines by name."""
    modules = discover(__name__).values()
    return {m.NAME: m for m in (cast(object, module) for module in modules) if isinstance(m, Engine)}


def require() -> None:
    """Raise MissingExtra unless the packages that splitting needs are installed."""
    missing = [name for name in ("torch", "demucs", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"splitting needs packages that are not installed: {', '.join(missing)}",
            "pip install 'stemwright[split]' (./scripts/stemwright does it by itself)",
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
        raise SettingsError(f"there is no device {asked!r} here", f"use one of: auto, {usable}")
    return asked
