"""The tempo of a song that keeps one, with its beat and its bar 1.

Onset strength -> candidates from its autocorrelation and its spectrum -> the best of them by salience, pulse train,
coherence over the whole song and a prior -> an exact grid (`grid.py`). Candidates come from any number of curves, so
that another one, say a beat activation, can join the onset strength.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stemwright.measure import grid
from stemwright.measure.onsets import Array, Curve, Floats, levelled, moving_max, onset_strength
from stemwright.model import Estimate

SLOWEST_BPM, FASTEST_BPM = 40.0, 300.0
SHORTEST_S = 4.0
LEAST_CONFIDENCE = 0.05
_PRIOR_BPM, _PRIOR_OCTAVES = 118.0, 0.6
"""Log-normal prior: people tap near 120 BPM (Moelants 2002)."""
_READINGS = (0.5, 2.0, 2 / 3, 1.5, 0.75, 4 / 3)
"""Ratios at which the same music may be counted."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The beat grid of a song. Frames are at the rate of the audio that was measured."""

    estimate: Estimate[float]
    """BPM, round where the song cannot be told from it. The confidence is that of the pulse: whether half or double
    of it is counted often cannot be heard; see its alternatives."""
    exact_bpm: float
    """As fitted, before rounding."""
    beat_frame: int
    """The first beat."""
    downbeat_frame: int
    """Where bar 1 starts; the likeliest beat, of bars in 4/4."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    bpm: float
    coherence: float
    score: float = 0.0


def estimate_tempo(mono: Floats, sample_rate: int, *, bpm: float | None = None) -> Tempo | None:
    """The tempo of mono audio `[frames]`, best at 22.05 kHz; None where there is no beat or less than 4 s.

    With `bpm` the tempo is known, though perhaps rounded: only grid and confidence are measured, and a tempo close by
    that fits better becomes the alternative. None then means that no such beat is heard.
    """
    audio, duration = levelled(mono), len(mono) / sample_rate
    if audio is None or duration < SHORTEST_S:
        return None
    onsets = onset_strength(audio, sample_rate)
    ranked = _candidates((onsets,)) if bpm is None else [_Candidate(*_comb(*_spectrum(onsets), bpm, width=0.01))]
    exact, error = grid.lock(onsets, ranked[0].bpm)
    fitted = grid.snap(exact, error, duration)
    if bpm is None:
        alternatives = _readings(fitted, ranked)
    elif grid.drift(fitted, bpm, duration) < 0.02 or grid.steadiness(onsets, bpm) > grid.steadiness(onsets, fitted):
        fitted, alternatives = bpm, ()
    else:
        alternatives = (fitted,)
    confidence = _confidence(onsets, fitted, ranked)
    if confidence < LEAST_CONFIDENCE:
        return None
    beat = grid.first_beat(onsets, fitted)
    return Tempo(
        Estimate(bpm or fitted, confidence, "measured", alternatives),
        exact,
        round(beat * sample_rate),
        round(grid.bar_one(audio, sample_rate, fitted, beat) * sample_rate),
    )


def _readings(bpm: float, ranked: Sequence[_Candidate]) -> tuple[float, ...]:
    """The best other ways to count the music, as simple ratios of `bpm`."""
    ratios = [other.bpm / ranked[0].bpm for other in ranked[1:]]
    simple = [reading for ratio in ratios for reading in _READINGS if abs(ratio / reading - 1) < 0.02]
    return tuple(round(bpm * reading, 4) for reading in list(dict.fromkeys(simple))[:3])


def _confidence(onsets: Curve, bpm: float, ranked: Sequence[_Candidate]) -> float:
    """How sure the pulse is: steady through the song, out of the noise, and ahead of other readings."""
    steady = np.clip((grid.steadiness(onsets, bpm) - 0.2) / 0.7, 0, 1)
    best = ranked[0]
    coherent = np.clip((best.coherence - 6) / 12, 0, 1)  # white noise reaches 6
    ahead = 1.0
    for other in ranked[1:]:
        octaves = np.log2(other.bpm / best.bpm)
        margin, doubt = (0.4, 0.12) if abs(octaves - np.round(octaves)) < 0.03 else (0.8, 0.5)
        ahead = min(ahead, 1 - doubt * (1 - min(1.0, (best.score - other.score) / margin)))
    return round(float(steady * coherent * ahead), 3)


def _candidates(curves: Sequence[Curve]) -> list[_Candidate]:
    """Tempi worth a thought, the best first. The first curve is the onset strength."""
    onsets = curves[0]
    values, step = _spectrum(onsets)
    tempi, salience = _salience(curves)
    peaks = [i for i in range(len(tempi)) if salience[i] == salience[max(0, i - 8) : i + 9].max()]
    guesses = [(float(tempi[i]), 0.025) for i in sorted(peaks, key=lambda i: -salience[i])[:10]]
    low, high, near = (int(bpm / step) for bpm in (SLOWEST_BPM, 700, 3))
    left = values[:high].copy()
    left[:low] = 0
    for _ in range(4):  # the strongest lines may be any multiple of the beat
        top = int(left.argmax())
        left[max(0, top - near) : top + near] = 0
        guesses += [(top * step / multiple, 0.005) for multiple in (1, 2, 3, 4, 6)]
    envelope = moving_max(onsets.values, 5)
    found: list[_Candidate] = []
    for guess, width in guesses:
        bpm, coherence = _comb(values, step, guess, width) if guess >= SLOWEST_BPM else (0.0, 0.0)
        if not SLOWEST_BPM <= bpm <= FASTEST_BPM or any(abs(bpm / other.bpm - 1) < 0.01 for other in found):
            continue
        on, off = _pulse_train(envelope, onsets.rate, bpm)
        score = (
            float(np.interp(bpm, tempi, salience))
            + 0.5 * np.log(on / (envelope.mean() + 1e-12) + 0.05)
            - 0.3 * off / (on + 1e-12)
            + 0.5 * np.log1p(coherence)
            - 0.4 * (np.log2(bpm / _PRIOR_BPM) / _PRIOR_OCTAVES) ** 2
        )
        found.append(_Candidate(bpm, coherence, float(score)))
    return sorted(found, key=lambda candidate: -candidate.score)


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
        comb = np.sum([weight * np.interp(k * lag, at, repeats) for k, weight in ((1, 1), (2, 0.7), (4, 0.4))], axis=0)
        total += comb / max(comb.max(), 1e-9)
    return tempi, total / len(curves)


def _spectrum(curve: Curve) -> tuple[Array, float]:
    """Magnitudes of the whole curve in units of their median from 30 to 720 BPM, and the step in BPM."""
    size = 1 << (8 * len(curve.values) - 1).bit_length()
    values = np.abs(np.fft.rfft(curve.values - curve.values.mean(), size))
    step = 60 * curve.rate / size
    return values / (np.median(values[int(30 / step) : int(720 / step)]) + 1e-12), step


def _comb(values: Array, step: float, bpm: float, width: float) -> tuple[float, float]:
    """The tempo within `width` (relative) of `bpm` whose comb of lines in the spectrum is the highest; that height."""
    tempi = np.arange(bpm * (1 - width), bpm * (1 + width), step / 4)
    lines = np.arange(len(values)) * step
    heights = np.sum([np.interp(tempi * tooth, lines, values) for tooth in grid.TEETH], axis=0)
    top = int(np.argmax(heights))
    return float(tempi[top]), float(heights[top])


def _pulse_train(envelope: Array, rate: float, bpm: float) -> tuple[float, float]:
    """Mean of the envelope on the beats at the best phase, and half a beat later."""
    period = 60 / bpm * rate
    count = int(len(envelope) / period) - 1
    beats = np.arange(0, period, max(1.0, period / 64))[:, None] + np.arange(count) * period
    on = envelope[beats.astype(int)].mean(axis=1)
    off = envelope[np.minimum(beats[on.argmax()] + period / 2, len(envelope) - 1).astype(int)]
    return float(on.max()), float(off.mean())
