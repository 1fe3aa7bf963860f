"""The 70 colours of Live 11 and 12, which a set names by number."""

from __future__ import annotations

from functools import cache

_COLOURS = (
    "ff94a6 ffa529 cc9927 f7f47c bffb00 1aff2f 25ffa8 5cffe8 8bc5ff 5480e4 92a7ff d86ce4 e553a0 ffffff "
    "ff3636 f66c03 99724b fff034 87ff67 3dc300 00bfaf 19e9ff 10a4ee 007dc0 886ce4 b677c6 ff39d4 d0d0d0 "
    "e2675a ffa374 d3ad71 edffae d2e498 bad074 9bc48d d4fde1 cdf1f8 b9c1e3 cdbbe4 ae98e5 e5dce1 a9a9a9 "
    "c6928b b78256 99836a bfba69 a6be00 7db04d 88c2ba 9bb3c4 85a5c2 8393cc a595b5 bf9fbe bc7196 7b7b7b "
    "af3333 a95131 724f41 dbc300 85961f 539f31 0a9c8e 236384 1a2f96 2f52a2 624bad a34bad cc2e6e 3c3c3c"
)

PALETTE = tuple(_COLOURS.split())
"""Red, green and blue in hex."""

_NOTICED = 48.0
"""Of 255: a rounding of more is seen as another colour."""


@cache
def number(colour: str) -> int:
    """The number of the colour nearest to `#rrggbb`."""
    return min(range(len(PALETTE)), key=lambda index: _distance(colour, PALETTE[index]))


def colour(index: int) -> str | None:
    """The colour of a number; None for one that there is not."""
    return f"#{PALETTE[index]}" if 0 <= index < len(PALETTE) else None


def rounded(colour: str | None) -> str | None:
    """The colour that Live shows instead."""
    return f"#{PALETTE[number(colour)]}" if colour else None


def is_noticed(colour: str) -> bool:
    """Whether the colour that Live shows is plainly another."""
    return _distance(colour, PALETTE[number(colour)]) > _NOTICED


def _distance(one: str, other: str) -> float:
    """Low-cost colour distance weighted for the eye (T. Riemersma, `redmean`), scaled to 255 for one channel."""
    (r, g, b), (red, green, blue) = (bytes.fromhex(text.lstrip("#")) for text in (one, other))
    mean = (r + red) / 2
    weighted = (2 + mean / 256) * (r - red) ** 2 + 4 * (g - green) ** 2 + (2 + (255 - mean) / 256) * (b - blue) ** 2
    return float((weighted / 3) ** 0.5)
