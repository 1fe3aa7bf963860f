"""Stems into the user's own REAPER project: items are inserted, every other byte stays as it was.

Each stem goes onto the track that the user names for it, else onto the one of its name (case does not matter), else
onto the first free one whose name means the same role. Folders and tracks that hold items already are taken only when
the user names them. Items are time-based, so the tempo of the project moves none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import SessionError, UnknownName
from stemwright.model import Session, Track
from stemwright.naming import guess_role
from stemwright.session.formats._reaper import name_of
from stemwright.session.formats._rpp import Chunk, parse, whole
from stemwright.session.formats.reaper import item


@dataclass(frozen=True, slots=True)
class Filled:
    """The project with its items, the stems that no track took, and the free tracks that got nothing."""

    data: bytes
    unmatched: tuple[str, ...]
    unfilled: tuple[str, ...]


def fill_reaper(template: bytes, session: Session, base: Path, mapping: Mapping[str, str] | None = None) -> Filled:
    """Fill a project that will lie in the folder `base`; `mapping` is {stem: track} by name.

    Raises InputError and SessionError for a template that is no project or damaged, UnknownName for a mapped name that
    there is not, SessionError for two stems on one track and for media that a project cannot name.
    """
    tracks = list(parse(template, "the template").chunks("TRACK"))
    stems = [track for track in session.tracks if track.clips]
    free = [n for n, track in enumerate(tracks) if whole(track.line("ISBUS"), 0) != 1 and not any(track.chunks("ITEM"))]
    chosen = _mapped(tracks, stems, mapping or {})
    names = [name_of(track) for track in tracks]
    for fits in (_is_called, _means):
        for stem in stems:
            if stem.name not in chosen.values():
                place = next((n for n in free if n not in chosen and fits(stem, names[n])), None)
                chosen |= {place: stem.name} if place is not None else {}
    newline = "\r\n" if template.partition(b"\n")[0].endswith(b"\r") else "\n"
    by_name = {stem.name: stem for stem in stems}
    data, done = b"", 0
    for n in sorted(chosen):
        stem, end = by_name[chosen[n]], tracks[n].place[1]
        lines = (line for count, clip in enumerate(stem.clips) for line in item(session, stem, count, clip, base))
        data += template[done:end] + "".join(f"{line}{newline}" for line in lines).encode()
        done = end
    return Filled(
        data + template[done:],
        tuple(stem.name for stem in stems if stem.name not in chosen.values()),
        tuple(names[n] for n in free if n not in chosen),
    )


def _mapped(tracks: list[Chunk], stems: list[Track], mapping: Mapping[str, str]) -> dict[int, str]:
    """Stems by the number of the track that the user gives them."""
    places = {name_of(track): n for n, track in reversed(list(enumerate(tracks)))}
    known = [stem.name for stem in stems]
    chosen: dict[int, str] = {}
    for stem, track in mapping.items():
        if stem not in known:
            raise UnknownName(f"there is no stem {stem!r}", f"known: {', '.join(known)}", stem, known)
        if track not in places:
            raise UnknownName(f"the template has no track {track!r}", f"it has: {', '.join(places)}", track, places)
        if places[track] in chosen:
            raise SessionError(
                f"{chosen[places[track]]} and {stem} are both meant for the track {track}", "give each its own track"
            )
        chosen[places[track]] = stem
    return chosen


def _is_called(stem: Track, name: str) -> bool:
    return stem.name.casefold().split() == name.casefold().split()


def _means(stem: Track, name: str) -> bool:
    return stem.role != "other" and guess_role(name) == stem.role
