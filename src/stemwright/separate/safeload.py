"""Weights become tensors, and nothing in a weights file ever runs.

The bytes are read once, their sha256 is compared with the card's pin, and only then are they parsed: pickles by
torch's weights-only unpickler with an allow-list of inert names, safetensors as JSON and raw numbers. The class of
a network comes from our card, never from the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.errors import WeightsMismatch
from stemwright.safety import read_bytes
from stemwright.separate.models import Member, ModelCard

if TYPE_CHECKING:
    import torch


def pinned(card: ModelCard, member: Member, path: Path) -> tuple[bytes, str]:
    """The bytes of a member's weights file and their sha256. Raises WeightsMismatch unless the card pins them."""
    data = read_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    if digest not in {file.sha256 for file in member.files}:
        raise _mismatch(path, f"sha256 {digest[:12]}… is not one that the card of {card.name} pins")
    return data, digest


_UNFIT = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, EOFError)


@contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while weights become a network into WeightsMismatch."""
    try:
        yield
    except (*_UNFIT, pickle.UnpicklingError) as error:
        raise _mismatch(path, str(error).partition("\n")[0]) from error


def _mismatch(path: Path, why: str) -> WeightsMismatch:
    return WeightsMismatch(f"{path}: not loaded: {why}", "remove the file and pull the model again")


def pickled(data: bytes, allowed: Iterable[Any] = ()) -> Any:
    """A torch checkpoint of tensors and plain containers. Raises UnpicklingError for every name not `allowed`."""
    import torch

    with torch.serialization.safe_globals(list(allowed)):
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def safetensors(data: bytes) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors by name, and the file's own remarks. Raises ValueError."""
    import safetensors.torch as library

    try:
        state = library.load(data)
    except Exception as error:  # the library's own error type is not importable in all its versions
        raise ValueError(str(error)) from error
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return state, header.get("__metadata__", {})
