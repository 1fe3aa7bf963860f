"""Fit what `measure/candidates.py` and `measure/phase.py` weigh: conditional logits over the pieces to tune with.

Prints the weights, and how often they would choose rightly in styles that they were not fitted to.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_tempo import RATE, SIMPLE, Row, audio_of

from stemwright.measure import candidates, family, phase
from stemwright.measure.candidates import FASTEST_BPM, SLOWEST_BPM
from stemwright.measure.heard import Heard, listen

FOLDS = 10
OCTAVE_CREDIT = 0.15
"""What the tempo an octave off is worth against the right one."""
PRODUCTION_WEIGHT = 0.2
"""What a piece of the styles that are only to tune with counts: there are many, and odder than most music."""


@dataclass(frozen=True)
class Choice:
    """A piece: the features of each of its options, `[options, features]`, and the worth of each of these."""

    features: np.ndarray
    worth: np.ndarray
    weight: float = 1.0


def style_of(name: str) -> str:
    """Pieces that are like each other: all takes of a style, all tempi of a file."""
    return re.sub(r"( \d+)?( (step|ramp|drift|rubato))?$", "", name)


def of_tempi(heard: Heard, row: Row) -> Choice:
    """Which candidate is a tempo of the piece."""
    true = [row["bpm"]] if row["kind"] == "constant" else np.percentile(60 / np.diff(row["beats"]), range(20, 90, 10))
    likely = family.likelihoods(heard.pulse, SLOWEST_BPM, FASTEST_BPM)
    found = candidates.ranked(heard, likely)
    ratios = np.array([[each.bpm / bpm for bpm in true] for each in found])
    related = np.min([np.abs(ratios / simple - 1).min(axis=1) for simple in SIMPLE], axis=0) < 0.04
    right = np.abs(ratios - 1).min(axis=1) < 0.04
    worth = np.where(right, 1, OCTAVE_CREDIT * related)
    weight = PRODUCTION_WEIGHT if row.get("production") else 1.0
    return Choice(np.array([each.features for each in found]), worth, weight)


def of_phases(heard: Heard, row: Row) -> Choice:
    """Which phase has the beats of a piece whose tempo is known."""
    beats = phase.regular(heard, row["bpm"], 48)
    period = 60 / row["bpm"]
    off = np.abs((beats[:, 0] - row["beats"][0] + period / 2) % period - period / 2)
    return Choice(phase.evidence(heard, beats), (off < max(0.02, 0.6 * period / 48)).astype(float))


def fit(choices: list[Choice], penalty: float) -> np.ndarray:
    """Weights of the features as they come: maximum likelihood with an L2 penalty on the standardised ones (Adam)."""
    everything = np.concatenate([choice.features for choice in choices])
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-9
    most = max(len(choice.worth) for choice in choices)
    features, worth, absent = (np.zeros((len(choices), most, *more)) for more in ((len(scale),), (), ()))
    for number, choice in enumerate(choices):
        count = len(choice.worth)
        features[number, :count] = (choice.features - mean) / scale
        worth[number, :count], absent[number, count:] = choice.worth, -1e9
    shares = np.array([choice.weight for choice in choices])
    shares /= shares.sum()
    weights, momentum, power = (np.zeros(len(scale)) for _ in range(3))
    for _ in range(400):
        scores = features @ weights + absent
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        wanted = odds * worth
        wanted /= wanted.sum(axis=1, keepdims=True)
        slope = penalty * weights - np.einsum("p,po,pof->f", shares, wanted - odds, features, optimize=True)
        momentum, power = 0.9 * momentum + 0.1 * slope, 0.99 * power + 0.01 * slope**2
        weights = weights - 0.05 * momentum / (np.sqrt(power) + 1e-6)
    return np.asarray(weights / scale)


def right(choice: Choice, weights: np.ndarray) -> tuple[bool, bool]:
    """Whether the best option is the right one, or a related one."""
    worth = choice.worth[int((choice.features @ weights).argmax())]
    return worth == 1, worth > 0


def report(name: str, choices: list[Choice], styles: list[str], penalty: float) -> None:
    """Weights of all, and shares of right and of related choices in styles left out."""
    kept = [at for at, choice in enumerate(choices) if choice.worth.any()]
    folds = {style: at % FOLDS for at, style in enumerate(np.random.default_rng(0).permutation(sorted(set(styles))))}
    verdicts = []
    for fold in range(FOLDS):
        weights = fit([choices[at] for at in kept if folds[styles[at]] != fold], penalty)
        verdicts += [
            right(choice, weights) for choice, style in zip(choices, styles, strict=True) if folds[style] == fold
        ]
    weights = fit([choices[at] for at in kept], penalty)
    alone, seen = np.mean(verdicts, axis=0), np.mean([right(choice, weights) for choice in choices], axis=0)
    print(f"{name}: {len(choices)} pieces; right, related in styles left out {alone.round(3)}, in all {seen.round(3)}")
    print("  ", tuple(float(f"{weight:.3g}") for weight in weights))


def main() -> None:
    """Arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="made by bench_tempo build")
    parser.add_argument("--penalty", type=float, default=0.01)
    args = parser.parse_args()
    tempi: list[tuple[str, Choice]] = []
    phases: list[tuple[str, Choice]] = []
    for row in json.loads((args.folder / "truth.json").read_text()):
        heard = listen(audio_of(row), RATE) if row["half"] == "tune" else None
        if heard is None:
            continue
        tempi.append((style_of(row["name"]), of_tempi(heard, row)))
        if row["kind"] == "constant" and row["beats"]:
            phases.append((style_of(row["name"]), of_phases(heard, row)))
    for name, found in (("candidates.WEIGHTS", tempi), ("phase._WEIGHTS", phases)):
        styles, choices = map(list, zip(*found, strict=True))
        report(name, choices, styles, args.penalty)


if __name__ == "__main__":
    main()
