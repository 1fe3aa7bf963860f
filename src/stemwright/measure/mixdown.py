"""The stems against the reference mix: which gain, lag and polarity each has in it, and what is left of the mix.

First the gains by least squares over the whole song (`fit`). Where they leave more than EXACT_DB, windows of the song
are looked at: is the whole mix late (`align`), are stems elsewhere (`moves`)? If so, the song is read again with all
in place. Much that is left after that may be stems which are seconds away (`far`). The rest is described (`residue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stemwright.measure import align, residue
from stemwright.measure.align import Place
from stemwright.measure.far import far_lag
from stemwright.measure.fit import Fit, common, decibels, fit
from stemwright.measure.moves import DRIFT_DB, PLAUSIBLE, Look, Move, find_moves, look, suspects
from stemwright.measure.together import Grams, Spans, Track, grams
from stemwright.model import Mixdown, Part, Span, Stem

EXACT_DB = -60.0
"""A residual below this needs no closer look."""
STANDS_OUT_DB = -40.0
"""Residual of a segment re the mix that is worth pointing at."""
MOST_SPANS = 100
MOST_ALONE = 12
FAR_DB, FURTHER_DB, MOST_FAR = -40.0, 1.0, 6
"""What must be left of the mix for stems to be looked for seconds away, what that must take from it, how many are."""
WHOLE_DB = 6.0
"""What moving the whole mix must take from the residual; if it does not, some stems are elsewhere and not the mix."""


@dataclass(frozen=True)
class _Song:
    """All that is compared: the stems and the mix where they are taken to stand, over which spans, and their gains."""

    tracks: list[Track]
    mix: Track
    mono: list[bool]
    spans: Spans
    known: Grams

    @cached_property
    def found(self) -> Fit:
        return self.fit()

    def fit(self, *, one_gain: bool = False) -> Fit:
        """The gains over the whole song."""
        seconds = sum(frames for _, frames in self.spans) / self.mix.file.format.sample_rate
        return fit(self.known.products, self.mono, seconds, one_gain=one_gain)

    def look(self) -> Look:
        """Windows of it."""
        return look(self.tracks, self.mix, self.known, self.found, self.mono)

    def put(self, tracks: list[Track], mix: Track | None = None) -> _Song:
        """The same with the files elsewhere, read once more where none of them is cut off by that."""
        shifts = [track.shift for track in (*tracks, mix or self.mix)]
        inside = _inside(self.spans, max(0, *shifts), max(0, *(-shift for shift in shifts)))
        return replace(self, tracks=tracks, mix=mix or self.mix, known=grams(tracks, mix or self.mix, inside))


def mixdown(stems: Sequence[Stem], mix: Stem, spans: Spans, known: Grams) -> Mixdown:
    """`known` are the Gram matrices of the stems as they are and of the mix, over spans that cover all of them."""
    mono = [stem.file.format.channels == 1 for stem in stems]
    song = _Song([Track(stem.file) for stem in stems], Track(mix.file), mono, spans, known)
    late, as_is = 0.0, song.fit(one_gain=True)
    seen: Look | None = None
    if song.found.decibels > EXACT_DB:
        seen = song.look()
        where = _whole_mix(seen) or _far_mix(song)
        if where and where.drift_ppm:
            left_db = song.found.decibels
            return Mixdown((), as_is.decibels, left_db, (), 0.0, 1.0, lag=where.lag, drift_ppm=where.drift_ppm)
        if where:
            late = where.lag
            song = song.put(song.tracks, Track(mix.file, -round(late)))
            as_is = song.fit(one_gain=True)
            seen = song.look() if song.found.decibels > EXACT_DB else None
    there, moves = _moved(song, seen) if seen else (song, {})
    if there.found.decibels > FAR_DB and (further := _far_stems(song, there.found, moves)):
        again = further.look()
        placed, its = _moved(further, again)
        if placed.found.decibels < there.found.decibels - FURTHER_DB:
            there, seen = placed, again
            moves = {stem: _further(its.get(stem), track) for stem, track in enumerate(further.tracks)}
            moves = {stem: move for stem, move in moves.items() if move != Move()}
    found = there.found
    if seen and moves:
        drifting = [stem for stem, move in moves.items() if move.place.drift_ppm]
        if drifting:
            found = _steadier(found, seen.fit())
        late = _settle(moves, [i for i in range(len(stems)) if found.decided[i] and i not in drifting], late)
    gain = common(found.gain, found.decided)
    power = there.known.products.sum(axis=(0, 1)).diagonal()
    parts = tuple(
        replace(
            _part(stem, float(found.gain[i]), float(found.error[i]), bool(found.decided[i]), moves.get(i)),
            level_db=decibels(gain**2 * float(power[i]), float(power[-1])),
        )
        for i, stem in enumerate(stems)
    )
    made = Mixdown(
        parts=parts,
        residual_db=as_is.decibels,
        fitted_db=found.decibels,
        bands_db=(),
        gain=gain,
        condition=found.condition,
        spans=_loudest(there.known, found),
        best_db=_best(found),
        lag=late,
    )
    return _described(made, seen, as_is) if seen else made


def _moved(song: _Song, seen: Look) -> tuple[_Song, dict[int, Move]]:
    """The song with its stems where its windows say; those that drift are left."""
    find_moves(seen)
    if not seen.moves:
        return song, {}
    moves = {stem: move for stem, move in seen.moves.items() if not move.place.drift_ppm}
    return song.put([_put(track, moves.get(i)) for i, track in enumerate(song.tracks)]), dict(seen.moves)


def _far_mix(song: _Song) -> Place | None:
    """Where the mix as a whole stands, seconds away, if that explains it."""
    stems = range(len(song.tracks))
    lag = far_lag(song.tracks, song.mix, song.known, song.found.gains, stems) if song.found.decibels > -WHOLE_DB else 0
    if not lag:
        return None
    found = song.put(song.tracks, Track(song.mix.file, song.mix.shift - lag)).found
    return Place(float(lag)) if found.decibels < song.found.decibels - WHOLE_DB else None


def _far_stems(song: _Song, there: Fit, moves: Iterable[int]) -> _Song | None:
    """The song with those stems put elsewhere that stand seconds away; None when there are none.

    The stems in question are hardly there or were moved already; they must have the usual gain where they are put.
    """
    tracks, half = list(song.tracks), 0.5 * abs(common(there.gain, there.decided))
    gone = [stem for stem in suspects(there) if abs(there.gain[stem]) < half]
    for stem in list(dict.fromkeys((*gone, *moves)))[:MOST_FAR]:
        lag = far_lag(tracks, song.mix, song.known, song.found.gains, [stem])
        tracks[stem] = replace(tracks[stem], shift=lag)
    while tracks != song.tracks:
        made = song.put(tracks)
        usual = abs(common(made.found.gain, made.found.decided))
        gain, error = np.abs(made.found.gain), made.found.error
        sure = (gain - 3 * error > PLAUSIBLE[0] * usual) & (gain < PLAUSIBLE[1] * usual)
        kept = [track if sure[i] else song.tracks[i] for i, track in enumerate(tracks)]
        if kept == tracks:
            return made
        tracks = kept
    return None


def _further(move: Move | None, track: Track) -> Move:
    move = move or Move()
    return replace(move, place=replace(move.place, lag=move.place.lag + track.shift))


def _whole_mix(seen: Look) -> Place | None:
    """Where the mix as a whole stands, if that explains it better than its place, or one stem elsewhere, does."""
    loudest = [int(stem) for stem in np.argsort(-np.einsum("iwcf,iwcf->i", seen.stems, seen.stems))]
    everything = range(len(seen.stems))
    for sound in (seen.stems.sum(axis=0), *seen.stems[loudest[:2]]):  # the sum blurs when a stem is inverted
        where = align.place(sound, seen.mix, seen.starts)
        if where and (abs(where.lag) >= 0.5 or where.drift_ppm):
            left = _left(seen, everything, where)
            if left < seen.fit().decibels - WHOLE_DB:
                alone = [(stem, align.steady(seen.stems[stem], seen.mix)) for stem in loudest[:MOST_ALONE]]
                if any(_left(seen, [stem], Place(lag)) < left for stem, lag in alone if lag is not None):
                    return None
                lag = align.steady(sound, seen.mix)
                drifts = lag is None or left < _left(seen, everything, Place(lag)) - DRIFT_DB
                return where if drifts or not where.drift_ppm else Place(lag or 0.0)
    return None


def _left(seen: Look, stems: Iterable[int], where: Place) -> float:
    """What is left of the mix, dB, if these stems stand there and the others as they are."""
    return replace(seen, moves=dict.fromkeys(stems, Move(where))).fit().decibels


def _inside(spans: Spans, before: int, after: int) -> Spans:
    """Without so many frames at the start and the end, which a shift has cut off somewhere."""
    end = sum(spans[-1])
    kept = [(start, frames) for start, frames in spans if start >= before and start + frames <= end - after]
    return kept or spans


def _steadier(song: Fit, windows: Fit) -> Fit:
    """The gains of the song, but those of the windows, in which drifts are put right, where these are surer."""
    surer = windows.decided & (windows.error < song.error)
    gains, error = np.where(surer, windows.gains, song.gains), np.where(surer, windows.error, song.error)
    return replace(song, gains=gains, error=error)


def _put(track: Track, move: Move | None) -> Track:
    return Track(track.file, track.shift + round(move.place.lag), move.swapped) if move else track


def _settle(moves: dict[int, Move], stems: Sequence[int], late: float) -> float:
    """How late the whole mix is, after making the moves count from there.

    The lag of most stems is that of the mix; of a tie, the one that leaves the mix where it is.
    """
    lags = {stem: moves[stem].place.lag if stem in moves else 0.0 for stem in stems}
    whole = [round(lag) for lag in lags.values()]
    usual = max(set(whole), key=lambda lag: (whole.count(lag), -abs(late + lag)), default=0)
    if usual:
        for stem, lag in lags.items():
            swapped = moves[stem].swapped if stem in moves else False
            moves[stem] = Move(Place(lag - usual if round(lag) != usual else 0.0), swapped)
    return late + usual


def _part(stem: Stem, gain: float, error: float, decided: bool, move: Move | None) -> Part:
    place = move.place if move else Place(0.0)
    elsewhere = bool(place.lag or place.drift_ppm)
    return Part(
        path=stem.file.path,
        gain=gain,
        lag=place.lag if elsewhere else None,
        drift_ppm=place.drift_ppm or None,
        swapped=bool(move and move.swapped),
        certain=decided,
        error=error,
    )


def _best(found: Fit) -> float:
    """Residual re the mix in that tenth of the loud segments that nulls best, dB."""
    loud = found.power > 1e-3 * found.power.max(initial=0.0)
    return decibels(float(np.quantile(found.residual[loud] / found.power[loud], 0.1)), 1.0) if loud.any() else 0.0


def _loudest(known: Grams, found: Fit) -> tuple[Span, ...]:
    """Where the residual stands out: within 20 dB of its loudest, and not far below the mix."""
    limit = 10 ** (STANDS_OUT_DB / 10)
    out = (found.residual > 0.01 * found.residual.max(initial=0.0)) & (found.residual > limit * found.power)
    made: list[Span] = []
    for index in np.flatnonzero(out):
        start, end = known.starts[index], known.ends[index]
        if made and made[-1].end == start:
            start = made.pop().start
        made.append(Span(start, end))
    return tuple(made[:MOST_SPANS])


def _described(made: Mixdown, seen: Look, as_is: Fit) -> Mixdown:
    """With the bands of the residual, and what it looks like."""
    mix, rate, (_, _, rest) = seen.mix, seen.rate, seen.solved()
    plain = np.einsum("ci,iwcf->wcf", as_is.gains.astype(np.float32), seen.stems, optimize=True)
    mix, plain, rest = seen.inner(mix), seen.inner(plain), seen.inner(rest)
    fitted = mix - rest
    made = replace(made, bands_db=residue.bands(mix - plain, mix, rate))
    if decibels(float(np.vdot(rest, rest)), float(np.vdot(mix, mix))) < EXACT_DB:
        return made
    dynamic = residue.level_dependent(mix, fitted, rate)
    least_db = residue.SURELY_LATE_DB if dynamic else residue.LATE_DB
    late, filtered = residue.late(rest, fitted, least_db), residue.filtered(rest, fitted)
    return replace(made, level_dependent=dynamic, filtered=filtered, late=late)
