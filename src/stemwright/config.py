"""Settings files: which there are, what they set, and where each value came from.

Precedence: defaults < user file < project file < environment (`STEMWRIGHT_PREP_MODEL`) < flags. A file holds one
table per command (`[prep]`, keys are option names); keys above all tables hold for every command that has them.
`[contact]` is no command: it says whom the notes name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright import resources
from stemwright.errors import SettingsError

NAME = "stemwright.toml"
CONTACT = ("name", "studio", "email", "phone", "web", "address")
"""What `[contact]` can hold, in the order in which notes tell it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value from a file; `command` is empty when it holds for all commands."""

    command: str
    option: str
    value: Any
    origin: Path


def files(start: Path) -> tuple[Path, ...]:
    """The settings files in force in folder `start`, the weakest first: the user's, then the project's."""
    import platformdirs

    found = [platformdirs.user_config_path("stemwright") / NAME]
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            found.append(folder / NAME)
            break
    return tuple(path for path in found if path.is_file())


def load(start: Path) -> tuple[Setting, ...]:
    """All settings in force, the weakest first. Raises SettingsError naming file and line."""
    found: list[Setting] = []
    for path in files(start):
        for name, value in resources.load_toml(path).items():
            table = value if isinstance(value, dict) else {name: value}
            if table is value and name == "contact":
                _check_contact(path, table)
            command = name if isinstance(value, dict) else ""
            found += [Setting(command, option.replace("-", "_"), item, path) for option, item in table.items()]
    return tuple(found)


def contact(start: Path) -> dict[str, Setting]:
    """Whom a mix engineer asks: what the settings files say under `[contact]`, by name. Raises SettingsError."""
    said = {found.option: found for found in load(start) if found.command == "contact" and found.value.strip()}
    return {name: said[name] for name in CONTACT if name in said}


def _check_contact(path: Path, table: dict[str, Any]) -> None:
    for name, value in table.items():
        if name not in CONTACT or not isinstance(value, str):
            wrong = f"is {value!r}, not a text" if name in CONTACT else "is not known"
            raise SettingsError(f"{path}: [contact] {name} {wrong}", f"known are the texts {', '.join(CONTACT)}")


def default_map(settings: tuple[Setting, ...], options: dict[str, set[str]]) -> dict[str, dict[str, Any]]:
    """Command -> option -> value for the command line. `options` names what each command knows.

    Raises SettingsError for a command or option that does not exist.
    """
    table: dict[str, dict[str, Any]] = {command: {} for command in options}
    for setting in settings:
        if setting.command == "contact":
            continue
        targets = [setting.command] if setting.command else [c for c in options if setting.option in options[c]]
        if not targets or not all(target in options and setting.option in options[target] for target in targets):
            what = f"[{setting.command}] {setting.option}" if setting.command else setting.option
            raise SettingsError(f"{setting.origin}: there is no setting {what}", "see `stemwright config show`")
        for target in targets:
            table[target][setting.option] = setting.value
    return table
