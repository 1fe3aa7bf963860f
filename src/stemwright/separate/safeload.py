"""Weights become a network, and nothing in a weights file ever runs.

The bytes are read once, their sha256 is compared with the card's pin, and only then are they parsed: `.th` by
torch's weights-only unpickler, whose allow-list maps the few names that demucs's checkpoints use to inert stand-ins;
safetensors as JSON and raw numbers. The class of the network comes from our card, never from the file.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.errors import WeightsMismatch
from stemwright.safety import readable
from stemwright.separate.models import Member, ModelCard

if TYPE_CHECKING:
    import torch


class _Named:
    """Stands in for a network class while unpickling."""


_INERT = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs")


def network(card: ModelCard, member: Member, path: Path) -> tuple[torch.nn.Module, str]:
    """The network of one member, in float32 and evaluating, and the sha256 of its file.

    Raises WeightsMismatch unless the bytes are pinned and fit the card.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise readable(error, path) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest not in {file.sha256 for file in member.files}:
        raise _mismatch(path, f"sha256 {digest[:12]}… is not one that the card of {card.name} pins")
    try:
        arguments, state = (_safetensors if path.suffix == ".safetensors" else _pickle)(data)
        return _build(card, member, arguments, state), digest
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise _mismatch(path, str(error).partition("\n")[0]) from error


def _mismatch(path: Path, why: str) -> WeightsMismatch:
    return WeightsMismatch(f"{path}: not loaded: {why}", "remove the file and pull the model again")


def _pickle(data: bytes) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    import numpy as np
    import torch

    scalar = np.float64(0).__reduce__()[0]  # training metrics are numpy scalars; its module was renamed in numpy 2
    allowed: list[Any] = [*((_Named, name) for name in _INERT), Fraction, np.dtype, type(np.dtype("f8"))]
    allowed += [(scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar")]
    with torch.serialization.safe_globals(allowed):
        package = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return package["kwargs"], package["state"]


def _safetensors(data: bytes) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    import safetensors.torch

    try:
        state = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["kwargs"], object_hook=_fraction), state


def _fraction(value: dict[str, Any]) -> Any:
    if value.get("_type") == "fraction":
        return Fraction(value["numerator"], value["denominator"])
    return value


def _build(
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
