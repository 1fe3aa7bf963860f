"""The tempo of a song, with its beat, its bar 1 and its changes of tempo.

Onset strength and beat activation -> candidates, the likeliest of them -> an exact grid over the whole song
(`grid.py`), or, where no grid of one tempo fits, a tempo map (`tempomap.py`) -> bars (`bars.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from stemwright.measure import candidates, family, grid, steady, tempomap
from stemwright.measure.activations import activations
from stemwright.measure.bars import Bars, accents, bar_one, entry_of, find_bars, nearest_beat
from stemwright.measure.candidates import FASTEST_BPM, RATIOS, SLOWEST_BPM, Candidate
from stemwright.measure.family import Likelihoods
from stemwright.measure.onsets import Array, Curve, Floats, levelled, onset_strength
from stemwright.model import Estimate, TempoChange

HEARD_BPM = (SLOWEST_BPM, FASTEST_BPM)
SHORTEST_S = 4.0
LEAST_CONFIDENCE = 0.05
LEAST_DRUMS = 15.0
"""Coherence from which drums keep the beat; white noise reaches 6."""
MOST_RESIDUAL_S = 0.03
"""A map from whose grid more than one beat in twenty is further away is not given."""

MOST_CHANGES, LEAST_CLEARER, LEAST_LIKELIER = 0.4, 0.07, 0.1
"""Nor one that changes the tempo in nearly every other bar, nor one that is hardly better than one tempo: logarithms
of the onsets and of the activation on the beats."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The beat grid of a song. Frames are at the rate of the audio that was measured."""

    estimate: Estimate[float]
    """BPM at bar 1, round where the song cannot be told from it. The confidence is that of the pulse: whether half or
    double of it is counted often cannot be heard; see its alternatives."""
    exact_bpm: float
    """As fitted, before rounding."""
    beat_frame: int
    """The first beat."""
    downbeat_frame: int
    """Where bar 1 starts."""
    beats_a_bar: int = 4
    metre_confidence: float = 0.0
    changes: tuple[TempoChange, ...] = ()
    """Later tempi, in quarters (beats) from bar 1; none where one tempo is kept."""

    @property
    def sure_of_bars(self) -> bool:
        """Whether the metre can be written down; else 4/4 is the better guess."""
        return self.metre_confidence > 0.5


@dataclass(frozen=True, eq=False, slots=True)
class _Heard:
    """The audio and the curves that are read from it."""

    audio: Floats
    sample_rate: int
    onsets: Curve
    beat: Curve
    downbeat: Curve

    @property
    def seconds(self) -> float:
        return len(self.audio) / self.sample_rate

    @property
    def pulse(self) -> Curve:
        """Probability of any beat."""
        return Curve(self.beat.values + self.downbeat.values, self.beat.rate)


def estimate_tempo(
    mono: Floats,
    sample_rate: int,
    *,
    bpm: float | None = None,
    within: tuple[float, float] = HEARD_BPM,
    drums: Floats | None = None,
) -> Tempo | None:
    """The tempo of mono audio `[frames]` at 22.05 kHz; None where there is no beat or less than 4 s.

    `within` bounds the beats a minute that are counted. With `drums`, the same stretch of the drums alone, onsets are
    read from them: tempo and beat come out finer. With `bpm` the tempo is known, though perhaps rounded: only grid and
    confidence are measured, and a tempo close by that fits better becomes the alternative. None then means that no
    such beat is heard.
    """
    audio = levelled(mono)
    if audio is None or len(mono) / sample_rate < SHORTEST_S:
        return None
    heard = _Heard(audio, sample_rate, onset_strength(audio, sample_rate), *activations(audio, sample_rate))
    if bpm is not None:
        return _known(_with_drums(heard, drums, bpm), bpm)
    likely = family.likelihoods(heard.pulse, SLOWEST_BPM, FASTEST_BPM)
    ranked = candidates.ranked(heard.onsets, heard.pulse, likely, within)
    if not ranked:
        return None
    heard = _with_drums(heard, drums, ranked[0].bpm)
    onsets = heard.onsets
    exact, error = grid.lock(onsets, ranked[0].bpm)
    fitted = grid.snap(exact, error, heard.seconds)
    if steady.varies(onsets, heard.pulse, likely, fitted):
        mapped = _mapped(heard, likely, ranked, fitted)
        if mapped and within[0] <= mapped.exact_bpm <= within[1]:
            return mapped
    return _on_grid(heard, fitted, exact, _confidence(onsets, fitted, ranked), _readings(fitted, ranked))


def _with_drums(heard: _Heard, drums: Floats | None, bpm: float) -> _Heard:
    """With the onsets of the drums where these play in that tempo; silent ones and a lone crash do not."""
    beaten = levelled(drums) if drums is not None else None
    if beaten is None:
        return heard
    onsets = onset_strength(beaten, heard.sample_rate)
    _, coherence = candidates.comb(*candidates.spectrum(onsets), bpm, 0.01)
    return replace(heard, onsets=onsets) if coherence > LEAST_DRUMS else heard


def _known(heard: _Heard, bpm: float) -> Tempo | None:
    found = Candidate(*candidates.comb(*candidates.spectrum(heard.onsets), bpm, width=0.01))
    exact, error = grid.lock(heard.onsets, found.bpm)
    fitted = grid.snap(exact, error, heard.seconds)
    alternatives: tuple[float, ...] = (fitted,)
    close = grid.drift(fitted, bpm, heard.seconds) < 0.02
    if close or grid.steadiness(heard.onsets, bpm) > grid.steadiness(heard.onsets, fitted):
        fitted, alternatives = bpm, ()
    return _on_grid(heard, fitted, exact, _confidence(heard.onsets, fitted, [found]), alternatives, named=bpm)


def _on_grid(
    heard: _Heard, bpm: float, exact: float, confidence: float, alternatives: tuple[float, ...], named: float = 0.0
) -> Tempo | None:
    """The tempo with the first beat and bar 1 of a grid that runs through."""
    if confidence < LEAST_CONFIDENCE:
        return None
    period = 60 / bpm
    first, entry = grid.first_beat(heard.onsets, bpm, heard.pulse), entry_of(heard.audio, heard.sample_rate)
    if first > 0.8 * period and entry < first - 0.5 * period:
        first -= period  # the beat at the very start came out a trifle early
    beats = _regular(first, period, heard.seconds)
    bars = _bars(heard, beats, entry)
    at = first + bar_one(beats, bars, entry) * period
    return Tempo(
        Estimate(named or bpm, confidence, "measured", alternatives),
        exact,
        round(first % period * heard.sample_rate),
        round(max(0.0, at) * heard.sample_rate),
        bars.beats,
        bars.confidence,
    )


def _regular(first: float, period: float, end: float) -> Array:
    return np.asarray(first + np.arange(max(2, int((end - first) / period))) * period, dtype=np.float64)


def _bars(heard: _Heard, beats: Array, entry: float) -> Bars:
    scores = accents(heard.audio, heard.sample_rate, beats, heard.beat, heard.downbeat)
    return find_bars(scores, nearest_beat(beats, entry))


def _mapped(heard: _Heard, likely: Likelihoods, ranked: Sequence[Candidate], bpm: float) -> Tempo | None:
    """The tempo with its changes; None where no map keeps to the beats, or it is no better than one tempo, `bpm`."""
    times, tempi, _ = family.path(likely, ranked[0].bpm, 0.39)
    beats = tempomap.follow(heard.pulse, heard.onsets, tempi, times)
    if len(beats) < 16:
        return None
    entry = entry_of(heard.audio, heard.sample_rate)
    bars = _bars(heard, beats, entry)
    found = tempomap.fewest_knots(beats, bars.beats, bars.first)
    residual = float(np.percentile(np.abs(found.residuals_s), 95))
    gridded = _regular(grid.first_beat(heard.onsets, bpm, heard.pulse), 60 / bpm, heard.seconds)
    mapped = np.array([found.time_of(beat) for beat in range(len(beats))])
    clearer = np.log([tempomap.at_beats(heard.onsets, at).mean() for at in (mapped, gridded)])
    likelier = [np.log(tempomap.at_beats(heard.pulse, at) + 0.02).mean() for at in (mapped, gridded)]
    better = clearer[0] - clearer[1] > LEAST_CLEARER and likelier[0] - likelier[1] > LEAST_LIKELIER
    restless = len(found.tempi) - 1 > MOST_CHANGES * len(beats) / bars.beats
    if len(found.tempi) < 2 or residual > MOST_RESIDUAL_S or restless or not better:
        return None
    one = bar_one(beats, bars, entry)
    bpm, changes = found.from_beat(one)
    alternatives = tuple(round(bpm * ratio, 3) for ratio in (0.5, 2.0))
    confidence = round(float((np.abs(found.residuals_s) < MOST_RESIDUAL_S).mean() * (1 - residual / 0.06)), 3)
    return Tempo(
        Estimate(round(bpm, 3), confidence, "measured", alternatives),
        bpm,
        round(float(beats[0]) * heard.sample_rate),
        round(max(0.0, found.time_of(one)) * heard.sample_rate),
        bars.beats,
        bars.confidence,
        tuple(TempoChange(Fraction(at), round(bpm, 3)) for at, bpm in changes),
    )


def _readings(bpm: float, ranked: Sequence[Candidate]) -> tuple[float, ...]:
    """The best other ways to count the music, as simple ratios of `bpm`."""
    ratios = [other.bpm / ranked[0].bpm for other in ranked[1:]]
    simple = [reading for ratio in ratios for reading in RATIOS if abs(ratio / reading - 1) < 0.02]
    return tuple(round(bpm * reading, 4) for reading in list(dict.fromkeys(simple))[:3])


def _confidence(onsets: Curve, bpm: float, ranked: Sequence[Candidate]) -> float:
    """How sure the pulse is: steady through the song, out of the noise, and ahead of other readings."""
    steadiness = np.clip((grid.steadiness(onsets, bpm) - 0.2) / 0.7, 0, 1)
    best = ranked[0]
    coherent = np.clip((best.coherence - 6) / 12, 0, 1)  # white noise reaches 6
    ahead = 1.0
    for other in ranked[1:]:
        octaves = np.log2(other.bpm / best.bpm)
        margin, doubt = (1.0, 0.12) if abs(octaves - np.round(octaves)) < 0.03 else (2.0, 0.5)
        ahead = min(ahead, 1 - doubt * (1 - min(1.0, (best.score - other.score) / margin)))
    return round(float(steadiness * coherent * ahead), 3)
