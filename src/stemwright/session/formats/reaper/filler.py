"""Stems into the user's own .rpp: items on his tracks, every other byte as it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stemwright.model import Session
from stemwright.safety import read_bytes, write_bytes
from stemwright.session.filling.match import Filled, Slot, filled, match, other_grid, other_rate
from stemwright.session.formats.reaper.chunks import Chunk, parse, whole
from stemwright.session.formats.reaper.items import Reading
from stemwright.session.formats.reaper.reader import name_of, tempos
from stemwright.session.formats.reaper.writer import item
from stemwright.session.grid import points_of
from stemwright.session.media import Media, Roots
from stemwright.session.told import Told


def fill(template: Path, session: Session, path: Path, mapping: Mapping[str, str]) -> Filled:
    """Fill a project.

    Raises what `match` raises, InputError and SessionError for a template that is no project or damaged, SessionError
    for media that a project cannot name.
    """
    data = read_bytes(template)
    project = parse(data, template)
    tracks = list(project.chunks("TRACK"))
    slots = [Slot(name_of(track), _taken(track)) for track in tracks]
    stems = [track for track in session.tracks if track.clips]
    chosen = match(slots, stems, mapping)
    newline = "\r\n" if data.partition(b"\n")[0].endswith(b"\r") else "\n"
    pieces, done = [], 0
    for place, stem in chosen.items():
        lines = (
            line for count, clip in enumerate(stem.clips) for line in item(session, stem, count, clip, path.parent)
        )
        end = tracks[place].place[1]
        pieces += [data[done:end], "".join(f"{line}{newline}" for line in lines).encode()]
        done = end
    write_bytes(path, b"".join([*pieces, data[done:]]))
    told = [*other_grid(session, points_of(tempos(project, Reading(template, Media(Roots(template.parent), Told())))))]
    rate = project.line("SAMPLERATE")
    told += [*other_rate(session, whole(rate, 0))] if whole(rate, 1) else []
    return filled(slots, stems, chosen, told)


def _taken(track: Chunk) -> str:
    """Why a track takes no stem; empty items, on which people write, are no reason."""
    if whole(track.line("ISBUS"), 0) == 1:
        return "is a folder"
    return "holds clips already" if any(True for i in track.chunks("ITEM") for _ in i.chunks("SOURCE")) else ""
