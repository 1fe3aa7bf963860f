"""What a rewritten file cannot take along, so that it is told instead of silently dropped."""

from __future__ import annotations

from stemwright.model import AudioFile

PLAIN = frozenset(("iXML", "axml", "_PMX", "id3", "ID3"))
"""Chunks without numbers of the RIFF kind: they read the same whatever the byte order of the file."""
_OURS = frozenset(("fmt", "data", "fact", "JUNK", "junk", "FLLR", "PAD", "PEAK"))
"""Chunks of which nothing is lost: the writer makes them itself, or they are filler."""


def turned(file: AudioFile) -> bool:
    """Whether it is a RIFX file, whose numbers stand the other way round."""
    if file.format.container != "wav":
        return False
    with file.path.open("rb") as source:
        return source.read(4) == b"RIFX"


def left_behind(file: AudioFile) -> str:
    """The chunks that a WAV made of it will lack, in words; empty for none."""
    names = dict.fromkeys(chunk.name.rstrip() for chunk in file.chunks)
    lost = [name for name in names if name not in PLAIN | _OURS]
    return f"left behind, as RIFX numbers stand the other way round: {', '.join(lost)}" if lost and turned(file) else ""
