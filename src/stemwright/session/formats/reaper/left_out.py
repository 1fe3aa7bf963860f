"""What a REAPER project does to the sound or the plan that a Session has no place for, by key, as warnings.

Keys and fields as REAPER 5 to 7 write them; the ReaTeam's documentation of the RPP format names most of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from stemwright.session.formats.reaper.chunks import Chunk, number
from stemwright.session.told import Told

_Table = Mapping[tuple[str, int], tuple[frozenset[float], str]]
"""By key of a line and number of its field: the values that do nothing, and what another one is."""

_NONE, _ONE = frozenset({0.0}), frozenset({1.0})

PROJECT: _Table = {
    ("MASTER_VOLUME", 0): (_ONE, "the volume of the master is not read"),
    ("MASTER_VOLUME", 1): (_NONE, "the pan of the master is not read"),
    ("MASTERMUTESOLO", 0): (_NONE, "mute and mono of the master are not read"),
    ("PLAYRATE", 0): (_ONE, "the play rate of the project is not read"),
    ("PANLAW", 0): (_ONE, "the pan law of the project is not 0 dB, as which it is read"),
}
TRACK: _Table = {
    ("IPHASE", 0): (_NONE, "inverted polarity of tracks is not read"),
    ("PLAYOFFS", 0): (_NONE, "playback offsets of tracks are not read"),
    ("HWOUT", 0): (frozenset(), "hardware outputs are not read"),
    ("AUXRECV", 0): (frozenset(), "sends are not read"),
    ("FREEMODE", 0): (frozenset({0.0, 1.0}), "items of all fixed lanes are read as if every lane played"),
    ("VOLPAN", 2): (frozenset({-1.0, 1.0}), "pan laws of tracks are not read"),
}
ITEM: _Table = {
    ("ALLTAKES", 0): (_NONE, "items play all their takes, of which one is read"),
    ("FADEIN", 0): (_NONE, "curved fades are read as straight lines"),
    ("FADEOUT", 0): (_NONE, "curved fades are read as straight lines"),
}
TAKE: _Table = {
    ("CHANMODE", 0): (_NONE, "items that play some channels of their files only are read with all"),
    ("VOLPAN", 1): (_NONE, "the pan of items is not read"),
    ("TAKEVOLPAN", 0): (_NONE, "the pan of items is not read"),
    ("PLAYRATE", 0): (_ONE, "stretched items are read as they were recorded"),
    ("PLAYRATE", 2): (_NONE, "transposed items are read as they were recorded"),
    ("SM", 0): (frozenset(), "stretch markers in items are not read"),
}
_PLUG_INS = {
    "FXCHAIN": "plug-ins of tracks are not read",
    "MASTERFXLIST": "plug-ins of the master are not read",
    "TAKEFX": "plug-ins of items are not read",
}


def tell(chunk: Chunk, table: _Table, name: str, told: Told) -> None:
    """Tell of what the lines and chunks right inside of `chunk`, which belongs to `name`, do."""
    for (key, field), (idle, what) in table.items():
        default = next(iter(idle), 0.0)
        if any(number(words, field, default) not in idle for words in chunk.lines(key)):
            told.tell(what, name)
    for part in chunk.parts:
        if not isinstance(part, Chunk):
            continue
        if part.name in _PLUG_INS and any(isinstance(inner, Chunk) for inner in part.parts):
            told.tell(_PLUG_INS[part.name], name)
        if "ENV" in part.name and part.name != "TEMPOENVEX" and number(part.line("ACT"), 0, 1) and part.line("PT"):
            told.tell("automation is not read", name)
