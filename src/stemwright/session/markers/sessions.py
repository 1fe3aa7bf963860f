"""The markers of a DAW session or a MIDI file: whatever `session.formats` reads."""

from __future__ import annotations

from pathlib import Path

from stemwright.model import Marker, Song
from stemwright.session.formats import read_session, readers
from stemwright.session.markers import Marked, tidy
from stemwright.units import rescale

SUFFIXES = tuple(suffix for module in readers().values() for suffix in module.SUFFIXES if suffix != ".txt")
"""A text file is a table, unless it begins as a session export does."""


def read(path: Path, song: Song) -> Marked:
    """Read a session's own markers, in seconds from its start; its `Bar 1` and `Key:` are facts, no markers."""
    found = read_session(path, search=False).session

    def scaled(frame: int) -> int:
        return rescale(frame, found.sample_rate, song.sample_rate)

    own = (m for m in found.markers if m.name != "Bar 1" and not m.name.startswith("Key: "))
    return tidy(Marker(scaled(m.at), m.name, scaled(m.length), m.colour) for m in own)
