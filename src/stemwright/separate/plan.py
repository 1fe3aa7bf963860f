"""What is to be made of a song: one network, or several of which one splits what another made.

A preset is one TOML file in `templates/presets/` with a table per quality it has (`draft`, `good`, `best`); each
lists nodes: a model, what it hears (`mix` or an output of an earlier node), which of its stems get which names, and
the name of the rest, if what is left over is wanted too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stemwright import resources, serial
from stemwright.errors import SettingsError, UnknownName, WrongOption
from stemwright.separate.models import ModelCard, card

MIX = "mix"
QUALITIES = ("draft", "good", "best")


@dataclass(frozen=True, slots=True)
class Node:
    """One network at work."""

    model: str
    give: dict[str, str]
    """Output's name -> stem of the model's card."""
    source: str = MIX
    """What it hears: `mix`, or an output of an earlier node."""
    rest: str = ""
    """Name for what the source holds besides all that is given."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all it makes, the rest last."""
        return (*self.give, *([self.rest] if self.rest else []))

    @property
    def complete(self) -> bool:
        """Its outputs can add up to its source: all stems of the card, or a rest, are among them."""
        made = card(self.model)
        return bool(self.rest) or (made.sums and len(made.stems) > 1 and set(self.give.values()) == set(made.stems))


@dataclass(frozen=True, slots=True)
class Plan:
    """Nodes in the order in which they run, and the outputs that are delivered."""

    nodes: tuple[Node, ...]
    stems: tuple[str, ...]
    name: str = ""
    prompt: str = ""

    @property
    def leaves(self) -> tuple[str, ...]:
        """All outputs that no other node splits further."""
        split = {node.source for node in self.nodes}
        return tuple(name for node in self.nodes for name in node.outputs if name not in split)

    @property
    def complete(self) -> bool:
        """The delivered stems can add up to the mix."""
        return set(self.leaves) == set(self.stems) and all(node.complete for node in self.nodes)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """The models that run, each once."""
        return tuple(card(name) for name in dict.fromkeys(node.model for node in self.nodes))


@dataclass(frozen=True, slots=True)
class Preset:
    """A named way to split, in one to three qualities."""

    name: str
    title: str
    plans: dict[str, Plan]
    """By quality, the quickest first."""
    about: str = ""
    """Its limits and terms, or why a better one cannot be had."""


def presets() -> tuple[Preset, ...]:
    """All presets, by name."""
    return tuple(preset(name) for name in resources.names("presets"))


def preset(name: str) -> Preset:
    """The preset called `name` (or the path of one). Raises SettingsError when there is none or it is wrong."""
    path = resources.find("presets", name)
    table = resources.load_toml(path)
    try:
        prompt = table.get("prompt", "")
        plans = {q: _plan(path.stem, table[q], prompt) for q in QUALITIES if q in table}
        if not plans:
            raise ValueError("it has none of the tables draft, good, best")
        return Preset(path.stem, table["title"], plans, table.get("about", "").strip())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(
            f"{path}: not a preset: {error}", "compare it with templates/presets/4_tracks.toml"
        ) from error


_FIELDS = {"model", "give", "source", "rest"}


def _plan(name: str, table: Any, prompt: str) -> Plan:
    for found, fields in ((table, {"nodes", "stems"}), *((node, _FIELDS) for node in table["nodes"])):
        if unknown := set(found) - fields:
            raise ValueError(f"it knows no {', '.join(sorted(unknown))}")
    made: Plan = serial.build(Plan, {"name": name, "prompt": prompt, **table})
    known: dict[str, None] = {MIX: None}
    for node in made.nodes:
        if node.source not in known:
            raise ValueError(f"{node.model} hears {node.source!r}, which nothing before it makes")
        if not node.give:
            raise ValueError(f"{node.model} gives nothing")
        if missing := set(node.give.values()) - set(card(node.model).stems):
            raise ValueError(f"{node.model} has no stem {', '.join(sorted(missing))}")
        if again := set(node.outputs) & set(known):
            raise ValueError(f"{', '.join(sorted(again))} is made twice")
        known |= dict.fromkeys(node.outputs)
    if len(set(made.stems)) < len(made.stems):
        raise ValueError("a stem is named twice")
    if not made.stems or (unknown := set(made.stems) - set(made.leaves)):
        raise ValueError(f"nothing leaves {', '.join(sorted(unknown)) if made.stems else 'it'} as a stem")
    return made


def choose(name: str, quality: str) -> Plan:
    """A preset's plan in one quality. Raises SettingsError when it has none of that quality."""
    found = preset(name)
    if quality not in found.plans:
        raise WrongOption(
            f"the preset {name} has no quality {quality!r}", f"it has: {', '.join(found.plans)}; nothing else is taken"
        )
    return found.plans[quality]


def of_model(model: str) -> Plan:
    """All stems of one model; for one that makes a single stem, the rest too. Raises WrongOption for one without."""
    made = card(model)
    if not made.stems:
        raise WrongOption(f"{model} makes no stems, it hears beats", f"for the tempo: prep --beats {model}")
    rest = "" if len(made.stems) > 1 else rest_of(made.stems[0])
    node = Node(model, {stem: stem for stem in made.stems}, rest=rest)
    return Plan((node,), node.outputs)


def rest_of(stem: str) -> str:
    """What everything but one stem is called."""
    return "instrumental" if stem == "vocals" else f"no_{stem}"


def narrow(plan: Plan, only: tuple[str, ...] = (), without: tuple[str, ...] = (), two_stems: str | None = None) -> Plan:
    """The plan for some of its stems; networks that none of them needs are dropped. Raises SettingsError."""
    for stem in (*only, *without, *((two_stems,) if two_stems else ())):
        if stem not in plan.stems:
            hint = f"it has: {', '.join(plan.stems)}"
            raise UnknownName(f"{_called(plan)} has no stem {stem!r}", hint, stem, plan.stems)
    if two_stems:
        plan = _two(plan, two_stems)
    stems = tuple(s for s in plan.stems if (not only or s in only) and s not in without)
    if not stems:
        raise WrongOption("no stem is left", f"{_called(plan)} has: {', '.join(plan.stems)}")
    needed: set[str] = set(stems)
    nodes: list[Node] = []
    for node in reversed(plan.nodes):
        wanted = {name: stem for name, stem in node.give.items() if name in needed or node.rest in needed}
        if wanted:
            nodes.insert(0, replace(node, give=wanted, rest=node.rest if node.rest in needed else ""))
            needed.add(node.source)
    return replace(plan, nodes=tuple(nodes), stems=stems)


def _two(plan: Plan, stem: str) -> Plan:
    """One stem, and everything else as one."""
    for node in plan.nodes:
        if node.source == MIX and stem in node.give:
            two = Node(node.model, {stem: node.give[stem]}, rest=rest_of(stem))
            return replace(plan, nodes=(two,), stems=two.outputs)
    raise WrongOption(f"{_called(plan)} does not take {stem} from the mix itself", "use --only, or another preset")


def with_residual(plan: Plan, how: str) -> Plan:
    """The plan in which what the networks leave over goes to `other`, or to a `residual` stem of its own (`file`).

    Raises SettingsError when there is no `other` to take it.
    """
    nodes, stems = [], list(plan.stems)
    if not any(node.complete and not node.rest for node in plan.nodes):
        raise WrongOption(f"{_called(plan)} leaves nothing over in this way", "leave --residual out")
    for node in plan.nodes:
        if node.complete and not node.rest and how == "file":
            stems.append("residual" if node.source == MIX else f"{node.source}_residual")
            nodes.append(replace(node, rest=stems[-1]))
        elif node.complete and not node.rest:
            if "other" not in node.give:
                raise WrongOption(f"{node.model} makes no `other` that could take it", "use --residual spread or file")
            kept = {name: stem for name, stem in node.give.items() if name != "other"}
            nodes.append(replace(node, give=kept, rest="other"))
        else:
            nodes.append(node)
    return replace(plan, nodes=tuple(nodes), stems=tuple(stems))


def _called(plan: Plan) -> str:
    return plan.name or plan.nodes[0].model
