"""The user's standing word on which track of a template takes which stem: a small TOML.

It lies beside the template as `<template>.toml` (mix.RPP.toml), or is named. The names of stems, and of tracks, may
hold `*`, `?` and `[...]`; roles are those of `templates/names/roles.toml`, "drums" means "drums.kick" as well:

    [stems]
    "Kick*" = "KICK"

    [roles]
    "vocals.backing" = "BV *"

The first rule that fits a stem counts, names before roles, the longest role first. A track that is named in full takes
one stem and must be there, a pattern may find none. A stem without a rule goes by its name and role, see `match`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.model import Track
from stemwright.naming import roles
from stemwright.session.filling.match import fits_pattern, is_pattern


@dataclass(frozen=True, slots=True)
class Rules:
    """What a file of rules says, in its order: tracks by stem and by role."""

    stems: tuple[tuple[str, str], ...] = ()
    roles: tuple[tuple[str, str], ...] = ()


def rules_for(template: Path, named: Path | None = None) -> Rules:
    """The rules in the file that is named, or else in that beside the template; none when there is none.

    Raises SettingsError, which names file and line.
    """
    path = named or template.with_name(f"{template.name}.toml")
    return load_rules(path) if named or path.is_file() else Rules()


def load_rules(path: Path) -> Rules:
    """The rules in a file. Raises SettingsError, which names file and line."""
    table = resources.load_toml(path)
    known = {part for role in roles() for part in (role, role.partition(".")[0])}
    for section, rules in table.items():
        if section not in ("stems", "roles") or not isinstance(rules, dict):
            raise _wrong(path, section, f"{section!r} is no table of rules", "there are two: [stems] and [roles]")
        for name, track in rules.items():
            if not isinstance(track, str) or not track:
                raise _wrong(path, name, f"{name!r} names no track", 'write it "STEM" = "TRACK"')
            if section == "roles" and name not in known:
                raise _wrong(path, name, f"there is no role {name!r}", f"known: {', '.join(sorted(known))}")
    return Rules(tuple(table.get("stems", {}).items()), tuple(table.get("roles", {}).items()))


def mapping(rules: Rules, stems: Sequence[Track], said: Mapping[str, str]) -> dict[str, str]:
    """The tracks of the stems that a rule fits, and those that the user has `said` by name, for `match`."""
    found = dict(said)
    by_length = sorted(rules.roles, key=lambda rule: -len(rule[0]))
    for stem in stems:
        if stem.clips and stem.name not in found:
            tracks = [track for name, track in rules.stems if name == stem.name or fits_pattern(name, stem.name)]
            tracks += [track for role, track in by_length if f"{stem.role}.".startswith(f"{role}.")]
            for track in [t for t in tracks if is_pattern(t) or t not in found.values()][:1]:
                found[stem.name] = track
    return found


def _wrong(path: Path, key: Any, message: str, hint: str) -> SettingsError:
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if str(key) in text), 1)
    return SettingsError(f"{path}: {message} (at line {line})", hint)
