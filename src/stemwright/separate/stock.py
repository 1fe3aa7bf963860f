"""Other people's code on the same networks, to be compared with: demucs 4.1's own, and unblend's where it is installed.

It gets the networks as demucs takes them with `--repo`: a folder with a bag called `REPO`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright import safety
from stemwright.audio.probe import probe
from stemwright.audio.stream import Block, read_all
from stemwright.separate import safeload, weights
from stemwright.separate.families import demucs as family
from stemwright.separate.models import ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

REPO = "bench"
TINY: dict[str, Any] = {
    "sources": ["drums", "bass", "other", "vocals"],
    "segment": Fraction(39, 5),
    "channels": 16,
    "bottom_channels": 32,
    "t_layers": 1,
}
"""An HTDemucs with htdemucs's segment that costs next to nothing."""


def repo(folder: Path, card: ModelCard, *, small: bool) -> None:
    """Write a model's networks into a folder (`small`: random `tiny` ones). Raises WeightsError."""
    import torch
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    paths = () if small else weights.paths(card)
    for number, member in enumerate(card.members):
        kind, arguments, state = HTDemucs, TINY, {} if paths else tiny().state_dict()
        if paths:
            kind = {"HTDemucs": HTDemucs, "HDemucs": HDemucs}[member.network]
            data, _ = safeload.pinned(card, member, paths[number])
            arguments, state = family._read(data, paths[number].suffix)
        package = {"klass": kind, "args": (), "kwargs": arguments, "state": state}
        torch.save(package, folder / f"{member.signature}.th")
    shares = [[member.share(stem) for stem in range(len(card.stems))] for member in card.members]
    bag = {"models": [member.signature for member in card.members], "weights": shares}
    safety.write_text(folder / f"{REPO}.yaml", json.dumps(bag))  # which is YAML too


def tiny() -> nn.Module:
    """The same random network each time."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    network: nn.Module = HTDemucs(**TINY).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith(".scale"):  # untrained, these silence most of the network
            parameter.fill_(0.3)
    return network


def free(heard: Tensor, wanted: Sequence[int] = range(4)) -> Tensor:
    """A network that costs nothing: fixed shares of the mix, and a residual of 5 %."""
    shares = heard.new_tensor((0.4, 0.3, 0.2, 0.05))[list(wanted)]
    return heard[:, None] * shares[:, None, None]


def applied(folder: Path, audio: Block, device: str) -> Callable[[], Tensor]:
    """Run demucs's `apply_model(shifts=0)` with the networks of a repo; a call gives `[stems, 2, n]` on the host."""
    import torch
    from demucs.apply import apply_model
    from demucs.pretrained import get_model

    bag, mix = get_model(REPO, folder), torch.from_numpy(audio)
    mean, deviation = mix.mean(0).mean(), mix.mean(0).std() + 1e-8  # as its Separator does

    def heard() -> Tensor:
        made: Tensor = apply_model(bag, ((mix - mean) / deviation)[None], shifts=0, device=device)[0]
        return made * deviation + mean

    return heard


def files(folder: Path, song: Path, out: Path, device: str, *, costless: bool) -> Callable[[], None]:
    """Run demucs's own Separator with the defaults of its command line (shifts=1); a call writes 24-bit stems."""
    from demucs.api import Separator, save_audio

    separator = Separator(REPO, folder, device)
    for network in separator.model.models if costless else ():
        network.forward = free

    def write() -> None:
        for name, stem in separator.separate_audio_file(song)[1].items():
            save_audio(stem, str(out / f"{name}.wav"), separator.samplerate, bits_per_sample=24)

    return write


def unblended(folder: Path, song: Path, device: str) -> Callable[[], Tensor]:
    """Run unblend's Separator with its own defaults and the one network of a repo; as `applied`."""
    import torch
    from demucs.pretrained import get_model

    api, htdemucs = import_module("unblend.api"), import_module("unblend.htdemucs")
    (original,), audio = get_model(REPO, folder).models, torch.from_numpy(read_all(probe(song)))
    network = htdemucs.HTDemucs(**original._init_args_kwargs[1]).eval().requires_grad_(False)
    network.load_state_dict(original.state_dict())
    separator = api.Separator(network, device=device)

    def heard() -> Tensor:
        made = separator.separate((audio, original.samplerate), shifts=0).sources
        return torch.stack([made[name] for name in original.sources])

    return heard
