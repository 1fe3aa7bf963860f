"""The tempo of a song, with its beat, its bar 1 and its changes of tempo.

Onset strength and beat activation -> candidates, the likeliest of them -> an exact grid over the whole song
(`grid.py`), or, where no grid of one tempo fits, a tempo map (`tempomap.py`) -> bars (`bars.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from stemwright.measure import candidates, family, grid, phase, steady, tempomap
from stemwright.measure.bars import Bars, bar_one, bars_of
from stemwright.measure.candidates import FASTEST_BPM, RATIOS, SLOWEST_BPM, Candidate
from stemwright.measure.family import Likelihoods
from stemwright.measure.heard import Heard, Pulse, listen
from stemwright.measure.onsets import Array, Curve, Floats, Onsets, levelled, onset_strength
from stemwright.model import Estimate, TempoChange

HEARD_BPM = (SLOWEST_BPM, FASTEST_BPM)
SHORTEST_S = 4.0
LEAST_CONFIDENCE = 0.05
DRUMS_DISAGREE, CLEARLY_ELSE = 0.45, 1.5
"""How much of the confidence is left when the drums alone count otherwise than the mix, so much more coherently."""
LEAST_AHEAD = 3.0
"""How much better than a known tempo another one must be to be told: logarithm of the odds."""
LEAST_DRUMS = 15.0
"""Coherence from which drums keep the beat; white noise reaches 6."""
UNSURE_RESIDUAL_S, MOST_RESIDUAL_S = 0.03, 0.06
"""A map from whose grid more than one beat in twenty is further away is warned of, or not given."""
MOST_CHANGES, LEAST_STEADY = 0.4, 0.6
MORE_ALIKE, LESS_STEADY = 0.15, 0.03
"""Nor is one that changes the tempo in nearly every other bar, or whose beats are not that steady (correlation): no
less so than those of one tempo, and far more where these are the least."""
OTHER_COUNT, MOST_OTHER = 0.15, 0.3
"""Logarithm of a ratio, and a share of the song. Tempi that far from the likeliest, for longer, count it otherwise."""

_SHARES = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4])
"""By how much of a beat those that were followed may stand beside the beats."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The beat grid of a song. Frames are at the rate of the audio that was measured."""

    estimate: Estimate[float]
    """BPM at bar 1, round where the song cannot be told from it. Whether half or
    double of it is counted often cannot be heard: that, too, is in the confidence, and in the alternatives."""
    exact_bpm: float
    """As fitted, before rounding."""
    beat_frame: int
    """The first beat."""
    downbeat_frame: int
    """Where bar 1 starts."""
    beats_a_bar: int = 4
    metre_confidence: float = 0.0
    compound: bool = False
    """Whether these beats are dotted quarters; tempi and changes count quarters all the same."""
    changes: tuple[TempoChange, ...] = ()
    """Later tempi, in quarters from bar 1; none where one tempo is kept."""

    @property
    def metre(self) -> tuple[int, int]:
        """The time signature; 4/4 where another one is not certain."""
        if self.compound:
            return 3 * self.beats_a_bar, 8
        return (self.beats_a_bar, 4) if self.metre_confidence > 0.5 else (4, 4)


def estimate_tempo(
    mono: Floats,
    sample_rate: int,
    *,
    bpm: float | None = None,
    within: tuple[float, float] = HEARD_BPM,
    drums: Floats | None = None,
    pulse: Pulse | None = None,
) -> Tempo | None:
    """The tempo of mono audio `[frames]` at 22.05 kHz; None where there is no beat or less than 4 s.

    `within` bounds the tempo. With `drums`, the same stretch of the drums alone, onsets are
    read from them: tempo and beat come out finer. A `pulse` takes the place of the one that is heard here. With `bpm`
    the tempo is known, though perhaps rounded: only grid and confidence are measured, and the alternative is a tempo
    close by that fits better, or one that is no octave of it and is surely heard. None then means that no such beat is
    heard.
    """
    heard = listen(mono, sample_rate, pulse) if len(mono) / sample_rate >= SHORTEST_S else None
    if heard is None:
        return None
    struck = _beaten(drums, sample_rate)
    likely = family.likelihoods(heard.pulse, SLOWEST_BPM, FASTEST_BPM)
    ranked = candidates.ranked(heard, likely, HEARD_BPM if bpm else within)
    if bpm is not None:
        return _known(_with_drums(heard, struck, bpm), bpm, ranked)
    if not ranked:
        return None
    heard = _with_drums(heard, struck, ranked[0].bpm)
    exact, error = grid.lock(heard.onsets, ranked[0].bpm)
    fitted = grid.snap(exact, error, heard.seconds)
    if steady.varies(heard.onsets, likely, fitted):
        mapped = _mapped(heard, likely, ranked, fitted)
        if mapped and within[0] <= mapped.exact_bpm <= within[1]:
            return mapped
    best, ranked = ranked[0], candidates.rounder(ranked, exact, error, heard.seconds)
    if ranked[0].bpm != best.bpm:
        exact, error = grid.lock(heard.onsets, ranked[0].bpm)
        fitted = grid.snap(exact, error, heard.seconds)
    confidence, readings = _confidence(heard.onsets, fitted, ranked), _readings(fitted, ranked)
    if struck and (drummed := _drummed(struck.whole, fitted)):
        confidence, readings = confidence * DRUMS_DISAGREE, tuple(dict.fromkeys((drummed, *readings)))
    compound = False if 1.5 * fitted > within[1] else None  # such quarters are excluded
    return _on_grid(heard, fitted, exact, confidence, readings, compound)


def _drummed(drums: Curve, bpm: float) -> float | None:
    """The tempo that the drums alone would have where that is 2:3 or 3:4 of `bpm`, or the inverse."""
    found = {ratio: candidates.comb(*candidates.spectrum(drums), bpm * ratio, 0.01)[1] for ratio in (1.0, *RATIOS[:6])}
    best = max(found, key=lambda ratio: found[ratio])
    own = max(found[octave] for octave in (0.5, 1.0, 2.0))
    return round(bpm * best, 4) if found[best] > max(LEAST_DRUMS, CLEARLY_ELSE * own) else None


def _beaten(drums: Floats | None, sample_rate: int) -> Onsets | None:
    beaten = levelled(drums) if drums is not None else None
    return onset_strength(beaten, sample_rate) if beaten is not None else None


def _with_drums(heard: Heard, struck: Onsets | None, bpm: float) -> Heard:
    """With the onsets of the drums where these play in that tempo; silent ones and a lone crash do not."""
    if struck is None:
        return heard
    _, coherence = candidates.comb(*candidates.spectrum(struck.whole), bpm, 0.01)
    return heard.with_onsets(struck) if coherence > LEAST_DRUMS else heard


def _known(heard: Heard, bpm: float, ranked: Sequence[Candidate]) -> Tempo | None:
    compound = _counts_dotted(heard, bpm)
    beat = bpm / 1.5 if compound else bpm
    found = Candidate(*candidates.comb(*candidates.spectrum(heard.onsets), beat, width=0.01))
    exact, error = grid.lock(heard.onsets, found.bpm)
    fitted = grid.snap(exact, error, heard.seconds)
    alternatives: tuple[float, ...] = (fitted,)
    close = grid.drift(fitted, beat, heard.seconds) < 0.02
    if close or grid.steadiness(heard.onsets, beat) > grid.steadiness(heard.onsets, fitted):
        fitted, alternatives = beat, () if compound else _surely(heard, ranked, beat)
    tempo = _on_grid(heard, fitted, exact, _confidence(heard.onsets, fitted, [found]), alternatives, compound)
    return tempo and replace(tempo, estimate=replace(tempo.estimate, value=bpm))


def _surely(heard: Heard, ranked: Sequence[Candidate], bpm: float) -> tuple[float, ...]:
    """The tempo that is heard where it is neither `bpm` nor an octave of it, and far likelier."""
    best = ranked[0] if ranked else None
    if best is None or any(abs(best.bpm / bpm / octave - 1) < 0.02 for octave in (1 / 3, 0.5, 1, 2, 3)):
        return ()
    if any(abs(each.bpm / bpm - 1) < 0.02 and best.score - each.score < LEAST_AHEAD for each in ranked):
        return ()
    return (grid.snap(*grid.lock(heard.onsets, best.bpm), heard.seconds),)


def _counts_dotted(heard: Heard, bpm: float) -> bool:
    """Whether the beats are dotted quarters where `bpm` are the quarters."""
    if bpm / 1.5 < SLOWEST_BPM:
        return False
    plain, dotted = (phase.regular(heard, beat, 48) for beat in (bpm, bpm / 1.5))
    beats = dotted[phase.likeliest(heard, dotted)]
    return bars_of(heard, beats).compound and phase.scores(heard, dotted).max() > phase.scores(heard, plain).max()


def _on_grid(
    heard: Heard,
    bpm: float,
    exact: float,
    confidence: float,
    alternatives: tuple[float, ...],
    compound: bool | None = None,
) -> Tempo | None:
    """The tempo with the first beat and bar 1 of a grid that runs through; None without confidence."""
    if confidence < LEAST_CONFIDENCE:
        return None
    period = 60 / bpm
    first, entry = phase.first_beat(heard, bpm), heard.entry_s
    if first > 0.8 * period and entry < first - 0.5 * period:
        first -= period  # the beat at the very start came out a trifle early
    beats = _regular(first, period, heard.seconds)
    bars = bars_of(heard, beats, compound=compound)
    if bars.compound and (round_quarters := 2 * grid.snap(1.5 * bpm, 0.0, heard.seconds)).is_integer():
        bpm = round_quarters / 3
    at = first + bar_one(beats, bars, entry) * period
    return _tempo(heard, bars, bpm, exact, confidence, alternatives, first % period, at, [])


def _tempo(
    heard: Heard,
    bars: Bars,
    bpm: float,
    exact: float,
    confidence: float,
    alternatives: tuple[float, ...],
    beat_s: float,
    bar_s: float,
    changes: Sequence[tuple[int, float]],
) -> Tempo:
    """With beats a minute and numbers of beats turned into quarters."""
    quarters = Fraction(3, 2) if bars.compound else Fraction(1)
    value, *others = (round(float(quarters) * each, 3 if bars.compound else 4) for each in (bpm, *alternatives))
    return Tempo(
        Estimate(value, round(confidence, 3), "measured", tuple(others)),
        float(quarters) * exact,
        round(beat_s * heard.sample_rate),
        round(max(0.0, bar_s) * heard.sample_rate),
        2 if bars.compound and bars.beats == 4 else bars.beats,
        bars.confidence,
        bars.compound,
        tuple(TempoChange(quarters * at, round(float(quarters) * bpm, 3)) for at, bpm in changes),
    )


def _regular(first: float, period: float, end: float) -> Array:
    return np.asarray(first + np.arange(max(2, int((end - first) / period))) * period, dtype=np.float64)


def _mapped(heard: Heard, likely: Likelihoods, ranked: Sequence[Candidate], bpm: float) -> Tempo | None:
    """The tempo with its changes; None where no map keeps to the beats, or it is no better than one tempo, `bpm`."""
    times, tempi, _ = family.path(likely, ranked[0].bpm, 0.35)
    if np.mean(np.abs(np.log(tempi / ranked[0].bpm)) > OTHER_COUNT) > MOST_OTHER:
        times, tempi, _ = family.path(likely, ranked[0].bpm, OTHER_COUNT)
    beats = tempomap.follow(heard.pulse, heard.onsets, tempi, times)
    if len(beats) < 16:
        return None
    shifted = beats[:-1] + _SHARES[:, None] * np.diff(beats)
    if shift := phase.likeliest(heard, shifted):
        beats = tempomap.on_onsets(shifted[shift], heard.onsets)
    bars = bars_of(heard, beats)
    found = tempomap.fewest_knots(beats, bars.beats, bars.first)
    residual = float(np.percentile(np.abs(found.residuals_s), 95))
    restless = len(found.tempi) - 1 > MOST_CHANGES * len(beats) / bars.beats
    if residual > MOST_RESIDUAL_S or restless or not _better(heard, found, len(beats), bpm):
        return None
    one = bar_one(beats, bars, heard.entry_s)
    exact, changes = found.from_beat(one)
    kept = float((np.abs(found.residuals_s) < UNSURE_RESIDUAL_S).mean()) * (1 - residual / MOST_RESIDUAL_S)
    start, readings = float(beats[0]), (exact / 2, exact * 2)
    return _tempo(heard, bars, round(exact, 3), exact, kept, readings, start, found.time_of(one), changes)


def _better(heard: Heard, found: tempomap.Map, count: int, bpm: float) -> bool:
    """Whether onsets keep to the map, above all in the part of the song where they keep to one tempo the least."""
    even, tempo = tempomap.evened(heard.onsets, np.array([found.time_of(beat) for beat in range(count)]))
    steady, steady_at_one = grid.steadiness(even, tempo), grid.steadiness(heard.onsets, bpm)
    gained = grid.likeness(even, tempo).min() - grid.likeness(heard.onsets, bpm).min()
    return bool(gained > MORE_ALIKE and steady > max(LEAST_STEADY, steady_at_one - LESS_STEADY))


def _readings(bpm: float, ranked: Sequence[Candidate]) -> tuple[float, ...]:
    """The best other ways to count the music, as simple ratios of `bpm`."""
    ratios = [other.bpm / ranked[0].bpm for other in ranked[1:]]
    simple = [reading for ratio in ratios for reading in RATIOS if abs(ratio / reading - 1) < 0.02]
    return tuple(round(bpm * reading, 4) for reading in list(dict.fromkeys(simple))[:3])


def _confidence(onsets: Curve, bpm: float, ranked: Sequence[Candidate]) -> float:
    """How sure the tempo is: steady through the song, out of the noise, and likelier than the other readings.

    The likelihood is that of the trained ranking (`candidates`): of the pieces it is tested on, 19 of 20 with 0.85 and
    more are right, and 4 of 5 between 0.5 and 0.85.
    """
    steadiness = np.clip((grid.steadiness(onsets, bpm) - 0.2) / 0.7, 0, 1)
    coherent = np.clip((ranked[0].coherence - 6) / 12, 0, 1)  # white noise reaches 6
    likely = 1 / sum(np.exp(other.score - ranked[0].score) for other in ranked)
    return float(steadiness * coherent * likely)
