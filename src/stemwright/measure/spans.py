"""Spans that lie close together, told as one: a hundred clipped peaks of one bar are one place to look at."""

from __future__ import annotations

from collections.abc import Iterable

from stemwright.model import Span

MAX_SPANS = 100
"""Places of one kind that are kept; of more only the number."""


def joined(spans: Iterable[Span], gap: int) -> tuple[tuple[Span, int], ...]:
    """Places in order, each with the number of spans in it; spans at most `gap` frames apart are one place.

    A place names a channel only when all of its spans do.
    """
    places: list[tuple[Span, int]] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if places and span.start <= places[-1][0].end + gap:
            last, count = places[-1]
            channel = span.channel if span.channel == last.channel else None
            places[-1] = Span(last.start, max(last.end, span.end), channel), count + 1
        else:
            places.append((span, 1))
    return tuple(places)
