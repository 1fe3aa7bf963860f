"""Networks without weights: phantom centre, mid and side, harmonic and percussive.

Each computes its first stem from the mix and calls what is left the second, so that the two add up to the mix. They
work at any sample rate; the spectral ones on Hann windows of 4096 frames every 1024, mirrored at the edges of a
segment, which gives every frame back where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SettingsError
from stemwright.separate import Network, Setup
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor

NAME, NEEDS, EXTRA = "dsp", (), "split"

_WINDOW, _HOP = 4096, 1024
_SILENCE = 1e-20
"""Power below which a ratio of powers says nothing."""
_MEDIAN = 17
"""Windows, and bins, of the median filters (Fitzgerald 2010)."""


def load(card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
    """The algorithm that `settings.kind` of the card names; `paths` is empty. Raises SettingsError."""
    import torch

    kind = (card.settings or {}).get("kind")
    if kind not in _FIRST or len(card.stems) != 2:
        raise SettingsError(
            f"{card.name}: there is no kind {kind!r} that makes {len(card.stems)} stems",
            f"a card of the family dsp has two stems and, under [settings], a kind: {', '.join(_FIRST)}",
        )
    first = _FIRST[kind]

    def forward(heard: Tensor, wanted: tuple[int, ...]) -> Tensor:
        made = first(heard)
        return torch.stack([made if stem == 0 else heard - made for stem in wanted], dim=1)

    return Network(card, replace(setup, precision="exact"), (), ("torch",), forward)


def mid(heard: Tensor) -> Tensor:
    """Half the sum, on both channels; what is left is the side, (S, -S). `[batch, 2, frames]` in and out."""
    return heard.mean(dim=1, keepdim=True).expand_as(heard)


def centre(heard: Tensor) -> Tensor:
    """What both channels have in common at each moment and pitch, on both channels alike.

    The mid's spectrum times the squared similarity of the channels, 2 Re(L R*) / (|L|² + |R|²) and 0 where they
    disagree (C. Avendano, "Frequency-domain source identification and manipulation in stereo mixes", WASPAA 2003).
    """
    spectrum = _spectrum(heard)
    left, right = spectrum.unbind(1)
    power = (left.abs().square() + right.abs().square()).clamp(min=_SILENCE)
    similarity = 2 * (left * right.conj()).real.clamp(min=0) / power
    return _audio((left + right) / 2 * similarity.square(), heard.shape[-1])[:, None].expand_as(heard)


def harmonic(heard: Tensor) -> Tensor:
    """What lasts rather than strikes; both channels share one mask, so that nothing moves in the stereo image.

    Medians of the magnitudes along time and along pitch, as a mask of their squares (D. Fitzgerald,
    "Harmonic/percussive separation using median filtering", DAFx 2010).
    """
    spectrum = _spectrum(heard)
    loud = spectrum.abs().square().sum(dim=1).sqrt()  # [batch, bins, windows]
    lasting, striking = _median(loud).square(), _median(loud.mT).mT.square()
    mask = lasting / (lasting + striking).clamp(min=_SILENCE)
    return _audio(spectrum * mask[:, None], heard.shape[-1])


_FIRST: dict[str, Callable[[Tensor], Tensor]] = {"phantom_centre": centre, "mid_side": mid, "hpss": harmonic}


def _spectrum(audio: Tensor) -> Tensor:
    """`[..., frames]` to `[..., bins, windows]`, complex."""
    import torch

    window = torch.hann_window(_WINDOW, device=audio.device)
    made = torch.stft(audio.flatten(0, -2), _WINDOW, _HOP, window=window, return_complex=True)
    return made.unflatten(0, audio.shape[:-1])


def _audio(spectrum: Tensor, frames: int) -> Tensor:
    import torch

    window = torch.hann_window(_WINDOW, device=spectrum.device)
    made = torch.istft(spectrum.flatten(0, -3), _WINDOW, _HOP, window=window, length=frames)
    return made.unflatten(0, spectrum.shape[:-2])


def _median(magnitudes: Tensor) -> Tensor:
    """Running median along the last axis of `[batch, rows, columns]`, mirrored at the edges."""
    from torch.nn.functional import pad

    wide = pad(magnitudes, (_MEDIAN // 2, _MEDIAN // 2), mode="reflect")
    return wide.unfold(-1, _MEDIAN, 1).median(dim=-1).values
