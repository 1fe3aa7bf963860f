"""The trained model that says which tempo is the likeliest: a conditional logit with a small hidden layer.

The weights, in `tempo_ranking.json`, are trained by scripts/train_tempo.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from stemwright.measure.onsets import Array

_FARTHEST = 4.0
"""No feature counts for more than it does so many standard deviations from its mean."""


def scores(features: Array) -> Array:
    """Log odds, but for a constant, of each row of `[tempi, features]`."""
    weights = _weights()
    return scored(standardised(features, weights["mean"], weights["deviation"]), weights)


def standardised(features: Array, mean: Array, deviation: Array) -> Array:
    """Unknown ones (NaN) stand at the mean."""
    return np.nan_to_num(np.clip((features - mean) / deviation, -_FARTHEST, _FARTHEST))


def scored(standard: Array, weights: dict[str, Array]) -> Array:
    """Of standardised features, by these weights."""
    hidden = np.tanh(standard @ weights["into"] + weights["bias"])
    return np.asarray(standard @ weights["straight"] + hidden @ weights["out"])


@cache
def _weights() -> dict[str, Array]:
    told = json.loads(Path(__file__).with_name("tempo_ranking.json").read_text(encoding="utf-8"))
    return {name: np.array(values, dtype=np.float64) for name, values in told["weights"].items()}
