"""The trained model that names keys: softmax over 24, with the same weights for all twelve tonics.

It sees how much there is of each pitch class (in all and in the bass), which triads, and which of them are reached by
fifths. The weights, in `key_profile.json`, are trained by scripts/train_key. What a song begins and ends on is left
out: in songs, and more so in excerpts of them, it misled the model.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from stemwright.measure.onsets import Array
from stemwright.measure.pitchclasses import PitchClasses
from stemwright.units import PITCH_CLASSES

KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_CLASSES)
_TOGETHER = 3
"""Spectra that one chord is read from: half a second."""
_SHARPNESS = 12.0
"""Of the choice among triads, by their cosine with what sounds."""


def features(classes: PitchClasses) -> Array:
    """What the model sees, `[12 tonics, 120]`, from each tonic up. At least one spectrum must sound."""
    full, bass = profile(classes.full), profile(classes.bass)
    rows = [full, full**2, bass, bass**2, *_triads(classes)]
    return np.stack([np.roll(rows, -tonic, axis=1).ravel() for tonic in range(12)])


def profile(classes: Array) -> Array:
    """Mean over the spectra, however loud they are, with the strongest pitch class at 1."""
    mean = shares(classes).mean(axis=0)
    return np.asarray(mean / (mean.max() + 1e-9))


def shares(classes: Array) -> Array:
    """Of each pitch class in its spectrum."""
    return np.asarray(classes / (classes.sum(axis=1, keepdims=True) + 1e-9))


def _triads(classes: PitchClasses) -> list[Array]:
    """Square roots of shares of time, each `[12]`: major triads, minor triads, by root; then of the moves to a triad.

    Those come from the fifth below (IV-I) to major and to minor, and from the fifth above (V-I) to both.
    """
    count = max(1, len(classes.full) // _TOGETHER)
    beats = np.stack([part.mean(axis=0) for part in np.array_split(shares(classes.full), count)])
    beats = beats - beats.mean(axis=1, keepdims=True)
    beats /= np.linalg.norm(beats, axis=1, keepdims=True) + 1e-9
    fit = np.exp(_SHARPNESS * (beats @ _templates().T - 1))
    chance = fit / fit.sum(axis=1, keepdims=True)
    share = np.sqrt(chance.mean(axis=0))
    moves = chance[:-1].T @ chance[1:]
    total = moves.sum() - np.trace(moves) + 1e-9
    roots = moves.reshape(2, 12, 2, 12).sum(axis=0)
    here = np.arange(12)
    reached = [roots[(here + up) % 12, mode, here] for up in (5, 7) for mode in (0, 1)]
    return [share[:12], share[12:], *(np.sqrt(np.maximum(each, 0) / total) for each in reached)]


@cache
def _templates() -> Array:
    """The 12 major and 12 minor triads, `[24, 12]`, each of mean 0 and length 1."""
    triads = np.zeros((24, 12))
    for number in range(24):
        triads[number, [(number + step) % 12 for step in (0, 4 if number < 12 else 3, 7)]] = 1
    triads -= triads.mean(axis=1, keepdims=True)
    return np.asarray(triads / np.linalg.norm(triads, axis=1, keepdims=True))


def log_chances(seen: Array) -> Array:
    """Natural logarithms of the probabilities of the 24 `KEYS`."""
    weights, bias = _model()
    score = (weights @ seen.T + bias[:, None]).ravel()
    return np.asarray(score - score.max() - np.log(np.exp(score - score.max()).sum()))


@cache
def _model() -> tuple[Array, Array]:
    """Weights `[mode, numbers]` and bias `[mode]`."""
    model = json.loads(Path(__file__).with_name("key_profile.json").read_text(encoding="utf-8"))
    weights, bias = (np.array([model[name][mode] for mode in ("major", "minor")]) for name in ("weights", "bias"))
    return weights, bias
