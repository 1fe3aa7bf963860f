"""XML from somebody else: no document type, no entities, no network, no depth or size that only an attack has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

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
