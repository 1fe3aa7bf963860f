"""What a slot of an AAF plays: its pieces, the channels that sound in each, constant gain and pan.

Automation and effects have no place in a session: they are left out and told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from stemwright.session.formats.aaf import mobs
from stemwright.session.formats.aaf.compound import damage
from stemwright.session.formats.aaf.media import DEEPEST, Reading, first_clip, inside
from stemwright.session.formats.aaf.objects import Node
from stemwright.units import db

GAIN, PAN, _COMBINER = map(UUID, (mobs.GAIN, mobs.PAN, mobs.COMBINER))
_LEVELS = {GAIN: UUID(mobs.AMPLITUDE), PAN: UUID(mobs.POSITION)}


@dataclass(slots=True)
class Piece:
    """One stretch of a lane in its edit units: the channels that sound together, or silence when there is none."""

    at: int
    length: int
    channels: list[Node]
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0


def played(reading: Reading, segment: Node, name: str, levels: dict[UUID, Fraction]) -> Node:
    """What a slot plays inside the gain and pan of its track, which go to `levels`."""
    while segment.kind == "OperationGroup" and _holds_sequence(segment):
        _level(reading, segment, name, levels)
        segment = next(segment.nodes("InputSegments"))
    return segment


def _holds_sequence(group: Node) -> bool:
    for _ in range(DEEPEST):
        inner = next(group.nodes("InputSegments"), None)
        if inner is None or inner.kind != "OperationGroup":
            return inner is not None and inner.kind == "Sequence"
        group = inner
    raise damage("operations are nested without end")


def _level(reading: Reading, group: Node, name: str, levels: dict[UUID, Fraction]) -> None:
    """Take the gain or pan of an operation into `levels`; warn of what cannot be taken."""
    kind = group.identity("Operation")
    if kind not in _LEVELS:
        if kind != _COMBINER:
            reading.told.tell("effects are left out", name)
        return
    for parameter in group.nodes("Parameters"):
        if parameter.identity("Definition") != _LEVELS[kind]:
            continue
        values = [parameter.value(), *(point.value() for point in parameter.nodes("PointList"))]
        numbers = list(dict.fromkeys(Fraction(v) for v in values if v is not None and not isinstance(v, str)))
        if len(numbers) > 1:
            reading.told.tell("automation is left out but for its first value", name)
        if numbers:
            levels[kind] = levels.get(kind, Fraction(1)) * numbers[0] if kind == GAIN else numbers[0]


def decibels(gain: Fraction) -> float:
    """A linear gain in dB, as fine as an AAF holds it; silence is -144 dB."""
    return max(round(db(float(abs(gain))), 6), -144.0) + 0.0


def pieces_of(reading: Reading, sequence: Node, name: str, at: int = 0, depth: int = 0) -> list[Piece]:
    """What a segment plays from `at` on; a transition is a fade out and a fade in that overlap."""
    if depth > DEEPEST:
        raise damage("segments are nested without end")
    parts = sequence.nodes("Components") if sequence.kind == "Sequence" else (sequence,)
    found: list[Piece] = []
    fade = 0
    for part in parts:
        length = part.whole("Length")
        if length < 0:
            raise damage(f"{name}: a clip has a negative length")
        if part.kind == "Transition":
            at, fade = max(at - length, 0), length
            if found and found[-1].at + found[-1].length == at + length:
                found[-1].fade_out = length
            continue
        if part.kind == "Sequence":
            found += pieces_of(reading, part, name, at, depth + 1)
        else:
            levels = {GAIN: Fraction(1), PAN: Fraction(1, 2)}
            channels = list(_channels(reading, part, name, levels))
            if channels:
                found.append(Piece(at, length, channels, decibels(levels[GAIN]), fade_in=fade))
        at, fade = at + length, 0
    return found


def _channels(reading: Reading, segment: Node, name: str, levels: dict[UUID, Fraction]) -> Iterator[Node]:
    """The SourceClips that sound in a segment: several for a combiner; its levels go to `levels`."""
    inner: Node | None = segment
    for _ in range(DEEPEST):
        if inner is None or inner.kind == "SourceClip":
            if inner and any(inner.data("SourceID")):
                yield inner
            return
        if inner.kind == "OperationGroup":
            _level(reading, inner, name, levels)
            if inner.identity("Operation") == _COMBINER:
                yield from filter(None, map(first_clip, inner.nodes("InputSegments")))
                return
        inner = inside(inner)
    raise damage("segments are nested without end")
