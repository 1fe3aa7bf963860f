"""The Markdown that notes are written in, taken apart: headings, paragraphs, lists, tables, bold, escapes; no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Words = tuple[tuple[str, bool], ...]
"""Pieces of a line, and whether each is bold."""

_BOLD = re.compile(r"\*\*((?:\\.|[^\\*])+)\*\*")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELL = re.compile(r"((?:\\.|[^\\|]|\\$)*)(?:\||$)")
"""A cell and its end; the last one of a line need not be closed."""
_RULER = re.compile(r"\s*\|(\s*:?-+:?\s*\|)+\s*")


@dataclass(frozen=True, slots=True)
class Text:
    """A heading, an item of a list or a paragraph; `level` counts headings from 1, items from 0."""

    kind: Literal["heading", "item", "paragraph"]
    words: Words
    level: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table; one without a head is a box of facts."""

    head: tuple[str, ...]
    right: tuple[bool, ...]
    """Columns that are set to the right."""
    rows: tuple[tuple[str, ...], ...]


def blocks(text: str) -> Iterator[Text | Table]:
    """Headings, items, paragraphs and tables in order."""
    lines = iter([*text.splitlines(), ""])
    rows: list[str] = []
    paragraph: list[str] = []
    for line in lines:
        if line.startswith("|"):
            rows.append(line)
            continue
        if rows:
            table = _table(rows)
            rows = []
            if table.head or table.rows:
                yield table
        heading, item = re.match(r"(#{1,6}) +(.*)", line), re.match(r"( *)- +(.*)", line)
        if paragraph and (heading or item or not line.strip()):
            yield Text("paragraph", words(" ".join(paragraph)))
            paragraph = []
        if heading:
            yield Text("heading", words(heading[2]), len(heading[1]))
        elif item:
            yield Text("item", words(item[2]), len(item[1]) // 2)
        elif line.strip():
            paragraph.append(line.strip())


def words(text: str) -> Words:
    """A line in pieces, without marks and escapes."""
    found: list[tuple[str, bool]] = []
    at = 0
    for bold in _BOLD.finditer(text):
        found += [(text[at : bold.start()], False), (bold[1], True)]
        at = bold.end()
    found.append((text[at:], False))
    return tuple((_ESCAPE.sub(r"\1", piece), bold) for piece, bold in found if piece)


def plain(found: Words) -> str:
    """The text of pieces."""
    return "".join(piece for piece, _ in found)


def _table(lines: list[str]) -> Table:
    ruler = next((n for n, line in enumerate(lines) if _RULER.fullmatch(line)), 0)
    head = _cells(lines[0]) if ruler else ()
    right = tuple(cell.endswith(":") for cell in _cells(lines[ruler])) if ruler else ()
    rows = tuple(filter(None, map(_cells, lines[ruler + 1 :] if ruler else lines)))
    return Table(head if any(head) else (), (right + (False,) * len(head))[: len(head)], rows)


def _cells(line: str) -> tuple[str, ...]:
    """Of a line, whose last cell need not be closed."""
    *cells, _ = _CELL.findall(line.strip().removeprefix("|"))
    return tuple(plain(words(cell.strip())) for cell in cells)
