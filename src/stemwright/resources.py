"""Find a template: the user's folder first, then the packaged ones, then a checkout's `templates/`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from stemwright.errors import SettingsError, UnknownName


def user_folder() -> Path:
    """Where a user drops own templates."""
    import platformdirs

    return platformdirs.user_config_path("stemwright") / "templates"


def roots() -> tuple[Path, ...]:
    """The template folders, the most personal first."""
    here = Path(__file__).resolve()
    return (user_folder(), here.parent / "templates", here.parents[2] / "templates")


_CALLED = {"sessions": "layout", "notes": "notes template"}
"""What people call a kind of template, where its folder is called otherwise."""


def names(kind: str, suffix: str = ".toml") -> tuple[str, ...]:
    """Names of all templates of one kind (`profiles`, `models`, `notes`, ...), without suffix, sorted."""
    found = {path.name.removesuffix(suffix) for root in roots() for path in (root / kind).glob(f"*{suffix}")}
    return tuple(sorted(found))


def find(kind: str, name: str, suffix: str = ".toml") -> Path:
    """The file of one template.

    `name` is a template's name or the path of a file of the user's own. Raises UnknownName when there is none.
    """
    if name.endswith(suffix) and Path(name).is_file():
        return Path(name)
    if "/" not in name and "\\" not in name:
        for root in roots():
            path = root / kind / f"{name}{suffix}"
            if path.is_file():
                return path
    known = names(kind, suffix)
    hint = f"known: {', '.join(known) or 'none'}; your own goes to {user_folder() / kind}"
    raise UnknownName(f"there is no {_CALLED.get(kind, kind.removesuffix('s'))} called {name!r}", hint, name, known)


def load_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict. Raises SettingsError naming file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(
            f"{path}: {error}", "mend that line, or remove the file to go back to the default"
        ) from error
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", "check that the file is there and readable") from error


def load(kind: str, name: str) -> dict[str, Any]:
    """One TOML template by name."""
    return load_toml(find(kind, name))
