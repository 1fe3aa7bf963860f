"""Stems that hold the same sound, and stems that are the sum of others, from the inner products of their samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import blocks
from stemwright.model import AudioFile, Stem, Twins

Matrix = NDArray[np.float64]

ALIKE = 0.9999
"""Correlation from which on two stems are twins: -37 dB of difference at equal level."""
SAME = 1 - 0.5e-6
"""Correlation from which on a stem is the mix but for gain and word length: -60 dB of difference."""
SUM_RESIDUAL = 1e-6
"""Power that may be left of a stem when others are taken from it for it to be their sum: -60 dB."""
EQUAL_GAINS = 0.05
"""How much the members' gains in a sum may differ."""


def twins(stems: Sequence[Stem], products: Matrix, *, of_last: bool = False) -> tuple[Twins, ...]:
    """Pairs of twins; of three alike the first with each of the others. `products` is `[stems, stems]`.

    With `of_last` only twins of the last stem, which then is their first. Files that seem to be equal are compared
    sample by sample, whatever their containers are.
    """
    power = products.diagonal()
    found: list[Twins] = []
    second: set[int] = set()
    last = len(stems) - 1
    for a, b in ((last, b) for b in range(last)) if of_last else combinations(range(len(stems)), 2):
        scale = float(np.sqrt(power[a] * power[b]))
        rho = float(products[a, b]) / scale if scale else 0.0
        if abs(rho) > (SAME if of_last else ALIKE) and not {a, b} & second:
            gain = float(products[a, b] / power[a])
            first, other = stems[a].file, stems[b].file
            exact = abs(gain - 1) < 1e-6 and _may_be_equal(stems[a], stems[b]) and _equal(first, other)
            found.append(Twins(first.path, other.path, 1.0 if exact else gain, exact, min(1.0, max(-1.0, rho))))
            second.add(b)
    return tuple(found)


def _may_be_equal(a: Stem, b: Stem) -> bool:
    if not (a.levels and b.levels):
        return False
    known = (a.levels.channel_peaks_dbfs, a.levels.first_sound, a.levels.last_sound, a.file.frames)
    return known == (b.levels.channel_peaks_dbfs, b.levels.first_sound, b.levels.last_sound, b.file.frames)


def _equal(a: AudioFile, b: AudioFile) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(blocks(a), blocks(b), strict=True))


def sums(products: Matrix, left_out: frozenset[int]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """(stem, its members) where a stem is the sum of two or more others at one gain; `left_out` takes no part.

    The softest sums come first and their members are then out of the way, so that a sum of sums is found as one.
    """
    power = products.diagonal()
    usable = [int(i) for i in np.argsort(power, kind="stable") if power[i] > 0 and i not in left_out]
    free, found = set(usable), []
    for stem in usable:
        others = np.array([other for other in usable if other != stem and other in free], int)
        if len(others) < 2:
            continue
        scale = np.sqrt(power[others] / power[stem])
        matrix = products[np.ix_(others, others)] / np.outer(scale, scale) / power[stem]
        target = products[others, stem] / scale / power[stem]
        anyhow = np.linalg.lstsq(matrix, target, rcond=1e-9)[0]
        if _left(matrix, target, anyhow) > SUM_RESIDUAL:
            continue
        weights = _not_negative(matrix, target)
        members = np.flatnonzero(weights**2 > 10 * SUM_RESIDUAL)
        gains = weights[members] / scale[members]
        even = len(members) > 1 and np.ptp(gains) <= EQUAL_GAINS * gains.max()
        if even and _left(matrix, target, weights) < SUM_RESIDUAL:
            names = sorted(int(i) for i in others[members])
            found.append((stem, tuple(names)))
            free -= set(names)
    return tuple(found)


def _left(matrix: Matrix, target: Matrix, weights: Matrix) -> float:
    """Power that is left of a stem, of 1."""
    return float(1 - 2 * weights @ target + weights @ matrix @ weights)


def _not_negative(matrix: Matrix, target: Matrix) -> Matrix:
    """Least squares with weights of 0 and more (Lawson and Hanson, 1974), from the normal equations.

    A bus is its members and not another bus less something.
    """
    weights, used = np.zeros(len(target)), np.zeros(len(target), bool)
    for _ in range(3 * len(target)):
        slope = np.where(used, 0, target - matrix @ weights)
        if slope.max() < 1e-7:
            break
        used[slope.argmax()] = True
        while used.any():
            wanted = np.zeros(len(target))
            wanted[used] = np.linalg.lstsq(matrix[np.ix_(used, used)], target[used], rcond=1e-12)[0]
            below = used & (wanted <= 0)
            if not below.any():
                weights = wanted
                break
            step = (weights[below] / (weights[below] - wanted[below] + 1e-30)).min()
            weights = weights + step * (wanted - weights)
            used &= weights > 1e-12
            weights[~used] = 0
    return weights
