"""The stems against the reference mix: which gain, lag and polarity each has in it, and what is left of the mix.

First the gains by least squares over the whole song (`fit`). Where they leave more than EXACT_DB, windows of the song
are looked at: is the whole mix late (`align`), are stems elsewhere (`moves`)? If so, the song is read again with all
in place. What is left then is described (`residue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from stemwright.measure import align, residue
from stemwright.measure.align import Place
from stemwright.measure.fit import Fit, common, decibels, fit
from stemwright.measure.moves import DRIFT_DB, Look, Move, find_moves, look
from stemwright.measure.together import Grams, Spans, Track, grams
from stemwright.model import Mixdown, Part, Span, Stem

EXACT_DB = -60.0
"""A residual below this needs no closer look."""
STANDS_OUT_DB = -40.0
"""Residual of a segment re the mix that is worth pointing at."""
MOST_SPANS = 100
MOST_ALONE = 12
WHOLE_DB = 6.0
"""What moving the whole mix must take from the residual; if it does not, some stems are elsewhere and not the mix."""


def mixdown(stems: Sequence[Stem], mix: Stem, spans: Spans, known: Grams) -> Mixdown:
    """`known` are the Gram matrices of the stems as they are and of the mix, over spans that cover all of them."""
    tracks, reference = [Track(stem.file) for stem in stems], Track(mix.file)
    mono = [stem.file.format.channels == 1 for stem in stems]
    seconds = sum(frames for _, frames in spans) / mix.file.format.sample_rate
    late = 0.0
    found, as_is = fit(known.products, mono, seconds), fit(known.products, mono, seconds, one_gain=True)
    seen: Look | None = None
    if found.decibels > EXACT_DB:
        seen = look(tracks, reference, known, found, mono)
        where = _whole_mix(seen)
        if where and where.drift_ppm:
            return Mixdown((), as_is.decibels, found.decibels, (), 0.0, 1.0, lag=where.lag, drift_ppm=where.drift_ppm)
        if where:
            late, reference = where.lag, Track(mix.file, -round(where.lag))
            known = grams(tracks, reference, _inside(spans, abs(late)))
            found, as_is = fit(known.products, mono, seconds), fit(known.products, mono, seconds, one_gain=True)
            seen = look(tracks, reference, known, found, mono) if found.decibels > EXACT_DB else None
    moves: dict[int, Move] = {}
    if seen:
        find_moves(seen)
        moves = dict(seen.moves)
    if seen and moves:
        drifting = [stem for stem, move in moves.items() if move.place.drift_ppm]
        tracks = [track if i in drifting else _put(track, moves.get(i)) for i, track in enumerate(tracks)]
        known = grams(tracks, reference, _inside(spans, abs(late) + max(abs(track.shift) for track in tracks)))
        found = fit(known.products, mono, seconds)
        if drifting:
            found = _steadier(found, seen.fit())
        late = _settle(moves, [i for i in range(len(stems)) if found.decided[i] and i not in drifting], late)
    parts = tuple(
        _part(stem, float(found.gain[i]), float(found.error[i]), bool(found.decided[i]), moves.get(i))
        for i, stem in enumerate(stems)
    )
    made = Mixdown(
        parts=parts,
        residual_db=as_is.decibels,
        fitted_db=found.decibels,
        bands_db=(),
        gain=common(found.gain, found.decided),
        condition=found.condition,
        spans=_loudest(known, found),
        best_db=_best(found),
        lag=late,
    )
    return _described(made, seen, as_is) if seen else made


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


def _inside(spans: Spans, edge: float) -> Spans:
    """Without the first and the last frames, of which a shift has cut some off."""
    end = sum(spans[-1])
    kept = [(start, frames) for start, frames in spans if start >= edge and start + frames <= end - edge]
    return kept or spans


def _steadier(song: Fit, windows: Fit) -> Fit:
    """The gains of the song, but those of the windows, in which drifts are put right, where these are surer."""
    surer = windows.decided & (windows.error < song.error)
    gains, error = np.where(surer, windows.gains, song.gains), np.where(surer, windows.error, song.error)
    return replace(song, gains=gains, error=error)


def _put(track: Track, move: Move | None) -> Track:
    return Track(track.file, round(move.place.lag), move.swapped) if move else track


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
