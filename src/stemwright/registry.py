"""Discovery: one rule, format, engine or command is one module in a package, found here, listed nowhere."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


def module_names(package: str) -> tuple[str, ...]:
    """Names of the public modules directly inside a package, sorted, without importing them."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))


@cache
def discover(package: str) -> dict[str, ModuleType]:
    """Every public module directly inside a package, imported, by name."""
    return {name: importlib.import_module(f"{package}.{name}") for name in module_names(package)}
