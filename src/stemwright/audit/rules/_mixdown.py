"""What the comparison of the stems with the reference mix proves: the rules about it must not tell one cause twice."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.model import Mixdown, Part, Stem, StemSet
from stemwright.units import db

CLEAR_DB = -50.0
"""Fitted residual below which gains are proved, and not only likely."""
GAIN_DB = 0.1
"""Stems that stand closer to the common gain are as loud as in the mix."""
EXPLAINED_DB = -40.0
"""Fitted residual below which nothing else needs to be looked for."""


def solved(stems: StemSet) -> tuple[Stem, Mixdown] | None:
    """The reference mix and how the stems stand in it; None when there is none or it could not be compared."""
    made = stems.compared.mixdown
    return (stems.mix, made) if stems.mix and made and (made.parts or made.drift_ppm) else None


def parts(stems: StemSet) -> Iterator[tuple[Part, Mixdown]]:
    """How each stem stands in the reference mix, if it could be compared, and how all do."""
    found = solved(stems)
    return ((part, found[1]) for part in found[1].parts) if found else iter(())


def lossy(stems: StemSet) -> bool:
    """Whether the mix or a stem went through a codec, which leaves a residual of its own."""
    return any(stem.file.format.lossy for stem in stems.everything)


def damaged(stems: StemSet) -> bool:
    """Whether something is missing that another rule tells of: a file that cannot be read, or the end of one."""
    return bool(stems.unreadable) or any(damage.lost_frames for stem in stems.everything for damage in stem.file.damage)


def share(part: Part, made: Mixdown) -> float:
    """The part's gain re that of all stems."""
    return part.gain / made.gain if made.gain else 0.0


def doubt(part: Part, made: Mixdown) -> float:
    """Three standard errors of that share."""
    return 3 * part.error / abs(made.gain) if made.gain else 1.0


def not_found(part: Part, made: Mixdown) -> bool:
    """Not where it belongs in the mix, nor anywhere that was looked: 20 dB below the other stems at least."""
    return part.certain and not elsewhere(part) and abs(share(part, made)) + doubt(part, made) < 0.1


def hidden(part: Part, made: Mixdown) -> bool:
    """Not found, but what is left of the mix is loud enough to hold it: changed, or too far away to be found."""
    return not_found(part, made) and made.fitted_db > max(CLEAR_DB, part.level_db - 3)


def absent(part: Part, made: Mixdown) -> bool:
    """Not in the mix, for certain."""
    return not_found(part, made) and not hidden(part, made)


def inverted(part: Part, made: Mixdown) -> bool:
    """Upside down in the mix, for certain."""
    return part.certain and share(part, made) + doubt(part, made) < -0.1


def elsewhere(part: Part) -> bool:
    """At another place of the mix, drifting, or with its sides exchanged."""
    return part.lag is not None or part.drift_ppm is not None or part.swapped


def off_gains(stems: StemSet, made: Mixdown, limit_db: float = GAIN_DB) -> list[tuple[Part, float]]:
    """Stereo stems that are louder than in the mix by so many dB; nothing unless most stems share one gain."""
    mono = {stem.file.path for stem in stems.stems if stem.file.format.channels == 1}
    sure = [part for part in made.parts if part.certain and part.path not in mono and not elsewhere(part)]
    levels = [(part, -db(abs(share(part, made)))) for part in sure]
    off = [(part, level) for part, level in levels if abs(level) > limit_db]
    if made.fitted_db > CLEAR_DB or 2 * len(off) >= len(levels):
        return []
    return [(part, level) for part, level in off if not not_found(part, made) and doubt(part, made) < 0.01]


def drifting(made: Mixdown) -> bool:
    """Whether a stem drifts; then what is left of the mix tells nothing."""
    return any(part.drift_ppm is not None for part in made.parts)


def processed(made: Mixdown) -> bool:
    """Whether what is left of the mix is the work of its master bus."""
    seen = (made.level_dependent or made.filtered) and not made.late
    return seen and made.fitted_db > -60.0 and not drifting(made)


def returns_missing(made: Mixdown) -> bool:
    """Whether what is left of the mix are echoes of the stems."""
    return made.late and made.fitted_db > EXPLAINED_DB and not drifting(made)


def sound_missing(made: Mixdown) -> bool:
    """Whether most of what is left is in some places, and the mix is exact in others."""
    left = made.fitted_db > EXPLAINED_DB and made.best_db < CLEAR_DB and bool(made.spans)
    return left and not (processed(made) or returns_missing(made) or drifting(made))


def sound_of(made: Mixdown) -> Part | None:
    """The loudest stem that was not found and may be most of what is left of the mix."""
    loud = [part for part in made.parts if hidden(part, made) and part.level_db > made.fitted_db - 6]
    return max(loud, key=lambda part: part.level_db, default=None)


def parts_told(stems: StemSet, made: Mixdown) -> bool:
    """Whether other rules tell of parts that explain why the plain sum is not the mix."""
    doubles = {pair.second for pair in stems.compared.twins} | {path for path, _ in stems.compared.sums}
    return bool(off_gains(stems, made)) or any(
        absent(part, made) or inverted(part, made) or elsewhere(part) or (not part.certain and part.path in doubles)
        for part in made.parts
    )
