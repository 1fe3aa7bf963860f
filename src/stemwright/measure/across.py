"""What only the whole set can tell: twins, sums of other stems, the peak of all stems together, and the mix.

Where there is a mix to solve, all files are read once more, side by side. Where there is none, only short pieces
are read in which every stem sounds, and those where the sum could be above full scale. Stems that cannot be laid
beside the others (another sample rate, more than two channels) are left out and no sum is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.probe import majority_rate
from stemwright.measure.crew import each, workers
from stemwright.measure.mixdown import mixdown
from stemwright.measure.tallies import Envelope
from stemwright.measure.together import FRAMES, Grams, Spans, Track, grams, side_by_side, whole
from stemwright.measure.twins import sums, twins
from stemwright.model import Across, Stem, StemSet, Twins
from stemwright.units import db, linear

HELD_DB = -3.0
"""What the other stems leave of the mix at most if one that equals it is a copy: a solo equals it, too."""
COLUMNS = 600
"""Of `Levels.overview`."""
OFTEN = 3
"""Pieces in which a stem must be loud before it is known well enough."""
MOST_PIECES = 48
FIRST_LOOK = 32
MANY_READS = 10_000
"""More than that are shared among processes."""
_ROUNDING = 1 + 1e-5
"""Sums of float32 may come out higher, added in another order."""
LOUDEST_DBFS = 60.0
"""Floats above this are damage, and their squares would drown everything."""


def measure_across(stems: StemSet, total: Envelope | None = None) -> Across:
    """Compare the stems with each other and with the mix; their levels must be filled in.

    `total` is the envelope of the sum of all `music`; without it more is read. Raises DamagedAudio or InputError when
    a file changed since it was measured.
    """
    sounding = [stem for stem in music(stems) if stem.file.frames and stem.levels and not stem.levels.silent]
    usable = [stem for stem in sounding if _plain(stem)]
    if not usable:
        return Across()
    rate = majority_rate(tuple(stem.file for stem in usable))
    usable = [stem for stem in usable if stem.file.format.sample_rate == rate]
    complete = len(usable) == len(sounding)
    tracks = [Track(stem.file) for stem in usable]
    frames = max(stem.file.frames for stem in usable)
    if stems.mix and complete and _comparable(stems.mix, rate):
        spans = whole(max(frames, stems.mix.file.frames))
        known = grams(tracks, Track(stems.mix.file), spans)
        if copies := twins((*usable, stems.mix), known.products.sum(axis=(0, 1)), of_last=True):
            rest = _without(stems, copies)
            if rest.mixdown and (rest.mixdown.fitted_db < HELD_DB or rest.mixdown.drift_ppm):
                return rest
        peak: float | None = db(known.peak)
        sounds = known.products[..., -1, -1].any()
        mixed = mixdown(usable, stems.mix, spans, known) if sounds else None
    else:
        known = grams(tracks, None, _pieces(usable, frames))
        peak, mixed = _sum_peak(usable, frames, total) if complete else None, None
    pairs, found = _related(usable, known)
    return Across(pairs, found, peak, mixed)


def music(stems: StemSet) -> list[Stem]:
    """The stems that belong into a sum: a click is for the players."""
    return [stem for stem in stems.stems if stem.role != "click"]


def _without(stems: StemSet, copies: tuple[Twins, ...]) -> Across:
    """The comparison without copies of the mix among the stems, which would explain all of it."""
    taken = {pair.second for pair in copies}
    found = measure_across(replace(stems, stems=tuple(stem for stem in stems.stems if stem.file.path not in taken)))
    return replace(found, twins=(*copies, *found.twins))


def _plain(stem: Stem) -> bool:
    return stem.file.format.channels <= 2 and bool(stem.levels and stem.levels.sample_peak_dbfs < LOUDEST_DBFS)


def _comparable(mix: Stem, rate: int) -> bool:
    return bool(mix.levels and not mix.levels.silent and _plain(mix) and mix.file.format.sample_rate == rate)


def _related(
    stems: Sequence[Stem], known: Grams
) -> tuple[tuple[Twins, ...], tuple[tuple[Path, tuple[Path, ...]], ...]]:
    """Twins and sums, from the inner products over all segments and channels."""
    count = len(stems)
    products = known.products.sum(axis=(0, 1))[:count, :count]
    pairs = twins(stems, products)
    second = {pair.second for pair in pairs}
    left_out = frozenset(index for index, stem in enumerate(stems) if stem.file.path in second)
    paths = [stem.file.path for stem in stems]
    return pairs, tuple((paths[one], tuple(paths[m] for m in members)) for one, members in sums(products, left_out))


def _pieces(stems: Sequence[Stem], frames: int) -> Spans:
    """Columns of the overviews in which every stem is loud at least a few times."""
    if frames <= FRAMES:
        return [(0, frames)]
    heights = np.stack([_heights(stem, frames) for stem in stems])
    loud = heights >= 0.5 * heights.max(axis=1, keepdims=True)
    wanted = np.minimum(OFTEN, loud.sum(axis=1))
    chosen: list[int] = []
    while (wanted > 0).any() and len(chosen) < MOST_PIECES:
        score = loud[wanted > 0].sum(axis=0)
        score[chosen] = -1
        chosen.append(int(score.argmax()))
        wanted -= loud[:, chosen[-1]]
    edges = _edges(frames)
    return [(edges[c], min(edges[c + 1] - edges[c], FRAMES)) for c in sorted(chosen)]


def _sum_peak(stems: Sequence[Stem], frames: int, total: Envelope | None) -> float | None:
    """Peak of the sum, dBFS, if it is above full scale; None if the stems' peaks rule that out.

    The columns of time in which the sum could be highest are read first, then those that could still be higher.
    """
    if total:
        bound, edges = total.heights() * _ROUNDING, np.minimum(np.arange(0, frames + total.step, total.step), frames)
    else:
        bound, edges = np.sum([_bound(stem, frames) for stem in stems], axis=0), np.array(_edges(frames))
    peak, done, count = 1.0, 0, FIRST_LOOK
    order = np.flatnonzero(bound > peak)
    order = order[np.argsort(-bound[order])]
    while done < len(order) and bound[order[done]] > peak:
        part, done, count = order[done : done + count], done + count, 4 * count
        wanted = np.zeros(len(bound) + 2, bool)
        wanted[1 + part[bound[part] > peak]] = True
        runs = edges[np.flatnonzero(np.diff(wanted)).reshape(-1, 2)].tolist()
        spans = [piece for first, end in runs for piece in _cut(first, end)]
        crew = workers() if len(spans) * len(stems) > MANY_READS else 1
        shares = [spans[k * len(spans) // crew : (k + 1) * len(spans) // crew] for k in range(crew)]
        found = each(partial(_highest, stems, shares), crew, crew, heavy=True)
        peak = max(peak, *(height for _, height in found))
    return db(peak) if peak > 1.0 else None


def _highest(stems: Sequence[Stem], shares: Sequence[Spans], share: int, worker: int) -> float:
    """The largest magnitude of the sum in one share of the spans."""
    most = 0.0
    for blocks in side_by_side([Track(stem.file) for stem in stems], shares[share]) if shares[share] else ():
        made = np.zeros((2, blocks[0].shape[1]), np.float32)
        for block in blocks:
            made += block
        most = max(most, float(made.max()), -float(made.min()))
    return most


def _cut(start: int, end: int) -> Spans:
    return [(at, min(FRAMES, end - at)) for at in range(start, end, FRAMES)]


def _edges(frames: int) -> list[int]:
    """Of the columns of an overview; in a file of fewer frames some are empty."""
    return [column * frames // COLUMNS for column in range(COLUMNS + 1)]


def _heights(stem: Stem, frames: int) -> NDArray[np.float64]:
    """Largest magnitude of a stem in each column of a timeline of so many frames; flat without an overview."""
    assert stem.levels
    peak = linear(stem.levels.sample_peak_dbfs)
    column = ((np.arange(COLUMNS) + 0.5) * frames / stem.file.frames).astype(int)
    if not stem.levels.overview:
        return np.where(column < COLUMNS, peak, 0.0)
    size = np.abs(np.array(stem.levels.overview, float)).reshape(-1, 2).max(axis=1) / 127
    own = np.minimum(column * len(size) // COLUMNS, len(size) - 1)
    return np.where(column < COLUMNS, size[own], 0.0)


def _bound(stem: Stem, frames: int) -> NDArray[np.float64]:
    """What a stem cannot exceed in each column: a step more than is drawn there or beside it, where that is not cut."""
    assert stem.levels
    peak = linear(stem.levels.sample_peak_dbfs)
    if not stem.levels.overview or stem.file.frames != frames:
        return np.full(COLUMNS, peak)
    high = np.pad(_heights(stem, frames), 1)
    high = np.maximum(np.maximum(high[:-2], high[2:]), high[1:-1])
    return np.where(high < 1, np.minimum(high + 1 / 127, peak), peak)
