"""PKG007: the reference mix."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.audit import Found, rule
from stemwright.model import StemSet


@rule("PKG007", severity="warning", confidence="heuristic")
def no_reference(stems: StemSet) -> Iterator[Found]:
    """No reference mix lies with the stems.

    What
        A set of stems without a file that is the whole song.
    Why the mix engineer cares
        The rough mix tells how it is meant to sound, and it is the only proof that no stem is missing.
    How it is measured
        A file whose name means the mix (FullMix, RoughMix, Master, Bounce): see `templates/names/roles.toml`.
    Fix
        Bounce the whole song from the same start with the same length, and call it Song_FullMix.wav.
    Source
        Mixers' checklists: always send the rough mix.
    """
    if stems.folder and len(stems.stems) > 1 and not stems.mix:
        yield Found("no reference mix lies with the stems", None, 0, 1, "mixes")
