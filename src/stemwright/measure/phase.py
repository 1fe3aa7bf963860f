"""Where in its period the beat falls: on it are onsets, the pulse that is heard and, bar by bar, new harmony."""

from __future__ import annotations

import numpy as np

from stemwright.measure.grid import ONSET_LEAD_S, folded
from stemwright.measure.heard import Heard
from stemwright.measure.onsets import Array

_NEAR_S = 0.03
_WEIGHTS = (2.82, 2.29, 40.4, 20.6, 2.03)
"""Of `evidence`, in that order: a conditional logit fitted by `scripts/train_tempo`."""


def first_beat(heard: Heard, bpm: float) -> float:
    """Seconds from the start to the first beat of a grid: where the onsets are strongest near its likeliest phase."""
    bins, period = 96, 60 / bpm
    coarse = 2 * likeliest(heard, regular(heard, bpm, bins // 2))
    shape = folded(heard.onsets, bpm, bins)[0]
    reach = max(2, int(_NEAR_S / period * bins))
    near = (coarse + np.arange(-reach, reach + 1)) % bins
    top = int(near[shape[near].argmax()])
    before, peak, after = shape[top - 1], shape[top], shape[(top + 1) % bins]
    bend = before - 2 * peak + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(((top + 0.5 + shift) / bins * period + ONSET_LEAD_S) % period)


def regular(heard: Heard, bpm: float, phases: int) -> Array:
    """The beats of that tempo at equally spaced phases, `[phases, beats]`, in seconds."""
    period = 60 / bpm
    starts = (np.arange(phases) + 0.5) / phases * period
    return np.asarray(starts[:, None] + np.arange(max(2, int(heard.seconds / period) - 1)) * period)


def likeliest(heard: Heard, beats_s: Array) -> int:
    """Which row of `[readings, beats]` is that of the beats."""
    return int(scores(heard, beats_s).argmax())


def scores(heard: Heard, beats_s: Array) -> Array:
    """How likely each row of `[readings, beats]` is that of the beats: logarithms but for a constant."""
    return np.asarray(evidence(heard, beats_s) @ _WEIGHTS)


def evidence(heard: Heard, beats_s: Array) -> Array:
    """What speaks for each row of `[readings, beats]`: `[readings, 5]`.

    Logarithms of pulse and onsets on the beats, against the mean of the song; change of harmony and of bass, and new
    harmony, where bars of three or four beats would start, for the best of these.
    """
    new = heard.harmony.newness(beats_s)[..., None]
    changes = np.concatenate([heard.harmony.changes(beats_s), new], axis=-1)
    starts = [(first, beats) for beats in (3, 4) for first in range(min(beats, beats_s.shape[1]))]
    bars = [changes[:, first::beats].mean(axis=1) for first, beats in starts]
    on_beats = [np.log(curve.about(beats_s).mean(axis=1) + 0.1) for curve in (heard.pulse, heard.onsets)]
    return np.column_stack([*on_beats, np.max(bars, axis=0)])
