"""Every option of every command with its value and its origin, for `config show`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from stemwright import config, resources


@dataclass(frozen=True, slots=True)
class InForce:
    """One option's value now."""

    command: str
    option: str
    value: Any
    origin: str
    """default, the file that sets it, or the environment variable."""


def in_force(root: click.Context) -> tuple[InForce, ...]:
    """All options of all commands, as they would be without any flag, and the contact that notes name."""
    group = root.command
    assert isinstance(group, click.Group)
    files: dict[tuple[str, str], tuple[Any, str]] = {}
    found: list[InForce] = []
    settings = config.load(Path.cwd())
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        for option in command.params if command else ():
            if not isinstance(option, click.Option) or not option.name or not option.expose_value:
                continue
            for setting in settings:
                if setting.option == option.name and setting.command in ("", name):
                    files[name, option.name] = (setting.value, str(setting.origin))
            value, origin = files.get((name, option.name), (_default(option), "default"))
            variable = f"STEMWRIGHT_{name}_{option.name}".upper()
            if variable in os.environ:
                value, origin = os.environ[variable], variable
            found.append(InForce(name, option.name, value, origin))
    told = config.contact(Path.cwd())
    for name in config.CONTACT:
        said = told.get(name)
        found.append(InForce("contact", name, said and said.value, str(said.origin) if said else "default"))
    return tuple(found)


def _default(option: click.Option) -> Any:
    value = option.to_info_dict()["default"]
    return value if value != () else None


def places() -> tuple[str, ...]:
    """The settings files in force, and the folders in which templates are looked for."""
    return (*map(str, config.files(Path.cwd())), *(str(root) for root in resources.roots()))
