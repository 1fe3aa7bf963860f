"""models: what there is to split with, and its weights on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import SettingsError
from stemwright.model import Outcome, Output, Workflow
from stemwright.separate import Setup, family, models, plan, weights
from stemwright.separate.plan import Preset


@dataclass(frozen=True, slots=True)
class Listed:
    """One model in `models list`."""

    name: str
    title: str
    stems: tuple[str, ...]
    bytes: int
    ready: bool
    licence: str
    terms: str
    terms_source: str
    metrics: str


def listing() -> Outcome[tuple[Listed, ...]]:
    """All models with their state."""
    rows = []
    for card in models.cards():
        state, terms = weights.status(card), card.terms
        about = (terms.licence, terms.text.strip(), terms.source, card.metrics)
        rows.append(Listed(card.name, card.title, card.stems, state.bytes, state.ready, *about))
    return Outcome((), tuple(rows))


def presets() -> Outcome[tuple[Preset, ...]]:
    """All presets."""
    return Outcome((), plan.presets())


def pull(model: str, folder: Path | None, offline: bool) -> Workflow[Outcome[str]]:
    """Get the weights of a model, its terms first. Raises WeightsUnavailable, WeightsMismatch."""
    card = models.card(model)
    paths = yield from weights.pull(card, offline=offline, local=folder)
    if not card.members and not weights.status(card).ready:
        family(card).load(card, (), Setup(prompt="anything"))  # says where its weights are to be had
    elif not card.members:
        raise SettingsError(f"{card.name} needs no weights", "it can be used at once")
    return _outcome(card.name, paths)


def verify(model: str) -> Outcome[str]:
    """Hash the weights on disk. Raises WeightsUnavailable, WeightsMismatch."""
    return _outcome(model, weights.verify(models.card(model)))


def import_file(file: Path) -> Outcome[str]:
    """Take a file into the store. Raises NotFoundInput, WeightsMismatch."""
    return _outcome(file.name, (weights.import_file(file),))


def remove(model: str) -> Outcome[str]:
    """Delete a model's weights."""
    return _outcome(model, weights.remove(models.card(model)))


def path() -> Outcome[str]:
    """The folder of the store."""
    return _outcome("path", (weights.folder(),))


def _outcome(name: str, paths: tuple[Path, ...]) -> Outcome[str]:
    return Outcome(tuple(Output(path, "model") for path in paths), name)
