"""Least squares of a reference mix on its stems, from Gram matrices.

Each stereo stem has one gain; a mono stem has one for each channel of the mix, since it may be panned. Directions in
which the stems' samples cancel each other (doubled stems, a bus beside its members) are left out, and the stems that
lie in them are known to be undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.units import db

Matrix = NDArray[np.float64]

FLAT = 1e-6
"""Eigenvalues of the normalised Gram matrix below this are no direction: the stems cancel to -60 dB there."""
SHARE = 0.01
"""A stem that has this share of such a direction is undecided."""
CYCLES = 200
"""Independent values a second that the error of a gain is reckoned with; music has far fewer than samples."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Gains of all stems. Arrays are `[stems]` unless said."""

    gains: Matrix
    """`[channels, stems]`, linear."""
    error: Matrix
    """Standard error of the gains."""
    decided: NDArray[np.bool_]
    """False for stems that cannot be told apart from others, and for silent ones."""
    condition: float
    """Of the normalised Gram matrix."""
    residual: Matrix
    """`[segments]`: power of the mix less the stems."""
    power: Matrix
    """`[segments]`: power of the mix."""

    @property
    def decibels(self) -> float:
        """Residual re the mix, dB."""
        return decibels(self.residual.sum(), self.power.sum())

    @property
    def gain(self) -> Matrix:
        """One gain per stem: the mean over the channels."""
        mean: Matrix = self.gains.mean(axis=0)
        return mean


def decibels(residual: float, power: float) -> float:
    """A ratio of powers in dB; -inf where only rounding of the arithmetic is left (-150 dB)."""
    ratio = residual / power if power > 0 else 0.0
    return db(float(np.sqrt(ratio))) if ratio > 1e-15 else -np.inf


def fit(products: Matrix, mono: Sequence[bool], seconds: float, *, one_gain: bool = False) -> Fit:
    """Solve `[segments, channels, stems + 1, stems + 1]`, the mix last; with one gain for all stereo stems on demand.

    The error of a gain is the larger of two: that of a steady residual, and that seen between the segments (White's
    sandwich with segments as clusters), which knows of compressors.
    """
    channels, stems = products.shape[1], products.shape[2] - 1
    columns = [(i,) for i in range(stems) if not mono[i]]
    groups = [tuple(i for (i,) in columns)] if one_gain and columns else columns
    places = [[(c, i) for i in group for c in range(channels)] for group in groups]
    places += [[(c, i)] for i in range(stems) if mono[i] for c in range(channels)]
    choose = np.zeros((channels, stems, len(places)))
    for unknown, members in enumerate(places):
        for channel, stem in members:
            choose[channel, stem, unknown] = 1

    total = products.sum(axis=0)
    matrix = np.einsum("cia,cij,cjb->ab", choose, total[:, :stems, :stems], choose, optimize=True)
    scale = np.sqrt(matrix.diagonal())
    inverse_scale = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    silent = scale == 0
    values, vectors = np.linalg.eigh(matrix * np.outer(inverse_scale, inverse_scale) + np.diag(silent))
    kept = values > FLAT
    vectors_kept = vectors[:, kept]
    inverse = (vectors_kept / values[kept]) @ vectors_kept.T * np.outer(inverse_scale, inverse_scale)
    unknowns = inverse @ np.einsum("cia,ci->a", choose, total[:, :stems, stems])
    gains = choose @ unknowns

    left = products[..., :stems, stems] - np.einsum("kcij,cj->kci", products[..., :stems, :stems], gains)
    power = products[..., stems, stems].sum(axis=1)
    residual = np.maximum(power - np.einsum("kci,ci->k", products[..., :stems, stems] + left, gains), 1e-16 * power)
    scores = inverse @ np.einsum("cia,kci->ak", choose, left)
    steady = inverse.diagonal() * residual.sum() / max(1.0, CYCLES * seconds * channels)
    error = np.sqrt(np.maximum((scores**2).sum(axis=1), steady))
    undecided = silent | ((vectors[:, ~kept] ** 2).sum(axis=1) > SHARE)
    spread = choose.max(axis=0)
    return Fit(
        gains=gains,
        error=(spread * error).max(axis=1),
        decided=~(spread * undecided).any(axis=1),
        condition=float(values[-1] / max(values[0], 1e-16)),
        residual=residual,
        power=power,
    )


def common(gain: Matrix, usable: NDArray[np.bool_]) -> float:
    """The gain that the stems have in common: the median magnitude of those that are there at all; 0 if none is.

    It has the sign of most of them, and is positive when half are inverted.
    """
    gain = gain[usable]
    size = np.abs(gain)
    there = size > 0.1 * size.max(initial=0.0)
    if not there.any():
        return 0.0
    return float(np.median(size[there])) * (1.0 if np.sign(gain[there]).sum() >= 0 else -1.0)
