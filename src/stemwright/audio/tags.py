"""Title, artist, BPM, key and comment as a file carries them (ID3, Vorbis comments, MP4 atoms), through mutagen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_NAMES = {
    "title": ("TIT2", "title", "\xa9nam"),
    "artist": ("TPE1", "artist", "\xa9ART"),
    "album": ("TALB", "album", "\xa9alb"),
    "bpm": ("TBPM", "bpm", "tempo", "----:com.apple.iTunes:BPM", "tmpo"),
    "key": ("TKEY", "initialkey", "key", "----:com.apple.iTunes:initialkey"),
    "comment": ("COMM::eng", "COMM", "comment", "\xa9cmt"),
}


def read_tags(path: Path) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs, sorted by name; empty when there are none or they cannot be read."""
    import mutagen

    try:
        tags: Any = mutagen.File(path)
    except Exception:  # mutagen raises whatever its parsers meet in broken tags; a tag is never worth an error
        return ()
    tags = getattr(tags, "tags", None)
    found: dict[str, str] = {}
    for name, keys in _NAMES.items():
        for key in keys:
            try:
                value = tags[key] if tags is not None and key in tags else None
            except (KeyError, ValueError):
                value = None
            text = _text(value)
            if text:
                found[name] = text
                break
    return tuple(sorted(found.items()))


def _text(value: Any) -> str:
    value = getattr(value, "text", value)
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value if value is not None else "").strip()[:500]
