"""Places in the samples: clips, flat tops, digital silence and dropouts, found region by region.

A region is `x` `[channels, n]` with EDGE frames more on both sides. A run that reaches the end of a region is joined to
what follows in the next, so results do not depend on where regions end.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from stemwright.measure._numpy import Array
from stemwright.measure.spans import MAX_SPANS
from stemwright.model import Clipping, Runs, Span
from stemwright.units import db, linear

Rows = NDArray[np.float64]
"""`[n, 5]`: first frame, end, what came before, what comes after, value."""

EDGE = 1024
CLIPPED_RUN = 3
"""Full-scale samples in a row that make a clip; one or two may be a peak that just fits."""
WORD_LENGTHS = (16, 20, 24)
"""Effective depths: a 24-bit file may really be a 16- or 20-bit one with zeros behind."""
_CORNER = 8
"""Last bits by which a flat top must stand out from the samples beside it."""
_LOUD = linear(-0.45)
_FLANK = linear(-40)
_ALIKE = 2.0
"""Ratio of the peaks in 10 ms before and after a dropout up to which the sound goes on as before."""
_DYING = 8.0
"""How far the last (or first) 1 ms may lie below the peak of 10 ms: what is lower is a note that dies away."""
_MOST = 1 << 16
"""Flat tops kept until the file's peak is known; of more only the number."""
NOTHING = np.zeros((0, 5))


class Places:
    """Places of one kind: all are counted, the first hundred of each channel kept."""

    def __init__(self) -> None:
        self.count = 0
        self._spans: defaultdict[int | None, list[Span]] = defaultdict(list)

    def add(self, rows: Rows, channel: int | None = None) -> None:
        """Further on in the file."""
        self.count += len(rows)
        spans = self._spans[channel]
        spans += [Span(int(row[0]), int(row[1]), channel) for row in rows[: MAX_SPANS - len(spans)]]

    def runs(self) -> Runs:
        """Their number, and the first hundred of all channels."""
        spans = sorted(
            (span for some in self._spans.values() for span in some), key=lambda span: (span.start, span.end)
        )
        return Runs(self.count, tuple(spans[:MAX_SPANS]))


class Joined:
    """Runs of one kind in one channel; the last waits for what follows."""

    def __init__(self) -> None:
        self._open: Rows = NOTHING

    def feed(self, rows: Rows, until: int) -> Rows:
        """The runs that are over, given those of a region that ends at `until`."""
        if not len(self._open) and not len(rows):
            return NOTHING
        if len(self._open) and len(rows) and rows[0, 0] == self._open[0, 1]:
            rows[0, [0, 2]] = self._open[0, [0, 2]]
        else:
            rows = np.concatenate((self._open, rows))
        whole = len(rows) - int(len(rows) > 0 and rows[-1, 1] == until)
        self._open = rows[whole:]
        return rows[:whole]


def rows_of(mask: NDArray[np.bool_], at: int) -> Rows:
    """The runs of True in a mask whose first frame is `at`."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    made = np.zeros((len(edges) // 2, 5))
    made[:, :2] = edges.reshape(-1, 2) + at
    return made


class Tops:
    """Clips and flat tops of one file."""

    def __init__(self, channels: int, bits: int) -> None:
        self.depths = (bits,) if 0 < bits < min(WORD_LENGTHS) else WORD_LENGTHS
        self._open = {(d, c): Joined() for d in (*self.depths, 0) for c in range(channels)}
        self._hot = {depth: (Places(), Places()) for depth in self.depths}
        self._loud = Places()
        self._flat: list[Rows] = []
        self._kept = self._more = 0

    def feed(self, x: Array, at: int, n: int, peak: Array, level: Array, top: float, used: int) -> None:
        """A region: `[channels, k]` the peaks of its cells and whether they hold three equal samples in a row.

        `top` is the peak of the file and `used` its bits, as known so far.
        """
        for channel, line in enumerate(x):
            for depth in self.depths:
                floor, rows = 1.0 - 2.0 ** (1 - depth), NOTHING
                if depth >= used and peak[channel].max() >= floor:
                    size = np.abs(line[EDGE : EDGE + n])
                    rows = rows_of((size >= floor) & (size <= 1.0), at)
                self._clips(self._open[depth, channel].feed(rows, at + n), depth, channel)
            least, rows = min(top / 2, _LOUD), NOTHING
            ends = line[[EDGE, EDGE + n - 1]]
            across = (ends == line[[EDGE - 1, EDGE + n - 2]]) & (np.abs(ends) > least)  # from region to region
            if across.any() or (level[channel] & (peak[channel] > least)).any():
                rows = _flat_rows(line, at, n, least)
            self._flats(self._open[0, channel].feed(rows, at + n), channel, top)

    def _clips(self, rows: Rows, depth: int, channel: int) -> None:
        if not len(rows):
            return
        long = rows[:, 1] - rows[:, 0] >= CLIPPED_RUN
        for places, some in zip(self._hot[depth], (long, ~long), strict=True):
            places.add(rows[some], channel)

    def _flats(self, rows: Rows, channel: int, top: float) -> None:
        if not len(rows):
            return
        rows = rows[rows[:, 1] - rows[:, 0] >= CLIPPED_RUN - 1]
        rows[:, 0] -= 1  # a run of samples equal to the one before them
        self._loud.add(rows[np.abs(rows[:, 4]) >= _LOUD], channel)
        rows = rows[rows[:, 2:4].min(axis=1, initial=math.inf) >= _CORNER * 2.0**-23]
        if len(rows):
            self._flat.append(np.column_stack((rows, np.full(len(rows), channel))))
            self._kept += len(rows)
        if self._kept > _MOST:
            flat = np.concatenate(self._flat)
            flat = flat[np.abs(flat[:, 4]) > top / 2]
            self._more += max(0, len(flat) - _MOST)
            self._flat, self._kept = [flat[:_MOST]], min(len(flat), _MOST)

    def result(self, top: float, used: int, sounding: int) -> Clipping:
        """All of it, once the file's end, peak, bits used and sounding samples are known."""
        for (depth, channel), run in self._open.items():
            rows = run.feed(NOTHING, -1)
            self._clips(rows, depth, channel) if depth else self._flats(rows, channel, top)
        depth = next((depth for depth in self.depths if depth >= used), max(self.depths))
        full, isolated = self._hot[depth]
        flat = np.concatenate((np.zeros((0, 6)), *self._flat))
        size, corner = np.abs(flat[:, 4]), flat[:, 2:4].min(axis=1, initial=math.inf)
        below = (size > top / 2) & (size < 1.0 - 2.0 ** (1 - depth))
        flat = flat[below & (corner >= _CORNER * 2.0 ** (1 - (used or 24)))]
        places = Places()
        for channel in np.unique(flat[:, 5]):
            places.add(flat[flat[:, 5] == channel], int(channel))
        places.count += self._more
        length = float((flat[:, 1] - flat[:, 0]).sum())
        return Clipping(
            full.runs(),
            isolated.runs(),
            places.runs(),
            db(float(np.median(np.abs(flat[:, 4])))) if len(flat) else -math.inf,
            length / max(sounding, 1),
            louder_than_0_45=self._loud.runs(),
        )


def _flat_rows(line: Array, at: int, n: int, least: float) -> Rows:
    """Runs of samples equal to the one before them and above `least`; before and after: how far they stand out."""
    now, before = line[EDGE : EDGE + n], line[EDGE - 1 : EDGE - 1 + n]
    rows = rows_of((now == before) & (np.abs(now) > least), 0)
    if len(rows):
        first, end = rows[:, 0].astype(int) + EDGE, rows[:, 1].astype(int) + EDGE
        value = line[first].astype(np.float64)
        rows[:, 2] = (value - line[first - 2]) * np.sign(value)
        rows[:, 3] = (value - line[end]) * np.sign(value)
        rows[:, 4] = value
        rows[:, :2] += at
    return rows


class Silences:
    """Digital silence in all channels for 1 ms or more, and dropouts: short ones with equal sound on both sides."""

    def __init__(self, sample_rate: int) -> None:
        self._least = min(math.ceil(sample_rate / 1000), EDGE)
        self._flank = min(10 * self._least, EDGE)
        self._longest = sample_rate // 2
        self._open = Joined()
        self.silences, self.dropouts = Places(), Places()

    def feed(self, x: Array, at: int, n: int, zeros: NDArray[np.int32]) -> None:
        """A region: zero samples of its cells `[channels, k]`."""
        rows = NOTHING
        empty = zeros.min(axis=0)
        if empty[0] or empty[-1] or (empty >= max(1, self._least // 2)).any():
            region = x[:, EDGE : EDGE + n]
            rows = rows_of(np.asarray((region == 0).all(axis=0)), at)
            border = (rows[:, 0] == at) | (rows[:, 1] == at + n)
            rows = rows[border | (rows[:, 1] - rows[:, 0] >= self._least)]
            for row in rows:
                first, end = int(row[0]) - at + EDGE, int(row[1]) - at + EDGE
                row[2] = self._level(x[:, first - self._flank : first][:, ::-1])
                row[3] = self._level(x[:, end : end + self._flank])
        self._add(self._open.feed(rows, at + n))

    def _level(self, flank: Array) -> float:
        """The peak beside a silence, the nearest frame first; 0 where the sound is faint or dies away."""
        size = np.abs(flank).max(axis=0)
        near, peak = float(size[: self._least].max()), float(size.max())
        return peak if near > _FLANK and near * _DYING > peak else 0.0

    def _add(self, rows: Rows) -> None:
        if not len(rows):
            return
        length = rows[:, 1] - rows[:, 0]
        rows, length = rows[length >= self._least], length[length >= self._least]
        self.silences.add(rows)
        fainter, louder = rows[:, 2:4].min(axis=1), rows[:, 2:4].max(axis=1)
        self.dropouts.add(rows[(length <= self._longest) & (fainter > 0) & (louder <= _ALIKE * fainter)])

    def close(self) -> None:
        """The end of the file."""
        self._add(self._open.feed(NOTHING, -1))
