"""New elements in somebody's XML document, every other byte as it was.

A serialiser would write quotes, blanks and references all over the document anew. So the places of its elements are
looked up in the bytes, which is simple because the document was parsed before: it is well-formed, without a DOCTYPE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stemwright.errors import SessionError

if TYPE_CHECKING:
    from lxml.etree import _Element

_TOKEN = re.compile(
    rb"""<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<(?P<close>/)?(?P<name>[^\s/>"']++)(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""",
    re.DOTALL,
)

_PLAIN = ("utf-8", "ascii", "us-ascii", "iso-8859-", "windows-125")
"""How the names of encodings begin in which markup looks as in ASCII."""

Insertion = tuple["_Element", int, "_Element"]
"""A parent, the number of the child before which, or at its end, to insert, and the new element."""


class _Span(NamedTuple):
    start: int  # of the start tag
    inside: int  # behind the start tag
    end: int  # of the end tag; `inside` for an element without content, <a/>


def insert(data: bytes, root: _Element, new: Iterable[Insertion], path: Path) -> bytes:
    """The document, of which `root` was parsed, with the new elements.

    An element written `<a/>` is opened to take any. Raises SessionError, naming `path`, for an encoding in which ASCII
    is written in another way.
    """
    if not (root.getroottree().docinfo.encoding or "utf-8").lower().startswith(_PLAIN):
        raise SessionError(f"{path}: its XML is not in UTF-8", "save the project again in the DAW")
    spans = dict(zip(root.iter("*"), _spans(data), strict=True))
    added: dict[int, list[bytes]] = {}
    opened: dict[int, bytes] = {}
    for parent, number, element in new:
        span = spans[parent]
        at = spans[parent[number]].start if number < len(parent) else span.end
        added.setdefault(at, []).append(_bytes(element))
        if data[span.inside - 2 : span.inside] == b"/>":
            opened[at] = parent.tag.encode()
    made, done = b"", 0
    for at in sorted(added):
        inner = b"".join(added[at])
        if at in opened:
            made += data[done : at - 2] + b">" + inner + b"</" + opened[at] + b">"
        else:
            made += data[done:at] + inner
        done = at
    return made + data[done:]


def _bytes(element: _Element) -> bytes:
    """An element in ASCII, other characters as references: the same in every encoding that is taken."""
    from lxml import etree

    return etree.tostring(element, encoding="ascii", with_tail=False)


def _spans(data: bytes) -> Iterator[_Span]:
    """The place of every element in the order of their start tags."""
    found: list[_Span] = []
    waiting: list[int] = []
    for token in _TOKEN.finditer(data):
        if token["close"]:
            number = waiting.pop()
            found[number] = found[number]._replace(end=token.start())
        elif token["name"]:
            if not token[0].endswith(b"/>"):
                waiting.append(len(found))
            found.append(_Span(token.start(), token.end(), token.end()))
    return iter(found)
