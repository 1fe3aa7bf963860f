"""Writing a Live set: what of a session it holds, and what it loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stemwright.model import Clip, Loss, Session
from stemwright.naming import unique
from stemwright.session.formats import Written
from stemwright.session.formats.ableton import colours
from stemwright.session.formats.ableton.builder import build
from stemwright.session.formats.ableton.document import save
from stemwright.session.formats.ableton.parts import LOUDEST, SOFTEST
from stemwright.session.media import foreign
from stemwright.units import db

_TAKEN = frozenset({"wav", "aiff", "flac", "ogg"})
"""Containers that Live reads on every system."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the set. Raises SessionError for what it cannot hold: see `build`; a group after its members."""
    from lxml import etree

    root = build(held(session), path.parent.absolute())
    etree.indent(root, "\t")
    save(etree.tostring(root, encoding="UTF-8", xml_declaration=True), path)
    return Written(losses=tuple(_losses(session)))


def held(session: Session) -> Session:
    """What a set holds of a session: colours of the palette, levels of the faders, one clip at a time on a track."""
    names = [track.name for track in session.tracks]
    tracks = []
    for track in session.tracks:
        gain = min(max(track.gain_db, db(SOFTEST)), db(LOUDEST))
        lanes = _lanes(track.clips) or [[]]
        for lane in lanes:
            name = track.name
            if lane is not lanes[0]:
                name = unique([*names, name])[-1]
                names.append(name)
            colour = colours.rounded(track.colour)
            tracks.append(replace(track, name=name, clips=tuple(lane), gain_db=gain, colour=colour))
    return replace(session, tracks=tuple(tracks))


def _lanes(clips: tuple[Clip, ...]) -> list[list[Clip]]:
    """The clips in order, on as many tracks as it takes for none to overlap another."""
    lanes: list[list[Clip]] = []
    for clip in sorted(clips, key=lambda clip: clip.at):
        free = next((lane for lane in lanes if lane[-1].end <= clip.at), None)
        if free is None:
            lanes.append(free := [])
        free.append(clip)
    return lanes


def _losses(session: Session) -> Iterator[Loss]:
    yield from foreign(session, _TAKEN, "Live on every system")
    for track in session.tracks:
        if not db(SOFTEST) <= track.gain_db <= db(LOUDEST):
            yield Loss(track.name, "gain", "Live's faders end at +6 and -70 dB")
        if len(_lanes(track.clips)) > 1:
            yield Loss(
                track.name, "audio", "Live plays one clip of a track at a time: clips that overlap got a track more"
            )
        if track.channels > 2:
            yield Loss(track.name, "audio", "Live's tracks are stereo: of more channels two are heard at most")
    far = [track.name for track in session.tracks if track.colour and colours.is_noticed(track.colour)]
    if far:
        yield Loss(", ".join(far), "colours", "Live has 70 colours; the nearest is plainly another")
