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
from stemwright.measure.together import Grams, Track, as_channels, side_by_side

WINDOW = 1 << 17
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
NEAR, MUCH = 16, 0.5
"""A lag of fewer frames must explain this share of what is left: equalisers move low notes by some frames."""
TELLING = 0.2
"""Share of what is left of the mix that one stem must explain, its sides exchanged or moved by little."""

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
    size = min(WINDOW, max(1 << 14, 1 << (mix.file.frames // 4).bit_length() - 1))
    channels = known.products.shape[1]
    fit_in = MOST_BYTES // (4 * channels * (len(tracks) + 1))  # frames
    while size > 1 << 14 and fit_in < FEWEST_WINDOWS * size:
        size //= 2
    count = min(MOST_WINDOWS, max(2, fit_in // size))
    slots, slot_of = np.unique(np.array(known.starts) // size, return_inverse=True)
    energy = np.zeros((len(slots), len(tracks) + 1))  # the last column: what is left of the mix
    np.add.at(energy, slot_of, known.products.diagonal(axis1=2, axis2=3).sum(axis=1))
    energy[:, -1] = np.bincount(slot_of, found.residual)
    wanted = suspects(found) * EACH + [-1] * count
    chosen: list[int] = []
    for column in wanted[: min(count, len(slots))]:
        score = energy[:, column].copy()
        score[chosen] = -1
        chosen.append(int(score.argmax()))
    spans = [(int(slots[slot]) * size, size) for slot in sorted(chosen)]
    room = np.zeros((len(tracks) + 1, len(spans), channels, size), np.float32)
    for window, blocks in enumerate(side_by_side((*tracks, mix), spans)):
        for row, block in enumerate(blocks):
            room[row, window] = as_channels(block, channels)
    starts = np.array([at for at, _ in spans])
    return Look(room[:-1], room[-1], starts, mono, mix.file.format.sample_rate)


def suspects(found: Fit) -> list[int]:
    """Stems whose gain is odd, the oddest first; all of them when some are inverted, for then most may be wrong."""
    usual = common(found.gain, found.decided)
    off = np.where(found.decided, np.abs(found.gain - usual), 0)
    if (off > abs(usual)).any():
        off[found.decided] += ODD * abs(usual)
    order = np.argsort(-off, kind="stable")[:MOST_SUSPECTS]
    return [int(stem) for stem in order if off[stem] > ODD * abs(usual)]


def find_moves(seen: Look) -> None:
    """Fill in the moves."""
    for _ in seen.stems:
        found, stems, rest = seen.solved()
        gains = found.gains.astype(np.float32)
        usual = abs(common(found.gain, found.decided))
        best, most = None, 0.0
        for stem, move in _candidates(seen, found, stems, rest):
            own = rest + gains[:, stem, None] * stems[stem]
            power, gain = _explained(seen, own, seen.put(stem, move))
            more = power - _explained(seen, own, stems[stem])[0]
            near = 0 < abs(move.place.lag) < NEAR and not move.place.drift_ppm
            plausible = not usual or PLAUSIBLE[0] < abs(gain) / usual < PLAUSIBLE[1]
            if plausible and more > max(most, MUCH * _power(seen.inner(rest)) if near else 0):
                best, most = (stem, move), more
        if best is None:
            break
        seen.moves[best[0]] = best[1]
    if seen.moves:
        _refine(seen)


def _refine(seen: Look) -> None:
    """Find the places once more, now that no stem lies in the way of another one."""
    found, stems, rest = seen.solved()
    gains = found.gains.astype(np.float32)
    for stem, move in list(seen.moves.items()):
        if not move.swapped:
            where = align.place(seen.stems[stem], rest + gains[:, stem, None] * stems[stem], seen.starts)
            seen.moves[stem] = Move(where) if where else move


def _candidates(seen: Look, found: Fit, stems: Stems, rest: NDArray[np.float32]) -> Iterator[tuple[int, Move]]:
    """Suspects that the rest of the mix holds at another place, and stems whose sides seem exchanged."""
    gains = found.gains.astype(np.float32)
    odd, left = suspects(found), _power(seen.inner(rest))
    for stem in np.flatnonzero(found.decided).tolist():
        if stem in seen.moves:
            continue
        own = rest + gains[:, stem, None] * stems[stem]
        slope = np.gradient(stems[stem], axis=-1)  # a lag of a frame or two hardly changes the gain
        if stem in odd or _explained(seen, rest, slope)[0] > TELLING * left:
            where = align.place(seen.stems[stem], own, seen.starts)
            if where and (where.drift_ppm or abs(where.lag) >= 0.5):
                yield stem, Move(where)
        if not seen.mono[stem] and len(rest[0]) == 2:
            turned = Move(swapped=True)
            before, after = (_explained(seen, own, x)[0] for x in (stems[stem], seen.put(stem, turned)))
            if after - before > TELLING * left:
                yield stem, turned


def _power(windows: NDArray[np.float32]) -> float:
    return float(np.vdot(windows, windows))


def _explained(seen: Look, rest: NDArray[np.float32], stem: NDArray[np.float32]) -> tuple[float, float]:
    """Power of the rest that the stem takes away, and the gain with which it does."""
    inner, own = seen.inner(rest), seen.inner(stem)
    product, power = float(np.vdot(inner, own)), float(np.vdot(own, own))
    return (product**2 / power, product / power) if power else (0.0, 0.0)
