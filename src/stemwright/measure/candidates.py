"""Tempi worth a thought, and what speaks for each: repetition, pulse, coherence, likelihood of the beats, habit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stemwright.measure import grid, phase, ranking
from stemwright.measure.bars import downbeats
from stemwright.measure.family import Likelihoods
from stemwright.measure.heard import Heard
from stemwright.measure.onsets import Array, Curve, moving_max
from stemwright.measure.recurrence import after, recurring, recurring_throughout

SLOWEST_BPM, FASTEST_BPM = 40.0, 300.0
RATIOS = (0.5, 2.0, 2 / 3, 1.5, 0.75, 4 / 3, 3.0, 1 / 3)
"""How else the same music may be counted."""
_PRIOR_BPM, _PRIOR_OCTAVES = 118.0, 0.6
"""Log-normal prior: people tap near 120 BPM (Moelants 2002)."""
_RECURRING = (1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4), (1, 2, 3, 4, 8)
"""Beats after which the snare's band and the changes of harmony may recur."""

_WHOLE, _HALF = 3.0, 1.0
"""What a tempo of a whole number, or half of one, adds to the score: of 217 tracks of free game music that were heard
without this, counted between 100 and 200 BPM, 188 had the one and 6 the other."""
_ROUND_FROM_BPM = 100.0
"""Between this and its double a tempo is round or not."""
_SAME = 0.012


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tempo and how far it stands out of the spectrum; the higher the score, the likelier."""

    bpm: float
    coherence: float
    features: tuple[float, ...] = ()
    """What the trained ranking sees, see `ranked`."""
    score: float = 0.0


def ranked(
    heard: Heard, likely: Likelihoods, within: tuple[float, float] = (SLOWEST_BPM, FASTEST_BPM)
) -> list[Candidate]:
    """All candidates in the range, the best first.

    Their features: repetition; the activation half a beat later as a share of that on the beat; the onsets where a beat
    divides in two or three, as a share; logarithm of the coherence; likelihood of the beats; octaves from the usual
    tempo, and their square; how much kicks, snares and hats recur after four beats; logarithms of kicks and of hats on
    the beats; how much the snare prefers every other beat; how much likelier a downbeat is on the best of three or four
    beats; how much the snare's band, and the changes of harmony, recur after `_RECURRING` beats.
    """
    onsets, beat = heard.onsets, heard.pulse
    values, step = spectrum(onsets)
    tempi, salience = _salience((onsets, beat))
    guesses = [(bpm, 0.025) for bpm in _peaks(tempi, salience, 10)]
    mean = likely.values.mean(axis=0)
    top = _peaks(likely.tempi, mean, 4)
    guesses += [(bpm, 0.012) for bpm in top]
    guesses += [(bpm * ratio, 0.012) for bpm in (top[0], guesses[0][0]) for ratio in RATIOS]
    low, high, near = (int(bpm / step) for bpm in (SLOWEST_BPM, 700, 3))
    left = values[:high].copy()
    left[:low] = 0
    for _ in range(4):  # the strongest lines may be any multiple of the beat
        line = int(left.argmax())
        left[max(0, line - near) : line + near] = 0
        guesses += [(line * step / multiple, 0.005) for multiple in (1, 2, 3, 4, 6)]
    played, pulsed = moving_max(onsets.values, 5), moving_max(beat.values, 3)
    throughout = recurring_throughout(heard.struck.bands)
    snare, changes = heard.struck.bands[1], heard.harmony
    whiles = (recurring(snare.blurred, snare.rate, 16), recurring(changes.novelty(), changes.rate, 24))
    found: list[Candidate] = []
    for guess, width in guesses:
        if not within[0] * 0.99 <= guess <= within[1] * 1.01:
            continue
        bpm, coherence = comb(values, step, guess, width)
        if not within[0] <= bpm <= within[1] or any(abs(bpm / other.bpm - 1) < 0.01 for other in found):
            continue
        on, half, thirds = _pulse_train(played, onsets.rate, bpm)
        beat_on, beat_half, _ = _pulse_train(pulsed, beat.rate, bpm)
        octaves = np.log2(bpm / _PRIOR_BPM) / _PRIOR_OCTAVES
        features = (
            float(np.interp(bpm, tempi, salience)),
            beat_half / (beat_on + 1e-12),
            max(half, thirds) / (on + 1e-12),
            float(np.log1p(coherence)),
            likely.near(bpm),
            float(octaves),
            float(octaves**2),
            float(np.nan_to_num(after(throughout, 4 * 60 / bpm))),
            *_played(heard, bpm),
            *(after(curve, 60 / bpm * beats) for curve, most in zip(whiles, _RECURRING, strict=True) for beats in most),
        )
        found.append(Candidate(bpm, coherence, features))
    if not found:
        return []
    scores = ranking.scores(np.array([each.features for each in found]))
    scored = [replace(each, score=float(score)) for each, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda candidate: -candidate.score)


def rounder(ranked: Sequence[Candidate], exact: float, error: float, duration_s: float) -> list[Candidate]:
    """Ranked anew where one tempo is kept: that of the best is `exact`, with its error, and so is every ratio of it.

    Most songs are made at a whole number of BPM, a few at half of one, and hardly any at two thirds of such a number.
    That says nothing about octaves.
    """
    found = []
    for other in ranked:
        ratio = other.bpm / ranked[0].bpm
        simple = min((1.0, *RATIOS), key=lambda simple: abs(simple / ratio - 1))
        octave = simple * 2.0 ** np.floor(np.log2(2 * _ROUND_FROM_BPM / (simple * exact)))
        counted = grid.snap(octave * exact, octave * error, duration_s)
        worth = _WHOLE if counted.is_integer() else _HALF if (2 * counted).is_integer() else 0.0
        known = abs(simple / ratio - 1) < _SAME
        found.append(replace(other, score=other.score + worth * known))
    return sorted(found, key=lambda candidate: -candidate.score)


def _played(heard: Heard, bpm: float) -> tuple[float, ...]:
    """What kicks, hats, snares and downbeats do on the likeliest beats of that tempo."""
    phases = phase.regular(heard, bpm, 24)
    beats = phases[phase.likeliest(heard, phases)]
    kicks, snares, hats = (band.about(beats) for band in heard.struck.bands)
    bars = downbeats(heard, beats)
    highest = max(bars[first::length].mean() for length in (3, 4) for first in range(min(length, len(bars))))
    return (
        float(np.log(kicks.mean() + 0.1)),
        float(np.log(hats.mean() + 0.1)),
        abs(float(snares[::2].mean() - snares[1::2].mean())),
        float(highest - bars.mean()),
    )


def _peaks(tempi: Array, heights: Array, count: int) -> list[float]:
    """The tempi of the highest local maxima."""
    tops = [i for i in range(len(tempi)) if heights[i] == heights[max(0, i - 8) : i + 9].max()]
    return [float(tempi[i]) for i in sorted(tops, key=lambda i: -heights[i])[:count]]


def _salience(curves: Sequence[Curve]) -> tuple[Array, Array]:
    """Tempi, and how much the curves repeat after 1, 2 and 4 of their beats, in windows of 8 s.

    Generalised autocorrelation: the spectrum to the power of 0.5 (Tolonen and Karjalainen 2000).
    """
    tempi = np.geomspace(SLOWEST_BPM, FASTEST_BPM, 900)
    total = np.zeros(len(tempi))
    for curve in curves:
        size = min(round(8 * curve.rate), len(curve.values))
        windows = np.lib.stride_tricks.sliding_window_view(curve.values, size)[:: round(2 * curve.rate)]
        padded = 1 << (2 * size - 1).bit_length()
        power = np.sqrt(np.abs(np.fft.rfft(windows - windows.mean(axis=1, keepdims=True), padded)))
        repeats = np.fft.irfft(power)[:, : round(6 * curve.rate)]
        repeats = (repeats / (repeats[:, :1] + 1e-9)).mean(axis=0)
        lag, at = 60 * curve.rate / tempi, np.arange(len(repeats))
        combed = np.sum(
            [weight * np.interp(k * lag, at, repeats) for k, weight in ((1, 1), (2, 0.7), (4, 0.4))], axis=0
        )
        total += combed / max(combed.max(), 1e-9)
    return tempi, total / len(curves)


def spectrum(curve: Curve) -> tuple[Array, float]:
    """Magnitudes of the whole curve in units of their median from 30 to 720 BPM, and the step in BPM."""
    size = 1 << (8 * len(curve.values) - 1).bit_length()
    values = np.abs(np.fft.rfft(curve.values - curve.values.mean(), size))
    step = 60 * curve.rate / size
    return values / (np.median(values[int(30 / step) : int(720 / step)]) + 1e-12), step


def comb(values: Array, step: float, bpm: float, width: float) -> tuple[float, float]:
    """The tempo within `width` (relative) of `bpm` whose comb of lines in the spectrum is the highest; that height."""
    tempi = np.arange(bpm * (1 - width), bpm * (1 + width), step / 4)
    lines = np.arange(len(values)) * step
    heights = np.sum([np.interp(tempi * tooth, lines, values) for tooth in grid.TEETH], axis=0)
    top = int(np.argmax(heights))
    return float(tempi[top]), float(heights[top])


def _pulse_train(envelope: Array, rate: float, bpm: float) -> tuple[float, float, float]:
    """Mean of the envelope on the beats at the best phase, half a beat later, and one and two thirds later."""
    period = 60 / bpm * rate
    count = max(1, int(len(envelope) / period) - 1)
    beats = np.arange(0, period, max(1.0, period / 64))[:, None] + np.arange(count) * period
    on = envelope[beats.astype(int)].mean(axis=1)
    best = beats[on.argmax()]
    between = [
        float(envelope[np.minimum(best + share * period, len(envelope) - 1).astype(int)].mean())
        for share in (1 / 2, 1 / 3, 2 / 3)
    ]
    return float(on.max()), between[0], (between[1] + between[2]) / 2
