"""Session templates: how `templates/sessions/<name>.toml` lays tracks out.

A template lists groups in track order; a group may hold groups of its own, to any depth. `parts` names the roles that
belong to it by their first words: "vocals" means `vocals` and `vocals.lead`, "vocals.lead" only that, and the group
that names more of a role wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.units import FRAME_RATES

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a template: which roles it holds, how they look, how loud they start."""

    name: str
    parts: tuple[str, ...]
    colour: str  # #rrggbb
    gain_db: float = 0.0  # of each of its tracks
    mute: bool = False  # each of its tracks
    groups: tuple[Group, ...] = ()

    def claim(self, role: str) -> int:
        """How much of a role is named here, groups inside not counted: 0 is nothing."""
        return max((len(part) for part in self.parts if role == part or role.startswith(f"{part}.")), default=0)

    def all(self) -> list[Group]:
        """Itself and the groups inside, at any depth."""
        return [self, *(inner for child in self.groups for inner in child.all())]


@dataclass(frozen=True, slots=True)
class Place:
    """A marker of a template: at the start of a bar."""

    bar: int  # counted from 1
    name: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A session template."""

    groups: tuple[Group, ...]
    bus_from: int = 2  # a group with fewer tracks gets no bus; 0: none gets one
    mix_colour: str = "#808080"
    mix_last: bool = False
    other_colour: str = "#a0a0a0"
    markers: tuple[Place, ...] = ()
    frame_rate: str | float = "30"  # of timecode: one of `FRAME_RATES`


def load_layout(template: str) -> Layout:
    """A template by name or path. Raises SettingsError for one that does not exist or is not as it should be."""
    table = dict(resources.load("sessions", template))
    try:
        groups = tuple(_group(entry, 1) for entry in table.pop("group", []))
        markers = tuple(_place(entry) for entry in table.pop("marker", []))
        layout = Layout(groups, markers=markers, **table)
        for colour in (layout.mix_colour, layout.other_colour):
            _check(_COLOUR.fullmatch(colour), f"{colour!r} is no colour #rrggbb")
        _check(type(layout.bus_from) is int and layout.bus_from >= 0, "bus_from is a number of tracks")
        _check(type(layout.mix_last) is bool, "mix_last is true or false")
        _check(str(layout.frame_rate) in FRAME_RATES, f"frame_rate is one of {', '.join(FRAME_RATES)}")
    except (TypeError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"session template {template!r}: {error}",
            "each [[group]] needs name, parts and colour; compare it with templates/sessions/mix-engineer.toml",
        ) from error
    return layout


def home(role: str, groups: tuple[Group, ...]) -> Group | None:
    """The group, at any depth, that names most of a role; the first of equals."""
    every = [group for top in groups for group in top.all()]
    best = max(every, key=lambda group: group.claim(role), default=None)
    return best if best and best.claim(role) else None


def _group(entry: Any, depth: int) -> Group:
    _check(depth <= _DEEPEST, f"groups lie more than {_DEEPEST} deep")
    entry = dict(entry)
    inner = tuple(_group(child, depth + 1) for child in entry.pop("group", []))
    parts = entry.pop("parts", [])
    _check(isinstance(parts, list) and all(isinstance(part, str) and part for part in parts), "parts are words")
    group = Group(parts=tuple(parts), groups=inner, **entry)
    _check(isinstance(group.name, str) and group.name.strip(), "a group has no name")
    _check(group.parts or inner, f"group {group.name!r} has no parts")
    _check(_COLOUR.fullmatch(group.colour), f"{group.colour!r} is no colour #rrggbb")
    _check(type(group.gain_db) in (int, float) and abs(group.gain_db) <= 144, "gain_db is a number of dB")
    _check(type(group.mute) is bool, "mute is true or false")
    return group


def _place(entry: Any) -> Place:
    place = Place(**entry)
    _check(type(place.bar) is int and place.bar >= 1, "bars of markers are counted from 1")
    _check(isinstance(place.name, str) and place.name.strip(), "a marker has no name")
    _check(place.colour is None or _COLOUR.fullmatch(place.colour), f"{place.colour!r} is no colour #rrggbb")
    return place


def _check(fine: object, message: str) -> None:
    if not fine:
        raise ValueError(message)
