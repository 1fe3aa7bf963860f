"""The text of a REAPER project as a tree: chunks `<NAME words ... >`, each part on a line of its own.

The rules are those of REAPER's own line parser: words are parted by blanks; a word that begins with `"`, `'` or a
backtick ends at the next one of its kind; a line that begins with `|` is text. Lines are kept as they stand and are
split into words when they are asked for, so megabytes of plug-in state cost nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from stemwright.errors import InputError, SessionError
from stemwright.naming import one_line
from stemwright.units import finite

_DEEPEST = 64
_MOST_LINES = 5_000_000

Range = tuple[int, int]
"""The offsets of a chunk in the file: its first byte, and the first one of the line that closes it."""


@dataclass(slots=True)
class Chunk:
    """A chunk: the words of its first line, and its lines (text) and chunks in order."""

    words: list[str]
    parts: list[Chunk | str] = field(default_factory=list)
    place: Range = (0, 0)

    @property
    def name(self) -> str:
        """The word that says what it is."""
        return self.words[0]

    def chunks(self, name: str) -> Iterator[Chunk]:
        """Every chunk of that name right inside."""
        return (part for part in self.parts if isinstance(part, Chunk) and part.name == name)

    def lines(self, name: str) -> Iterator[list[str]]:
        """What follows that key, for every line right inside that begins with it."""
        for part in self.parts:
            if isinstance(part, str) and part.startswith(name) and (words := split(part))[0] == name:
                yield words[1:]

    def line(self, name: str) -> list[str]:
        """What follows that key the first time; nothing when it is not there."""
        return next(self.lines(name), [])

    def text(self) -> list[str]:
        """The lines that begin with `|`, without it."""
        return [part[1:] for part in self.parts if isinstance(part, str) and part.startswith("|")]


def parse(data: bytes, path: object) -> Chunk:
    """The project. Raises InputError when the bytes are none, SessionError when it is damaged."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<REAPER_PROJECT"):
        raise InputError(f"{path}: is no REAPER project", "give an .rpp that REAPER saved as a project")
    root = Chunk([""])
    stack, offset = [root], 0
    for count, raw in enumerate(io.BytesIO(data)):
        line = raw.decode("utf-8", "replace").strip(" \t\r\n\0\ufeff")
        if count >= _MOST_LINES or len(stack) > _DEEPEST:
            raise _damaged(path, count, "is larger than any project")
        if len(stack) == 1 and line and root.parts:
            raise _damaged(path, count, "goes on after its end")
        if line.startswith("<"):
            chunk = Chunk(split(line[1:]) or [""], place=(offset, 0))
            stack[-1].parts.append(chunk)
            stack.append(chunk)
        elif line == ">":
            chunk = stack.pop()
            chunk.place = chunk.place[0], offset
        elif line:
            stack[-1].parts.append(line)
        offset += len(raw)
    if len(stack) > 1:
        raise _damaged(path, count + 1, f"ends inside of {stack[-1].name}")
    return next(part for part in root.parts if isinstance(part, Chunk))


def _damaged(path: object, line: int, reason: str) -> SessionError:
    return SessionError(f"{path}: line {line + 1}: {reason}", "open it in REAPER, save it again and try that file")


def split(line: str) -> list[str]:
    """The words of a line, without their quotes."""
    words, at = [], 0
    while at < len(line):
        if line[at] in " \t":
            at += 1
            continue
        if line[at] in "\"'`":
            end = line.find(line[at], at + 1)
            words.append(line[at + 1 : end if end > 0 else None])
        else:
            end = next((i for i in range(at, len(line)) if line[i] in " \t"), len(line))
            words.append(line[at:end])
        at = end + 1 if end > 0 else len(line)
    return words


def has_all_quotes(text: str) -> bool:
    """Whether no quote is left to hold a text with."""
    return all(mark in text for mark in "\"'`")


def quote(text: str) -> str:
    """A string as a project holds it: on one line, in the first kind of quote that it does not contain.

    There is no escape: when it contains all three, its backticks become apostrophes, as REAPER does it.
    """
    text = one_line(text)
    mark = next((mark for mark in "\"'`" if mark not in text), "")
    return f"{mark}{text}{mark}" if mark else f"`{text.replace('`', chr(39))}`"


def number(words: list[str], index: int, default: float = 0.0) -> float:
    """The finite number at a place of a line; `default` when there is none."""
    return finite(words[index], default) if index < len(words) else default


def whole(words: list[str], index: int, default: int = 0) -> int:
    """The integer at a place of a line; `default` when there is none."""
    return int(number(words, index, default))
