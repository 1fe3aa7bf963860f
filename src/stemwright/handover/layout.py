"""Text that stays in its column and its line: for plain editors, and for Markdown that a name cannot break."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

WIDTH = 96
"""Columns of the text notes."""

_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")
_LONE = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What Python makes of bytes in a file name that are no UTF-8, and what XML cannot hold."""
_MARKUP = re.compile(
    r"(?=[\\`*|<>\[\]~])|(?<![^\W_])(?=_)|(?=_(?![^\W_]))|(?=&#?\w+;)"
    r"|^(?=[#+-](?:[#\s]|$)|-+$)|(?<=\s)(?=#+$)|^\d{1,9}(?=[.)](?:\s|$))"
)
"""Where markup would begin: anywhere in a text, and at its start what makes a heading, a list or a rule of it."""


def visible(value: Any) -> Any:
    """Texts that any file can hold, without control characters, line breaks and direction overrides, however deep."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", _INVISIBLE.sub(" ", value))
    if isinstance(value, dict):
        return {name: visible(inner) for name, inner in value.items()}
    return [visible(inner) for inner in value] if isinstance(value, list) else value


def markdown(value: Any) -> Any:
    """A text with everything escaped that Markdown would take for markup, `_` inside words excepted."""
    return _MARKUP.sub(r"\g<0>\\", value) if isinstance(value, str) else value


def columns(text: str) -> int:
    """Columns that a text takes in a fixed-width font (Unicode Standard Annex 11: wide and fullwidth take two)."""
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
        if unicodedata.category(c) not in ("Mn", "Me", "Cf")
    )


def cell(value: object, width: int, align: str = "left") -> str:
    """A text of exactly `width` columns; a longer one loses its middle, because file names differ at their ends."""
    text = unicodedata.normalize("NFC", str(value))
    if columns(text) > width:
        head, tail = list(text[: len(text) // 2]), list(text[len(text) // 2 :])
        while columns("".join(head + tail)) > width - 1:
            if columns("".join(head)) > columns("".join(tail)):
                head.pop()
            else:
                tail.pop(0)
        text = "".join((*head, "…", *tail))
    space = " " * (width - columns(text))
    return space + text if align == "right" else text + space


def wrap(text: str, indent: int = 2, bullet: str = "") -> str:
    """A text in lines of at most `WIDTH` columns; the first begins with `bullet`, and all are indented."""
    room = WIDTH - indent - len(bullet)
    lines = [""]
    for word in text.split():
        word = cell(word, room).rstrip() if columns(word) > room else word
        if lines[-1] and columns(lines[-1]) + 1 + columns(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(f"{' ' * indent}{' ' * len(bullet) if n else bullet}{line}" for n, line in enumerate(lines))
