"""Demucs's networks, faster: what is changed is changed on the one network at hand, never in demucs's modules.

`settle` keeps every bit. `lower` trades bits nobody hears for time. A method of demucs runs again here with other
helpers under the names that it looks up (`_rebind`), so that demucs's own code and its other users stay as they are.
After `settle` a forward of a shape seen before neither waits for the device nor copies anything to it.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from types import FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


def settle(network: nn.Module, device: str) -> None:
    """Make an evaluating HTDemucs or HDemucs faster with the same bits; on CUDA, pin it to fp32 without TF32."""
    import torch
    from demucs import hdemucs, spec, transformer

    def pad1d(x: Tensor, paddings: tuple[int, int], mode: str = "constant", value: float = 0.0) -> Tensor:
        """demucs's, without its assertion on samples (the host would wait) but for sounds of a few frames."""
        tiny = x.shape[-1] <= max(paddings)
        made: Tensor = (hdemucs.pad1d if tiny else torch.nn.functional.pad)(x, paddings, mode, value)
        return made

    home = "cpu" if device == "mps" else device  # demucs transforms on the CPU there

    @lru_cache
    def window(size: int) -> Tensor:
        return torch.hann_window(size).to(home)

    @lru_cache
    def envelope(size: int, hop: int, frames: int) -> Tensor:
        return fold(window(size).pow(2).expand(1, frames, size), hop)

    def fold(x: Tensor, hop: int) -> Tensor:
        batch, frames, size = x.shape
        return torch.ops.aten.unfold_backward(x, [batch, size + hop * (frames - 1)], 1, size, hop)

    def istft(z: Tensor, size: int, hop: int, *, length: int, **_: object) -> Tensor:
        """torch.istft's own steps, without its look at the envelope, for which the host would wait."""
        x, span = torch.fft.irfft(z.transpose(1, 2), size, norm="ortho"), slice(size // 2, size // 2 + length)
        return fold(x * window(size), hop)[:, span] / envelope(size, hop, z.shape[-1])[:, span]

    kit = SimpleNamespace(stft=torch.stft, istft=istft, hann_window=window)
    _rebind(network, "_spec", pad1d=pad1d, spectro=_with(spec.spectro, th=kit))
    _rebind(network, "_ispec", ispectro=_with(spec.ispectro, th=kit))
    if (cross := getattr(network, "crosstransformer", None)) is not None:
        _rebind(cross, "forward", create_2d_sin_embedding=lru_cache(transformer.create_2d_sin_embedding))
        _rebind(cross, "_get_pos_embedding", create_sin_embedding=lru_cache(transformer.create_sin_embedding))
    if device == "cuda":
        _within(network, lambda: _tf32(False))
    if device == "cpu" and sys.platform == "linux":
        # Large tensors come fresh from the kernel, page by page, each time: glibc shall keep them (any bits the same).
        if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # musl has none
            mallopt(_ARENA_MAX, 1)  # one heap for all threads, or each keeps holes of its own: 0.35 GB less
            mallopt(_MMAP_THRESHOLD, 1 << 26)
            mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def lower(network: nn.Module, precision: Literal["fast", "bf16"], device: str) -> None:
    """After `settle`: TF32 and an fp16 transformer (`fast`, CUDA), or a bf16 transformer (`bf16`, CPU).

    On the CPU torch's shortcut for attention is bypassed too: 128 dB by itself, and 2 dB nearer to fp32 with bf16.
    """
    import torch

    short = torch.float16 if precision == "fast" else torch.bfloat16
    if (cross := getattr(network, "crosstransformer", None)) is not None:
        _within(cross, lambda: torch.autocast(device, dtype=short), torch.Tensor.float)
        for layer in (*cross.layers, *cross.layers_t):
            if hasattr(layer, "self_attn") and not layer.sparse:
                layer._sa_block = MethodType(_attend, layer)
    if device == "cuda":
        _within(network, lambda: _tf32(True))


def _with(function: Any, **names: object) -> Any:
    """The same function with other objects under some of the global names that it uses."""
    scope = {**function.__globals__, **names}
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)


def _rebind(module: nn.Module, method: str, **names: object) -> None:
    setattr(module, method, MethodType(_with(getattr(module, method).__func__, **names), module))


def _within(module: nn.Module, context: Callable[[], AbstractContextManager[Any]], after: Any = None) -> None:
    """Run the module's forward inside a context, and each of its results through `after`."""
    inner = module.forward.__func__

    def forward(self: nn.Module, *heard: Tensor) -> Any:
        with context():
            made = inner(self, *heard)
        return tuple(map(after, made)) if after else made

    module.forward = MethodType(forward, module)  # a bound method, so that a deep copy runs itself


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    from torch import backends

    before = backends.cuda.matmul.allow_tf32
    backends.cuda.matmul.allow_tf32 = allowed
    try:
        with backends.cudnn.flags(enabled=True, benchmark=backends.cudnn.benchmark, allow_tf32=allowed):
            yield
    finally:
        backends.cuda.matmul.allow_tf32 = before


def _attend(layer: Any, x: Tensor, *_: object, **__: object) -> Tensor:
    """Self-attention without torch's "fast path", which writes down the whole matrix."""
    from torch.nn import functional as f

    a = layer.self_attn
    qkv = f.linear(x, a.in_proj_weight, a.in_proj_bias).unflatten(-1, (3, a.num_heads, -1)).permute(2, 0, 3, 1, 4)
    out: Tensor = a.out_proj(f.scaled_dot_product_attention(*qkv).transpose(1, 2).flatten(2))
    return out
