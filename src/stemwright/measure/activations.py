"""How likely every 20 ms of a song hold a beat and a downbeat: the BeatNet networks in plain numpy.

Heydari, Cwitkowitz and Duan, "BeatNet", ISMIR 2021: 136 logarithmic bands (24 an octave, 30 Hz to 11 kHz) and their
rise, a convolution, two layers of LSTM. Its three published sets of weights, stacked, run as one and are averaged; see
`beatnet/NOTICE`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np

from stemwright.measure.onsets import Curve, Floats, frames_of, magnitudes

RATE = 22_050
_WINDOW, _HOP = 1411, 441
_CHUNK = 2048


def activations(mono: Floats, sample_rate: int = RATE) -> tuple[Curve, Curve]:
    """Probability of a beat that is no downbeat, and of a downbeat, about 50 times a second; of mono audio."""
    heard = forward(features(mono, sample_rate)).astype(np.float64)
    rate = sample_rate / round(sample_rate * _HOP / RATE)
    return Curve(heard[:, 0], rate), Curve(heard[:, 1], rate)


def features(mono: Floats, sample_rate: int = RATE) -> Floats:
    """`[frames, 272]`: log10(1 + band), then by how much each band has risen.

    Another rate than 22.05 kHz, which must be higher, gives the same but for rounding.
    """
    scale = sample_rate / RATE
    bank = _filterbank() / np.float32(scale)
    frames = frames_of(mono, round(_WINDOW * scale), round(_HOP * scale))
    steps = range(0, len(frames), _CHUNK)
    bands = np.concatenate([magnitudes(frames[at : at + _CHUNK])[:, : len(bank)] @ bank for at in steps])
    bands = np.log10(1 + bands)
    rise = np.maximum(np.diff(bands, axis=0, prepend=bands[:1]), 0)
    return np.concatenate([bands, rise], axis=1)


@cache
def _filterbank() -> Floats:
    """Triangles of area 1 over the bins of the spectrum, `[bins, 136]`; those narrower than a bin fall together."""
    bins = np.arange(_WINDOW // 2) * RATE / _WINDOW
    centres = 440 * 2.0 ** (np.arange(np.floor(np.log2(30 / 440) * 24), np.ceil(np.log2(17_000 / 440) * 24)) / 24)
    centres = centres[(centres >= 30) & (centres <= 17_000)]
    above = np.clip(np.searchsorted(bins, centres), 1, len(bins) - 1)
    corners = np.unique(above - (centres - bins[above - 1] < bins[above] - centres))
    bank = np.zeros((len(bins), len(corners) - 2), np.float32)
    for band, (low, middle, high) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        if high - low < 2:
            middle, high = low, low + 1
        bank[low:middle, band] = np.linspace(0, 1, middle - low, endpoint=False)
        bank[middle:high, band] = np.linspace(1, 0, high - middle, endpoint=False)
    return np.asarray(bank / bank.sum(axis=0))


@cache
def _weights() -> dict[str, Floats]:
    """The weights of the three networks, stacked `[3, ...]`."""
    folder = files("stemwright.measure") / "beatnet"
    loaded = []
    for name in ("1.npz", "2.npz", "3.npz"):
        with (folder / name).open("rb") as file, np.load(file) as archive:
            loaded.append({key: archive[key].astype(np.float32) for key in archive.files})
    return {key: np.stack([each[key] for each in loaded]) for key in loaded[0]}


def forward(heard: Floats) -> Floats:
    """Mean over the networks of `[frames, (beat, downbeat)]` for features `[frames, 272]`."""
    weights = _weights()
    layers = [_layer(weights, number) for number in (0, 1)]
    made = []
    for at in range(0, len(heard), _CHUNK):
        hidden = _convolved(heard[at : at + _CHUNK], weights)
        for layer in layers:
            hidden = layer(hidden)
        logits = hidden @ weights["linear.weight"].transpose(0, 2, 1) + weights["linear.bias"][:, None]
        odds = np.exp(logits - logits.max(axis=2, keepdims=True))
        made.append((odds / odds.sum(axis=2, keepdims=True))[..., :2].mean(axis=0))
    return np.concatenate(made)


def _convolved(heard: Floats, weights: dict[str, Floats]) -> Floats:
    """Two filters of 10 bands, the larger of two neighbours, a linear layer: `[models, frames, 150]`."""
    kernels = weights["conv1.weight"][:, :, 0]  # [models, filters, taps]
    width = heard.shape[1] - kernels.shape[2] + 1
    made = []
    for model, filters in enumerate(kernels):
        pooled = []
        for kernel, bias in zip(filters, weights["conv1.bias"][model], strict=True):
            total = sum(tap * heard[:, shift : shift + width] for shift, tap in enumerate(kernel)) + bias
            even = total[:, : width // 2 * 2]
            pooled.append(np.maximum(np.maximum(even[:, ::2], even[:, 1::2]), 0))
        linear, bias = weights["linear0.weight"][model].T, weights["linear0.bias"][model]
        made.append(np.concatenate(pooled, axis=1) @ linear + bias)
    return np.stack(made)


def _layer(weights: dict[str, Floats], number: int) -> Callable[[Floats], Floats]:
    """One LSTM layer of all networks; it remembers from call to call. `[models, frames, 150]` to the same shape."""
    into, back = weights[f"lstm.weight_ih_l{number}"], weights[f"lstm.weight_hh_l{number}"]
    models, gates, units = back.shape
    order = np.r_[: 2 * units, 3 * units : gates, 2 * units : 3 * units]  # in, forget, out, candidate
    # the first three are sigmoids: half a tanh of half the argument, plus a half
    scale = np.where(np.arange(gates) < 3 * units, 0.5, 1).astype(np.float32)
    into, back = (np.ascontiguousarray((m[:, order] * scale[:, None]).transpose(0, 2, 1)) for m in (into, back))
    bias = (weights[f"lstm.bias_ih_l{number}"] + weights[f"lstm.bias_hh_l{number}"])[:, order] * scale
    memory, last, sums = (np.zeros((models, 1, size), np.float32) for size in (units, units, gates))

    def run(inputs: Floats) -> Floats:
        given = np.ascontiguousarray((inputs @ into + bias[:, None]).transpose(1, 0, 2))[:, :, None]
        out = np.empty((len(given), models, units), np.float32)
        for step, arriving in enumerate(given):
            np.matmul(last, back, out=sums)
            np.add(sums, arriving, out=sums)
            np.tanh(sums, out=sums)
            sigmoids = sums[..., : 3 * units]
            np.multiply(sigmoids, 0.5, out=sigmoids)
            np.add(sigmoids, 0.5, out=sigmoids)
            np.multiply(memory, sums[..., units : 2 * units], out=memory)
            np.add(memory, sums[..., :units] * sums[..., 3 * units :], out=memory)
            np.tanh(memory, out=last)
            np.multiply(last, sums[..., 2 * units : 3 * units], out=last)
            out[step] = last[:, 0]
        return out.transpose(1, 0, 2)

    return run
