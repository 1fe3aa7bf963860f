"""Where the first and the last sound of a whole set are."""

from __future__ import annotations

from dataclasses import dataclass

from stemwright.audit import measured
from stemwright.audit.rules._majority import comparable
from stemwright.model import StemSet


@dataclass(frozen=True, slots=True)
class Edges:
    """Seconds of digital silence that all stems have in common."""

    head: float
    tail: float


def sounding(stems: StemSet) -> Edges | None:
    """The silence around the song, from file start and file end; None where nothing sounds."""
    heard = [
        (levels.first_sound, stem.file.frames - 1 - levels.last_sound, stem.file.format.sample_rate)
        for stem, levels in measured(comparable(stems.stems))
        if levels.first_sound is not None and levels.last_sound is not None
    ]
    if not heard:
        return None
    return Edges(min(first / rate for first, _, rate in heard), min(rest / rate for _, rest, rate in heard))
