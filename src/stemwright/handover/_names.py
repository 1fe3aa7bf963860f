"""Names of members of an archive: which of them no folder on any system should be asked to hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_DRIVE = re.compile(r"[A-Za-z]:")
_UNFIT = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, direction overrides, and bytes that are no UTF-8."""
_LONGEST = 255
"""Bytes of one part of a path that file systems take."""


def fault(name: str) -> str:
    """What is wrong with a member's name, a path with `/`; empty when nothing is."""
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")):
        return "is an absolute path"
    if _DRIVE.match(name):
        return "names a drive"
    if ".." in parts:
        return "leads out of the folder"
    if "\\" in name:
        return "holds a backslash, which Windows takes for a folder"
    if _UNFIT.search(name):
        return "holds characters that no name should"
    if "" in parts or "." in parts:
        return "is no plain path"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return "is longer than file systems take"
    return ""


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, why) of those that one folder cannot hold together; macOS and Windows take `Kick` and `kick` for one."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            yield name, "is there twice" if seen[key] == name else f"differs from {seen[key]} in case only"
        seen[key] = name
        folders.update(key[:at] for at, letter in enumerate(key) if letter == "/")
    for key in sorted(folders & set(seen)):
        yield seen[key], "is a file and a folder"
