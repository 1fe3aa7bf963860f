"""SAM-Audio: one sound, named by a few words or by when it sounds, taken out of a mix by Meta's own `sam_audio`.

As read in facebookresearch/sam-audio at 68b48d4: it hears one channel at 48 kHz (its authors in issue 86: "only mono
for now"), so left and right go through it one by one. It does not mask but generates, from noise; here the noise is
always the same, for both channels too, so that a split can be repeated and the stereo image holds.

Its weights are given to a login that has accepted Meta's terms. They cannot be pinned, and nothing is fetched here:
they lie in the store or in the hub's cache, or the user is told how to get them. So it is with T5, its reader of words.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.errors import MissingExtra, WeightsUnavailable, WrongOption
from stemwright.safety import sha256
from stemwright.separate import Network, Setup, safeload, weights
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor

NAME, NEEDS, EXTRA = "sam", ("huggingface_hub",), "sam"

_CHECKPOINT = "checkpoint.pt"
_INSTALL = "pip install 'stemwright[sam]' git+https://github.com/facebookresearch/sam-audio"
_WITHOUT = dict.fromkeys(("span_predictor", "text_ranker", "visual_ranker"))
"""Parts of the model for other uses, gigabytes each."""
_LOCAL = dict.fromkeys(("cache_dir", "force_download", "proxies", "resume_download", "token", "local_files_only"))
"""For the hub; `from_pretrained` itself would not pass them since huggingface_hub 1.0 (sam-audio's issue 90)."""


def load(card: ModelCard, paths: Sequence[Path], setup: Setup) -> Network:
    """The model of `settings.repository`. Raises WrongOption, MissingExtra, WeightsUnavailable, WeightsMismatch."""
    import torch

    prompt = setup.prompt.strip()
    if not (prompt or setup.spans):
        raise WrongOption(f"{card.name} must be told what to listen for", "--prompt 'acoustic guitar', in lower case")
    with _offline():
        model, processor, checkpoint = _read(card)
    model = model.to(setup.device).eval()
    # Latents of target and residual; the model hears them beside two things of the same shape.
    shape = (1, card.segment // processor.audio_hop_length, model.proj.in_features // 3)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(setup.device)

    def forward(heard: Tensor, wanted: tuple[int, ...], starts: tuple[int, ...] = ()) -> Tensor:
        channels = heard.flatten(0, 1)[:, None]
        anchors = [anchored(setup.spans, start, card) for start in starts for _ in range(2)] or None
        batch = processor(descriptions=[prompt] * len(channels), audios=list(channels), anchors=anchors)
        with torch.autocast(setup.device, torch.bfloat16, enabled=setup.precision != "exact"):
            made = model.separate(batch.to(setup.device), noise=noise.expand(len(channels), -1, -1))
        both = torch.stack([torch.stack(made.target), torch.stack(made.residual)], dim=1).float()
        return both.unflatten(0, heard.shape[:2]).transpose(1, 2)[:, list(wanted)]

    files = ((_CHECKPOINT, sha256(checkpoint)),)
    return Network(card, setup, files, ("torch", "sam_audio"), forward, placed=forward if setup.spans else None)


def anchored(spans: Sequence[tuple[float, float]], start: int, card: ModelCard) -> list[tuple[str, float, float]]:
    """Where a segment that starts at frame `start` holds the sound ("+"), or that it holds none ("-"); its seconds."""
    first, length = start / card.sample_rate, card.segment / card.sample_rate
    inside = [(max(0.0, begin - first), min(length, end - first)) for begin, end in spans]
    return [("+", begin, end) for begin, end in inside if begin < end] or [("-", 0.0, length)]


def _read(card: ModelCard) -> tuple[Any, Any, Path]:
    """Meta's model and processor, and the weights file they come from."""
    try:
        package = importlib.import_module("sam_audio")
    except Exception as error:  # its torchaudio and torchcodec raise whatever where they do not fit torch
        why = str(error).partition("\n")[0]
        raise MissingExtra(f"Meta's package sam_audio cannot be used here: {why}", _INSTALL) from error
    checkpoint = _checkpoint(card)
    try:
        with safeload.parsing(checkpoint):
            folder = str(checkpoint.parent)
            model = package.SAMAudio._from_pretrained(model_id=folder, **_LOCAL, **_WITHOUT)
            model.vision_encoder.model = None  # only film needs it
            return model, package.SAMAudioProcessor.from_pretrained(folder), checkpoint
    except OSError as error:
        raise _unavailable(card, str(error).partition("\n")[0]) from error


def _checkpoint(card: ModelCard) -> Path:
    """The weights file, beside its config.json: in the store's folder of the model's name, or in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    stored = weights.folder() / card.name / _CHECKPOINT
    cached = str(stored) if stored.is_file() else try_to_load_from_cache(card.settings["repository"], _CHECKPOINT)
    if isinstance(cached, str):
        return Path(cached)
    raise _unavailable(card, f"there is no {_CHECKPOINT}")


def _unavailable(card: ModelCard, why: str) -> WeightsUnavailable:
    name = card.settings["repository"]
    words = "hf download t5-base config.json model.safetensors tokenizer.json tokenizer_config.json"
    return WeightsUnavailable(
        f"{card.name} is not here ({why}); Meta gives it to those who accept its terms, and stemwright fetches nothing",
        f"accept them at https://huggingface.co/{name}, then: hf auth login; hf download {name}; {words} "
        f"(or put config.json and {_CHECKPOINT} into {weights.folder() / card.name})",
    )


@contextmanager
def _offline() -> Iterator[None]:
    """Keep Meta's and Hugging Face's packages from fetching what they miss."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
