"""The Markdown of notes, read by markdown-it, as what a page shows: headings, paragraphs, items of lists, tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

Words = tuple[tuple[str, bool], ...]
"""Pieces of a line, and whether each is bold."""


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
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    return _blocks(SyntaxTreeNode(MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)), -1)


def _blocks(parent: SyntaxTreeNode, level: int) -> Iterator[Text | Table]:
    for node in parent.children:
        if node.type == "table":
            yield _table(node)
        elif node.type == "heading":
            yield Text("heading", tuple(_words(node)), int(node.tag[1:]))
        elif node.type == "paragraph":
            yield Text("paragraph" if level < 0 else "item", tuple(_words(node)), max(level, 0))
        elif node.children:
            yield from _blocks(node, level + node.type.endswith("_list"))
        elif node.content:  # code
            yield Text("paragraph", ((node.content, False),))


def _words(parent: SyntaxTreeNode, bold: bool = False) -> Iterator[tuple[str, bool]]:
    for node in parent.children:
        if node.children:
            yield from _words(node, bold or node.type == "strong")
        elif text := " " if node.type.endswith("break") else node.content:
            yield text, bold


def _table(table: SyntaxTreeNode) -> Table:
    rows = [row.children for part in table.children for row in part.children]
    right = tuple("right" in str(cell.attrs.get("style")) for cell in rows[0])
    head, *body = (tuple(plain(tuple(_words(cell))) for cell in row) for row in rows)
    return Table(head if any(head) else (), right, tuple(body))


def plain(found: Words) -> str:
    """The text of pieces."""
    return "".join(piece for piece, _ in found)
