"""TOML as the house writes it: values, then tables; what is None, an empty text or an empty list is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(values: Mapping[str, Any], tables: Mapping[tuple[str, ...], Mapping[str, Any]]) -> str:
    """Plain values, and tables by their dotted names; a table without values is left out."""
    text = "".join(_lines(values))
    for place, table in tables.items():
        if inner := "".join(_lines(table)):
            text += f"\n[{'.'.join(map(_key, place))}]\n{inner}"
    return text


def spelled(value: Any) -> str:
    """A value as it stands behind its name."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(name)} = {spelled(item)}" for name, item in value.items() if item is not None)
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{_key(name)} = [\n" + "".join(f"  {spelled(item)},\n" for item in value) + "]\n"
        elif value not in (None, "", []):
            yield f"{_key(name)} = {spelled(value)}\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string: as in JSON, but for DEL, which TOML wants escaped, and surrogates, for which it has no place."""
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
