"""Stems that stand elsewhere in the mix than in their file: late, drifting, or with left and right exchanged.

They are looked for in some windows of the song, the best explanation first: it is put right, the gains are solved
again, and so on until nothing more is found. So one fault does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stemwright.measure import align
from stemwright.measure.align import Place
from stemwright.measure.fit import Fit, common, fit
from stemwright.measure.lean import leaning
from stemwright.measure.together import Grams, Track, as_channels, side_by_side

WINDOW = 1 << 17
"""Frames of a window at most. Its middle half counts; what is beside it is there to be moved in."""
MOST_WINDOWS = 16
FEWEST_WINDOWS = 8
MOST_BYTES = 1 << 27
"""Of samples in windows; with many stems the windows are shorter and then fewer."""
ODD = 0.1
"""A gain that is off the common one by more than this share makes a stem a suspect."""
MOST_SUSPECTS = 12
EACH = 3
"""Windows chosen for each suspect; the others are those in which most of the mix is left."""
PLAUSIBLE = (0.3, 3.0)
"""A stem that is found elsewhere stands there at this many times the common gain."""
LEAST, LEAST_LAG = 0.02, 0.5
"""A move explains this share of what is left of the mix at least, and is this many frames."""
NEAR, MUCH, NULLED_DB = 16, 0.5, -50.0
"""A lag of fewer frames must explain that share of what is left, or all moves together must leave less than this of
the mix: equalisers move low notes by some frames."""
TELLING = 0.2
"""Share of what is left of the mix that one stem must explain, its sides exchanged."""
DRIFT_DB, DRIFT_SHARE = 6.0, 0.02
"""A drift must leave so much less than the best steady lag, or explain this share of the stem more: beside another
fault, which leaves much itself, only the second can be seen."""

SHORT, LEAST_PPM, LEANS_DB = 1 << 20, 10.0, 2.0
"""Frames of all windows up to which slow drifts are looked for by their slope (longer songs show them in the lags), the
least of them, and what they must take from what the best steady lag leaves: two numbers cannot do that by chance."""

NOWHERE = Place(0.0)
"""No move."""

Stems = NDArray[np.float32]
"""`[stems, windows, channels, frames]`; the mix and its remains are the same without the first."""


@dataclass(frozen=True, slots=True)
class Move:
    """What must be done to a stem for it to be the one in the mix."""

    place: Place = NOWHERE
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Windows of the song, in its order, and the moves found so far by stem."""

    stems: Stems
    mix: NDArray[np.float32]
    starts: NDArray[np.int64]
    mono: Sequence[bool]
    rate: int
    moves: dict[int, Move] = field(default_factory=dict)

    def put(self, stem: int, move: Move) -> NDArray[np.float32]:
        """One stem where a move puts it."""
        sides = self.stems[stem][:, ::-1] if move.swapped else self.stems[stem]
        return align.moved(sides, move.place, self.starts)

    def moved(self) -> Stems:
        """All stems where the moves put them."""
        made = self.stems.copy() if self.moves else self.stems
        for stem, move in self.moves.items():
            made[stem] = self.put(stem, move)
        return made

    def inner(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Without the edges that a move spoils."""
        edge = align.reach(windows.shape[-1])
        return windows[..., edge:-edge]

    def fit(self) -> Fit:
        """The gains in the windows."""
        stems, products = self.moved(), []
        for window, mix in enumerate(self.mix):
            rows = np.concatenate((stems[:, window], mix[None])).swapaxes(0, 1)
            samples = self.inner(rows).astype(np.float64)
            products.append(samples @ samples.swapaxes(-1, -2))
        return fit(np.stack(products), self.mono, self.inner(self.mix)[:, 0].size / self.rate)

    def solved(self) -> tuple[Fit, Stems, NDArray[np.float32]]:
        """The gains, the stems where the moves put them, and what both leave of the mix."""
        found, stems = self.fit(), self.moved()
        return found, stems, self.mix - np.einsum("ci,iwcf->wcf", found.gains.astype(np.float32), stems, optimize=True)


def look(tracks: Sequence[Track], mix: Track, known: Grams, found: Fit, mono: Sequence[bool]) -> Look:
    """Windows where the suspects are loud, and then those where most of the mix is left."""
    size = min(WINDOW, max(1 << 14, 1 << mix.file.frames.bit_length() - 1))
    channels = known.products.shape[1]
    fit_in = MOST_BYTES // (4 * channels * (len(tracks) + 1))  # frames
    while size > 1 << 14 and fit_in < FEWEST_WINDOWS * size:
        size //= 2
    count = min(MOST_WINDOWS, max(2, fit_in // size))
    slots, slot_of = np.unique(np.array(known.starts) // (size // 2), return_inverse=True)
    energy = np.zeros((len(slots), len(tracks) + 1))  # the last column: what is left of the mix
    np.add.at(energy, slot_of, known.products.diagonal(axis1=2, axis2=3).sum(axis=1))
    energy[:, -1] = np.bincount(slot_of, found.residual)
    wanted = suspects(found) * EACH + [-1] * count
    chosen: list[int] = []
    for column in wanted[: min(count, len(slots))]:
        score = energy[:, column].copy()
        score[chosen] = -1
        chosen.append(int(score.argmax()))
    quarters = 2 * slots[sorted(chosen), None] + np.arange(-1, 3)  # the slot is the middle half of its window
    needed, places = np.unique(quarters, return_inverse=True)
    room = np.zeros((len(tracks) + 1, len(needed), channels, size // 4), np.float32)
    for at, blocks in enumerate(side_by_side((*tracks, mix), [(int(q) * (size // 4), size // 4) for q in needed])):
        for row, block in enumerate(blocks):
            room[row, at] = as_channels(block, channels)
    windows = room[:, places.reshape(quarters.shape)].swapaxes(2, 3).reshape(len(room), -1, channels, size)
    windows -= windows.mean(axis=-1, keepdims=True)
    return Look(windows[:-1], windows[-1], quarters[:, 0] * (size // 4), mono, mix.file.format.sample_rate)


def oddest(found: Fit) -> list[int]:
    """All stems, that with the gain furthest off the common one first."""
    off = np.where(found.decided, np.abs(found.gain - common(found.gain, found.decided)), 0)
    return [int(stem) for stem in np.argsort(-off, kind="stable")]


def suspects(found: Fit) -> list[int]:
    """Stems whose gain is odd, the oddest first; all of them when some are inverted, for then most may be wrong."""
    usual = common(found.gain, found.decided)
    off = np.where(found.decided, np.abs(found.gain - usual), 0)
    if (off > abs(usual)).any():
        off[found.decided] += ODD * abs(usual)
    return [stem for stem in oddest(found) if off[stem] > ODD * abs(usual)][:MOST_SUSPECTS]


def find_moves(seen: Look) -> None:
    """Fill in the moves, and take back those that do not make things clear."""
    near: set[int] = set()
    for _ in seen.stems:
        found, stems, rest = seen.solved()
        gains, left = found.gains.astype(np.float32), _power(seen.inner(rest))
        best, most = None, LEAST * left
        for stem, move in _candidates(seen, found, stems, rest):
            own = rest + gains[:, stem, None] * stems[stem]
            power, gain = _explained(seen, own, seen.put(stem, move))
            more = power - _explained(seen, own, stems[stem])[0]
            if more > most and _plausible(gain, found):
                best, most = (stem, move), more
        if best is None:
            break
        seen.moves[best[0]] = best[1]
        where = best[1].place
        if abs(where.lag) < NEAR and not (where.drift_ppm or best[1].swapped) and most < MUCH * left:
            near.add(best[0])
    if seen.moves:
        _refine(seen)
    if near and seen.fit().decibels > NULLED_DB:
        for stem in near & seen.moves.keys():
            del seen.moves[stem]
    _check_drifts(seen)
    _find_leaning(seen)
    last = seen.fit()
    for stem in [stem for stem in seen.moves if not _plausible(last.gain[stem], last)]:
        del seen.moves[stem]


def _plausible(gain: float, found: Fit) -> bool:
    usual = abs(common(found.gain, found.decided))
    return not usual or PLAUSIBLE[0] < abs(gain) / usual < PLAUSIBLE[1]


def _refine(seen: Look) -> None:
    """Find the places once more, now that no stem lies in the way of another one."""
    for stem, move in list(seen.moves.items()):
        if not move.swapped:
            found, stems, rest = seen.solved()
            own = rest + found.gains.astype(np.float32)[:, stem, None] * stems[stem]
            if move.place.drift_ppm:
                where = align.place(seen.stems[stem], own, seen.starts)
            else:
                lag = align.steady(seen.stems[stem], own)
                where = None if lag is None else Place(lag)
            seen.moves[stem] = Move(where) if where else move
            if where and abs(where.lag) < LEAST_LAG and not where.drift_ppm:
                del seen.moves[stem]


def _check_drifts(seen: Look) -> None:
    """A drift must explain far more than the best steady lag does; else the stem is taken as steady."""
    for stem, move in list(seen.moves.items()):
        if move.place.drift_ppm:
            found, stems, rest = seen.solved()
            own = rest + found.gains.astype(np.float32)[:, stem, None] * stems[stem]
            lag = align.steady(seen.stems[stem], own)
            steady = Move(Place(lag if lag is not None and abs(lag) >= LEAST_LAG else 0.0))
            if not _clearer(seen, own, stem, move, steady):
                del seen.moves[stem]
                if steady.place.lag:
                    seen.moves[stem] = steady


def _clearer(
    seen: Look, own: NDArray[np.float32], stem: int, drift: Move, steady: Move, least_db: float = DRIFT_DB
) -> bool:
    """Whether a drift explains far more of what the other stems leave of the mix than the best steady lag does."""
    power = _power(seen.inner(own))
    drifting, least = (_explained(seen, own, seen.put(stem, move))[0] for move in (drift, steady))
    return power - drifting < 10 ** (-least_db / 10) * (power - least) or drifting - least > DRIFT_SHARE * drifting


def _find_leaning(seen: Look) -> None:
    """Slow drifts in a short song, of stems that seem to be late by little or nothing; the clearest first."""
    if seen.mix[:, 0].size > SHORT:
        return
    for _ in seen.stems:
        found, stems, rest = seen.solved()
        if found.decibels < NULLED_DB:
            return
        best, most = None, 0.0
        for stem in [one for one in oddest(found) if found.decided[one]][:MOST_SUSPECTS]:
            move = seen.moves.get(stem, Move())
            if move.place.drift_ppm or move.swapped:
                continue
            own = rest + found.gains.astype(np.float32)[:, stem, None] * stems[stem]
            where = leaning(seen.stems[stem], own, seen.starts, move.place)
            if where and abs(where.drift_ppm) > LEAST_PPM and _clearer(seen, own, stem, Move(where), move, LEANS_DB):
                power = _explained(seen, own, seen.put(stem, Move(where)))[0] - _explained(seen, own, stems[stem])[0]
                if power > most:
                    best, most = (stem, Move(where)), power
        if best is None:
            return
        seen.moves[best[0]] = best[1]


def _candidates(seen: Look, found: Fit, stems: Stems, rest: NDArray[np.float32]) -> Iterator[tuple[int, Move]]:
    """Where what the others leave of the mix holds each stem, drifts of suspects, and sides that seem exchanged."""
    gains, odd = found.gains.astype(np.float32), suspects(found)
    decided = [stem for stem in oddest(found) if found.decided[stem] and stem not in seen.moves]
    for stem in decided[:MOST_SUSPECTS]:
        own = rest + gains[:, stem, None] * stems[stem]
        lag = align.steady(seen.stems[stem], own)
        if lag is not None and abs(lag) >= LEAST_LAG:
            yield stem, Move(Place(lag))
        where = align.place(seen.stems[stem], own, seen.starts) if stem in odd else None
        if where and where.drift_ppm:
            yield stem, Move(where)
    for stem in decided if len(rest[0]) == 2 else ():
        if not seen.mono[stem]:
            turned = Move(swapped=True)
            own = rest + gains[:, stem, None] * stems[stem]
            before, after = (_explained(seen, own, x)[0] for x in (stems[stem], seen.put(stem, turned)))
            if after - before > TELLING * _power(seen.inner(rest)):
                yield stem, turned


def _power(windows: NDArray[np.float32]) -> float:
    return float(np.vdot(windows, windows))


def _explained(seen: Look, rest: NDArray[np.float32], stem: NDArray[np.float32]) -> tuple[float, float]:
    """Power of the rest that the stem takes away, and the gain with which it does."""
    inner, own = seen.inner(rest), seen.inner(stem)
    product, power = float(np.vdot(inner, own)), float(np.vdot(own, own))
    return (product**2 / power, product / power) if power else (0.0, 0.0)
