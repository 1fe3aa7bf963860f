"""Stems into the user's own .als: clips in the arrangement of his tracks, every other byte of the XML as it was.

Clips stand at their time by the set's own tempo map and are not warped. Their Ids begin at `NextPointeeId`, which is
raised; it is the one value that changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.model import Session, Track
from stemwright.session.filling.match import Filled, Slot, filled, match, other_grid
from stemwright.session.formats.ableton.builder import Making, add_clip
from stemwright.session.formats.ableton.document import name_of, number, points_in, save, unpacked, value
from stemwright.session.formats.ableton.parts import EVENTS, at
from stemwright.session.formats.xml import Insertion, insert, parse

if TYPE_CHECKING:
    from lxml.etree import _Element

_OLDEST = 11
"""Live wrote references to files in another way before."""

_NEXT_ID = re.compile(rb"""(<NextPointeeId\s+Value=["'])\d+""")


def fill(template: Path, session: Session, path: Path, mapping: Mapping[str, str]) -> Filled:
    """Fill the user's own set.

    Raises what `match` and `read` raise, and SessionError for a set of Live 10 or older and where a
    stem would lie on a clip that is there.
    """
    data = unpacked(template)
    root = parse(data, template)
    version = re.match(r"(\d+)\.", root.get("MinorVersion", ""))
    if not version or int(version[1]) < _OLDEST or not _NEXT_ID.search(data):
        raise SessionError(f"{template}: is no set of Live {_OLDEST} or later", "save it in a newer Live")
    tracks = [t for t in root.iterfind("LiveSet/Tracks/AudioTrack") if t.find(EVENTS) is not None]
    slots = [Slot(name_of(t), _taken(t)) for t in tracks]
    stems = [track for track in session.tracks if track.clips]
    chosen = match(slots, stems, mapping)
    points, _ = points_in(root)
    ids = count(int(number(root, "LiveSet/NextPointeeId")))
    making = Making(session, points, path.parent.absolute(), ids)
    master = "IsSongTempoMaster" if int(version[1]) < 12 else ""
    new = list(_clips(making, {tracks[number]: stem for number, stem in chosen.items()}, master))
    save(_NEXT_ID.sub(rb"\g<1>%d" % next(ids), insert(data, root, new, template), count=1), path)
    return filled(slots, stems, chosen, other_grid(session, points))


def _taken(track: _Element) -> str:
    """Why a track takes no stem."""
    if value(track, "Freeze") == "true":
        return "is frozen"
    return "holds clips already" if len(at(track, EVENTS)) else ""


def _clips(making: Making, chosen: Mapping[_Element, Track], leader: str) -> Iterator[Insertion]:
    """The clips of every stem; `leader` is what Live 11 calls the last of their elements."""
    from lxml import etree

    for track, stem in chosen.items():
        events = at(track, EVENTS)
        made = etree.Element("Events")
        for clip in stem.clips:
            add_clip(making, made, stem, clip, value(track, "Color", "0"))
        for element in made:
            if any(_overlap(element, other) for other in events):
                what = f"the track {name_of(track)} holds a clip already where {stem.name} would lie"
                raise SessionError(what, "give the stem another track, or move that clip: Live plays one at a time")
            if leader:
                at(element, "IsSongTempoLeader").tag = leader
            yield events, len(events), element


def _overlap(one: _Element, other: _Element) -> bool:
    return all(number(a, "CurrentStart") < number(b, "CurrentEnd") for a, b in ((one, other), (other, one)))
