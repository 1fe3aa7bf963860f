"""XML of sessions: somebody else's, without anything that only an attack has, and what we add to it or write anew.

A serialiser would write quotes, blanks and references all over somebody's document anew. So `insert` looks the places
of its elements up in the bytes, which is simple because the document was parsed before: it is well-formed, without a
DOCTYPE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stemwright.errors import SessionError
from stemwright.naming import one_line
from stemwright.safety import xml_parser

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_DEEP = 200
"""Elements inside one another; libxml2 itself stops at 256. Sessions nest a dozen."""

_NO_CHARACTERS = re.compile("[\ufffe\uffff]")


def text(value: str) -> str:
    """A text on one line without the characters that XML 1.0 excludes."""
    return _NO_CHARACTERS.sub("", one_line(value))


def parse(data: bytes, path: Path) -> _Element:
    """The root element of a document; comments and processing instructions are dropped.

    Raises SessionError, naming `path`, for what is no well-formed XML, has a DOCTYPE or nests too deeply.
    """
    from lxml import etree

    try:
        root = etree.fromstring(data, xml_parser(comments=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SessionError(f"{path}: is no readable XML: {error}", "export the session again from the DAW") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SessionError(f"{path}: holds a DOCTYPE, which no DAW writes", "do not trust this file")
    deepest, stack = 0, [(root, 1)]
    while stack:
        element, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((child, depth + 1) for child in element)
    if deepest > _MOST_DEEP:
        raise SessionError(f"{path}: nests {deepest} elements deep", f"at most {_MOST_DEEP} are read")
    return root


def add(parent: _Element, tag: str, **attributes: object) -> _Element:
    """A new last child; attributes that are None are left out, underscores in their names are hyphens."""
    from lxml import etree

    plain = {name.replace("_", "-"): _plain(value) for name, value in attributes.items() if value is not None}
    return etree.SubElement(parent, tag, plain)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(float(value)) if isinstance(value, Fraction | float) else text(str(value))


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
