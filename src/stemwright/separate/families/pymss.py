"""RoFormer, SCNet, MDX23C and BandIt networks, on pymss-core's own classes.

A card's member names the architecture; `[settings]` holds its arguments by the names that pymss-core, and the configs
of Music-Source-Separation-Training, use. What a network makes is not among them: that is the card's stems, and the
weights must then fit key by key. pymss-core's reader of checkpoints is not used: it may run what a file holds.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.errors import SettingsError
from stemwright.separate import Forward, Network, Setup, safeload
from stemwright.separate.models import Member, ModelCard

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NAME, NEEDS, EXTRA = "pymss", ("pymss_core", "safetensors"), "models"

_ROFORMERS = ("bs_roformer", "mel_band_roformer")
_CLASSES = {
    "bs_roformer": ("bs_roformer", "BSRoformer"),
    "mel_band_roformer": ("bs_roformer", "MelBandRoformer"),
    "scnet": ("scnet", "SCNet"),
    "mdx23c": ("mdx23c_tfc_tdf_v3", "TFC_TDF_net"),
    "bandit": ("bandit.core.model", "MultiMaskMultiSourceBandSplitRNNSimple"),
}


def load(card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
    """The network of a card. Raises WeightsMismatch and, for a card that builds none, SettingsError.

    `fast` is float16 for RoFormers on CUDA; everything else stays float32. Whole-network bfloat16 is no choice: it
    leaves less than 60 dB between the two.
    """
    if len(card.members) != len(paths) or len(paths) != 1:
        raise SettingsError(f"{card.name}: a model of this family has one member", "write one card for each")
    member, path = card.members[0], paths[0]
    state, digest = _state(card, member, path)
    network = build(card)
    with safeload.parsing(path):
        network.load_state_dict(state)
    network = network.float().eval().requires_grad_(False).to(setup.device)
    half = setup.precision == "fast" and setup.device == "cuda" and member.network in _ROFORMERS
    exact = _forward(card, network, setup.device, half=False)
    swift = _forward(card, network, setup.device, half=True) if half else exact
    weights = ((path.name, digest),)
    done = setup if half else replace(setup, precision="exact")
    return Network(card, done, weights, ("torch", "pymss-core"), swift, exact if half else None)


def build(card: ModelCard) -> torch.nn.Module:
    """A card's network with random weights, on torch's default device. Raises SettingsError."""
    kind = card.members[0].network
    try:
        module, name = _CLASSES[kind]
        network = getattr(importlib.import_module(f"pymss_core.modules.{module}"), name)
        made: torch.nn.Module = network(**_arguments(card, kind))
    except (TypeError, ValueError, LookupError, AttributeError, AssertionError, RuntimeError) as error:
        raise SettingsError(
            f"{card.name}: its settings build no {kind} ({type(error).__name__}: {error})",
            f"known: {', '.join(_CLASSES)}; compare its [settings] with templates/models",
        ) from error
    return made


def _arguments(card: ModelCard, kind: str) -> dict[str, Any]:
    """What the class is called with. Raises ValueError for a segment that would not come out whole."""
    settings, stems = card.settings, list(card.stems)
    if kind == "scnet":
        return {**settings, "sources": stems}
    if kind == "bandit":
        return {**settings, "stems": stems, "fs": card.sample_rate}
    if kind == "mdx23c":
        from pymss_core import to_attrdict

        hop, halvings = settings["audio"]["hop_length"], settings["model"]["num_scales"]
        step = settings["model"]["scale"][0] ** halvings
        if card.segment % hop or (card.segment // hop + 1) % step:
            raise ValueError(f"a segment is {hop} x (a multiple of {step}, less one) frames, not {card.segment}")
        training = {"instruments": stems, "target_instrument": None}
        return {"config": to_attrdict({**settings, "training": training})}
    whole = {"match_input_audio_length": True} if kind == "mel_band_roformer" else {}
    return {**settings, "stereo": True, "num_stems": len(stems), **whole}


def _state(card: ModelCard, member: Member, path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of a weights file and its sha256. Raises WeightsMismatch."""
    data, digest = safeload.pinned(card, member, path)
    with safeload.parsing(path):
        if path.suffix == ".safetensors":
            return safeload.safetensors(data)[0], digest
        package = safeload.pickled(data)
        return next((package[key] for key in ("state", "state_dict") if key in package), package), digest


def _forward(card: ModelCard, network: torch.nn.Module, device: str, half: bool) -> Forward:
    import torch

    kind = card.members[0].network
    everything = tuple(range(len(card.stems)))

    def forward(heard: Tensor, wanted: tuple[int, ...]) -> Tensor:
        with (
            warnings.catch_warnings(),
            torch.inference_mode(),
            torch.autocast(device, torch.float16, enabled=half),
        ):
            warnings.filterwarnings("ignore", "A window was not provided")  # SCNet was trained without one
            if kind in _ROFORMERS:  # pymss-core's own switch: masks of other stems are not even estimated
                network._pymss_source_indices = wanted
                made = network(heard)
            elif kind == "bandit":  # it hears one channel; several in a batch
                made = network(heard.reshape(-1, 1, card.segment))
                made = made.reshape(len(heard), 2, -1, card.segment).transpose(1, 2)
            else:
                made = network(heard)
            made = made.reshape(len(heard), -1, 2, card.segment).float()
            return made if kind in _ROFORMERS or wanted == everything else made[:, list(wanted)]

    return forward
