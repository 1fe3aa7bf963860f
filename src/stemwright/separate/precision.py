"""How short numbers may be: what is quickest on a device without being heard, and what has to be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stemwright.errors import WrongOption
from stemwright.separate import Precision

if TYPE_CHECKING:
    from torch import Tensor

_CREST = 20.0
"""Peak over RMS from which on a segment is mostly silence around a burst, where short floats fail."""


def choose_precision(asked: str, device: str) -> Precision:
    """What was asked for, or the best. Raises WrongOption for what does not go with the device."""
    if asked == "auto":
        return best_precision(device)
    if asked == "fast" and device == "cuda":
        return "fast"
    if asked == "bf16" and device == "cpu":
        return "bf16"
    if asked != "exact":
        raise WrongOption(f"there is no precision {asked!r} on {device}", "use --precision auto or exact")
    return "exact"


def best_precision(device: str) -> Precision:
    """What is quickest on a device without being heard: half precision on CUDA, bfloat16 on CPUs that have it."""
    return "fast" if device == "cuda" else "bf16" if device == "cpu" and supports_bf16() else "exact"


def supports_bf16() -> bool:
    """Whether this CPU multiplies bf16 natively: emulated, it is slower than fp32."""
    try:
        import torch

        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    except Exception:  # private names of torch: gone means no
        return False


def doubtful(heard: Tensor, made: Tensor) -> Tensor:
    """Segments `[batch]` to be made again in fp32: of `heard [batch, 2, n]`, given `made [batch, stems, 2, n]`."""
    peak, rms = heard.abs().amax((1, 2)), heard.square().mean((1, 2)).sqrt()
    return (peak > _CREST * rms) | ~made.isfinite().all(-1).all(-1).all(-1)
