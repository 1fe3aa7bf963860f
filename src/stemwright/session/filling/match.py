"""Which track of the user's own template takes which stem; the same for every format that fills templates.

The user's word comes first (`rules` is where a template keeps it), then the same name (case and spaces do not matter),
then the same role: the first free track whose name means it. Folders and tracks that hold clips already are taken only
when the user names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import islice, pairwise

from stemwright.errors import SessionError, UnknownName
from stemwright.model import Output, Session, Track
from stemwright.naming import guess_role
from stemwright.session.grid import GridPoint, quarters_at
from stemwright.units import clock, seconds

_SAME_BPM = 0.01

_LATE_S = Fraction(2, 1000)
"""Bars that near each other are the same bar."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A track of a template; one that is not free says what it is, as `is a folder`."""

    name: str
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a template became: media made beside it, stems that no track took, free tracks that got nothing."""

    outputs: tuple[Output, ...]
    unmatched: dict[str, str]
    """Why no track took a stem, by its name."""
    unfilled: tuple[str, ...]
    placed: tuple[tuple[str, str], ...] = ()
    """(stem, track) by name."""
    warnings: tuple[str, ...] = ()


def match(slots: Sequence[Slot], stems: Sequence[Track], mapping: Mapping[str, str]) -> dict[int, Track]:
    """Stems by the number of the slot that takes them, in the order of the slots.

    `mapping` is {stem: track} by name. A track with `*`, `?` or `[` in it that the template does not have is a pattern:
    the first free track that fits it takes the stem, and none is no error. Raises UnknownName for another name that
    there is not, SessionError for two stems that are meant for one track.
    """
    places = {slot.name: number for number, slot in reversed(list(enumerate(slots)))}
    patterns = {stem: track for stem, track in mapping.items() if track not in places and is_pattern(track)}
    chosen = _mapped(places, stems, {stem: track for stem, track in mapping.items() if stem not in patterns})
    for fits in (lambda stem, name: fits_pattern(patterns.get(stem.name, ""), name), _is_called, _means):
        for stem in stems:
            if stem not in chosen.values():
                free = (
                    n for n, slot in enumerate(slots) if not slot.taken and n not in chosen and fits(stem, slot.name)
                )
                chosen |= dict.fromkeys(islice(free, 1), stem)
    return dict(sorted(chosen.items()))


def is_pattern(name: str) -> bool:
    """Whether a name may stand for several."""
    return any(mark in name for mark in "*?[")


def fits_pattern(pattern: str, name: str) -> bool:
    """Whether a name is what a pattern with `*`, `?` and `[...]` means; case does not matter."""
    return fnmatchcase(name.casefold(), pattern.casefold())


def filled(
    slots: Sequence[Slot], stems: Sequence[Track], chosen: Mapping[int, Track], warnings: Iterable[str] = ()
) -> Filled:
    """What is told about a template once the `chosen` slots are filled."""
    return Filled(
        (),
        {stem.name: _why_not(stem, slots, chosen) for stem in stems if stem not in chosen.values()},
        tuple(slot.name for number, slot in enumerate(slots) if not slot.taken and number not in chosen),
        tuple((stem.name, slots[number].name) for number, stem in chosen.items()),
        tuple(warnings),
    )


def _why_not(stem: Track, slots: Sequence[Slot], chosen: Mapping[int, Track]) -> str:
    """Why no track took a stem: what keeps each that has its name, or else its role."""
    for fits in (_is_called, _means):
        alike = [(number, slot) for number, slot in enumerate(slots) if fits(stem, slot.name)]
        if alike:
            return " and ".join(f"{slot.name} {slot.taken or f'took {chosen[n].name}'}" for n, slot in alike)
    return "no track has its name or role"


def other_grid(session: Session, points: tuple[GridPoint, ...]) -> Iterator[str]:
    """Warnings when the grid of a template is not that of the song where its bar 1 is; stems stay at their time."""
    bar_1 = seconds(session.song.downbeat_frame, session.song.sample_rate)
    point = next((point for point in reversed(points) if point.at <= bar_1 + _LATE_S), points[0])
    yield from other_tempo(session, float(point.bpm))
    metres = [points[0], *(point for before, point in pairwise(points) if point.meter != before.meter)]
    bar = next((metre for metre in reversed(metres) if metre.at <= bar_1 + _LATE_S), points[0])
    beat = quarters_at(points, bar_1) - bar.quarters  # a metre begins with a bar
    if session.song.bpm and abs(beat - round(beat)) * 60 / point.bpm > _LATE_S:
        at = clock(session.song.downbeat_frame, session.song.sample_rate)
        yield f"bar 1 of the song, at {at}, is no beat of the template"


def other_tempo(session: Session, bpm: float) -> Iterator[str]:
    """A warning when a template runs at another tempo than the song begins with; stems stay at their time."""
    song = session.song.bpm
    if song and abs(song.value - bpm) > _SAME_BPM:
        told = f"the template runs at {bpm:g} BPM, the song at {song.value:g}"
        yield f"{told}: stems keep their time and their speed, bars lie elsewhere"


def other_rate(session: Session, sample_rate: int) -> Iterator[str]:
    """A warning when a template is set to another rate (Hz) than the stems have."""
    if session.sample_rate != sample_rate:
        yield f"the template is set to {sample_rate} Hz, the stems have {session.sample_rate}: the DAW converts them"


def _mapped(places: Mapping[str, int], stems: Sequence[Track], mapping: Mapping[str, str]) -> dict[int, Track]:
    """Stems by the number of the slot that the user gives them: the first of that name."""
    known = {stem.name: stem for stem in stems}
    chosen: dict[int, Track] = {}
    for stem, track in mapping.items():
        if stem not in known:
            raise UnknownName(f"there is no stem {stem!r}", f"known: {', '.join(known)}", stem, known)
        if track not in places:
            raise UnknownName(
                f"the template has no track {track!r} for {stem}", f"it has: {', '.join(places)}", track, places
            )
        if places[track] in chosen:
            raise SessionError(
                f"{chosen[places[track]].name} and {stem} are both meant for the track {track}",
                "give each its own track",
            )
        chosen[places[track]] = known[stem]
    return chosen


def _is_called(stem: Track, name: str) -> bool:
    return stem.name.casefold().split() == name.casefold().split()


def _means(stem: Track, name: str) -> bool:
    return stem.role != "other" and guess_role(name) == stem.role
