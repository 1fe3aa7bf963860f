"""Beats as Beat This! hears them: curves from which the tempo is read in place of those of the built-in networks.

Foscarin, Schlüter and Widmer, "Beat This! Accurate beat tracking without DBN postprocessing", ISMIR 2024. The network
is the class of their package (beat-this 1.1). Its spectrogram and its windows are here once more: the package's own
need torchaudio, whose builds each fit one version of torch.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from stemwright.errors import SettingsError, UnknownName
from stemwright.measure.activations import RATE
from stemwright.measure.heard import Hearing, Pulse
from stemwright.measure.onsets import Array, Curve, Floats
from stemwright.model import Progress, Workflow
from stemwright.separate import choose_device, models, require, safeload, weights
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

_COMPARE = "compare the card with templates/models/beat_this.toml"
_SIZE, _HOP, _BANDS, _LOWEST_HZ, _HIGHEST_HZ = 1024, 441, 128, 30.0, 11_000.0
_BORDER = 6
"""Spectra at either end of a window of which nothing is believed."""


def names() -> tuple[str, ...]:
    """The models that hear beats."""
    return tuple(card.name for card in models.cards() if card.family == models.BEATS)


def hearing(name: str) -> Hearing:
    """What hears the beats of mono audio at 22.05 kHz with that model, which is loaded now.

    Raises UnknownName for a model that hears none, MissingExtra, SettingsError, WeightsUnavailable, WeightsMismatch.
    """
    if name not in names():
        raise UnknownName(f"no model called {name!r} hears beats", f"known: {', '.join(names())}", name, names())
    require("beat_this", "einops", "rotary_embedding_torch", extra="beats")
    card = models.card(name)
    device = choose_device()
    network = load(card).to(device)

    def hear(mono: Floats) -> Workflow[Pulse]:
        import torch

        spectra = spectrogram(torch.from_numpy(mono)).to(device)
        either, downbeat = (yield from logits(network, spectra, card.segment // _HOP)).sigmoid().double().numpy()
        return Curve(np.maximum(either - downbeat, 0), RATE / _HOP), Curve(downbeat, RATE / _HOP)

    return hear


def load(card: ModelCard) -> nn.Module:
    """The network with the weights in the store. Raises WeightsUnavailable, WeightsMismatch."""
    network = build(card)
    (path,) = weights.paths(card)
    data, _ = safeload.pinned(card, card.members[0], path)
    with safeload.parsing(path):
        state = safeload.pickled(data)["state_dict"]
        network.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
    return network


def build(card: ModelCard) -> nn.Module:
    """A card's network with random weights. Raises SettingsError for a card that builds none."""
    if (card.sample_rate, len(card.members)) != (RATE, 1) or card.segment <= 2 * _BORDER * _HOP:
        raise SettingsError(f"{card.name} is no model of one network that hears {RATE} Hz", _COMPARE)
    try:
        made: nn.Module = importlib.import_module("beat_this.model.beat_tracker").BeatThis(**card.settings)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise SettingsError(f"{card.name}: its settings build no network: {error}", _COMPARE) from error
    return made.eval().requires_grad_(False)


def logits(network: nn.Module, spectra: Tensor, length: int) -> Workflow[Tensor]:
    """Log odds of any beat and of a downbeat for each of `spectra`, `[2, spectra]`, from windows of `length` of them.

    The windows overlap by their borders; the last is moved back to end with the song, and the earlier one counts.
    """
    import torch

    count, step = len(spectra), length - 2 * _BORDER
    padded = torch.nn.functional.pad(spectra, (0, 0, _BORDER, _BORDER))
    starts = [*range(0, count, step)]
    starts[-1] = max(0, min(starts[-1], count - step))
    made = torch.empty(2, count)
    for done, at in enumerate(reversed(starts)):
        yield Progress("beats", done, len(starts), "windows")
        with torch.inference_mode():
            heard = network(padded[None, at : at + length])
        both = torch.stack([heard["beat"][0], heard["downbeat"][0]])
        made[:, at : at + step] = both[:, _BORDER:-_BORDER].float().cpu()
    return made


def spectrogram(mono: Tensor) -> Tensor:
    """log(1 + 1000 x) of the amplitudes x in 128 mel bands, over the root of the window: `[frames // 441 + 1, 128]`."""
    import torch

    window = torch.hann_window(_SIZE)
    spectra = torch.stft(mono, _SIZE, _HOP, window=window, center=True, normalized=True, return_complex=True)
    return torch.log1p(1000 * (_bands() @ spectra.abs())).T


@cache
def _bands() -> Tensor:
    """Triangles of height 1, equally spaced in mel, over the bins of a spectrum: `[128, bins]`."""
    import torch

    mels = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), _BANDS + 2)
    low, middle, high = (_hertz(mels)[shift : shift + _BANDS, None] for shift in range(3))
    bins = np.linspace(0, RATE / 2, _SIZE // 2 + 1)
    bank = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    return torch.from_numpy(bank.astype(np.float32))


_LINEAR_HZ, _LOG_STEP = 200 / 3, np.log(6.4) / 27
"""Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, which is mel 15, logarithmic from there on."""


def _mel(hertz: float) -> float:
    return float(hertz / _LINEAR_HZ if hertz < 1000 else 15 + np.log(hertz / 1000) / _LOG_STEP)


def _hertz(mels: Array) -> Array:
    return np.where(mels < 15, mels * _LINEAR_HZ, 1000 * np.exp((mels - 15) * _LOG_STEP))
