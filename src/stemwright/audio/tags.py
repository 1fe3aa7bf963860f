"""Title, artist, BPM, key and comment as a file carries them (ID3, Vorbis comments, MP4 atoms), through mutagen."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

_NAMES = {
    "title": ("tit2", "title", "\xa9nam"),
    "artist": ("tpe1", "artist", "\xa9art"),
    "album": ("talb", "album", "\xa9alb"),
    "bpm": ("tbpm", "txxx:bpm", "bpm", "tempo", "----:com.apple.itunes:bpm", "tmpo"),
    "key": ("tkey", "txxx:initialkey", "initialkey", "key", "----:com.apple.itunes:initialkey"),
    "comment": ("comm", "txxx:comment", "comment", "description", "\xa9cmt"),
}
"""Our name -> the keys that mean it, in lower case, the best one first."""


class Bounded(io.BufferedReader):
    """A file for mutagen, which asks for as many bytes as a header claims; never more are set aside than there are."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; all that are left when it is negative or None."""
        return super().read(size if size is None else min(size, self._length))


def read_tags(path: Path) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs, sorted by name; empty when there are none or they cannot be read."""
    import mutagen

    try:
        with Bounded(path) as file:
            tags: Any = mutagen.File(file).tags
        stored = {key.lower(): value for key, value in tags.items()}
    except Exception:  # mutagen raises whatever its parsers meet in broken tags; a tag is never worth an error
        return ()
    comments = [value for key, value in stored.items() if key.startswith("comm:")]  # :description:language
    stored["comm"] = comments[0] if comments else None
    found = {}
    for name, keys in _NAMES.items():
        text = next((text for key in keys if (text := _text(stored.get(key)))), "")
        if text:
            found[name] = text
    return tuple(sorted(found.items()))


def _text(value: Any) -> str:
    value = getattr(value, "text", value)
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value if value is not None else "").strip()[:500]
