"""Fit what `measure/ranking.py` and `measure/phase.py` weigh: conditional logits over the pieces to tune with.

Writes the weights of the first and prints those of the second, and how often either would choose rightly in styles
that it was not fitted to.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bench_tempo import RATE, SIMPLE, Row, audio_of
from tempo_pieces import STYLES

from stemwright.measure import candidates, family, phase, ranking
from stemwright.measure.candidates import FASTEST_BPM, SLOWEST_BPM
from stemwright.measure.heard import Heard, listen

MODEL = Path(ranking.__file__).with_name("tempo_ranking.json")
FOLDS = 6
HIDDEN, FITS, STEPS = 8, 3, 250
OCTAVE_CREDIT = 0.15
"""What the tempo an octave off is worth against the right one."""
REAL_WEIGHT = 3.0
"""What a piece counts that somebody wrote or recorded: there are few of them."""
SURE = ((0.0, 0.5), (0.5, 0.85), (0.85, 1.01))


@dataclass(frozen=True)
class Choice:
    """A piece: the features of each of its options, `[options, features]`, and the worth of each of these."""

    features: np.ndarray
    worth: np.ndarray
    weight: float = 1.0


def style_of(name: str) -> str:
    """Pieces that are like each other: all takes of a style, all tempi of a file."""
    return re.sub(r"\d*( \d+)?( (step|ramp|drift|rubato|late|slight))?$", "", name)


def of_tempi(heard: Heard, row: Row) -> Choice:
    """Which candidate is a tempo of the piece."""
    true = [row["bpm"]] if row["kind"] == "constant" else np.percentile(60 / np.diff(row["beats"]), range(20, 90, 10))
    likely = family.likelihoods(heard.pulse, SLOWEST_BPM, FASTEST_BPM)
    found = candidates.ranked(heard, likely)
    ratios = np.array([[each.bpm / bpm for bpm in true] for each in found])
    related = np.min([np.abs(ratios / simple - 1).min(axis=1) for simple in SIMPLE], axis=0) < 0.04
    right = np.abs(ratios - 1).min(axis=1) < 0.04
    worth = np.where(right, 1, OCTAVE_CREDIT * related)
    composed = row.get("production") or style_of(row["name"]) in STYLES
    return Choice(np.array([each.features for each in found]), worth, 1.0 if composed else REAL_WEIGHT)


def of_phases(heard: Heard, row: Row) -> Choice:
    """Which phase has the beats of a piece whose tempo is known."""
    beats = phase.regular(heard, row["bpm"], 48)
    period = 60 / row["bpm"]
    off = np.abs((beats[:, 0] - row["beats"][0] + period / 2) % period - period / 2)
    return Choice(phase.evidence(heard, beats), (off < max(0.02, 0.6 * period / 48)).astype(float))


def fit(choices: list[Choice], penalty: float, hidden: int = 0, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of standardised features: maximum likelihood of a conditional logit with an L2 penalty (Adam)."""
    features = np.concatenate([choice.features for choice in choices])
    starts = np.cumsum([0, *(len(choice.worth) for choice in choices[:-1])])
    counts = np.array([len(choice.worth) for choice in choices])
    worth = np.concatenate([choice.worth for choice in choices])
    weights = np.array([choice.weight for choice in choices])
    shares = np.repeat(weights / weights.sum(), counts)
    rng, wide = np.random.default_rng(seed), features.shape[1]
    found = {
        "straight": np.zeros(wide),
        "into": rng.normal(0, 0.3 / np.sqrt(wide), (wide, hidden)),
        "bias": np.zeros(hidden),
        "out": rng.normal(0, 0.3, hidden),
    }
    momentum, power = ({name: np.zeros_like(each) for name, each in found.items()} for _ in range(2))
    for step in range(STEPS):
        scores = ranking.scored(features, found)
        odds = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counts))
        odds /= np.repeat(np.add.reduceat(odds, starts), counts)
        wanted = odds * worth
        wanted /= np.repeat(np.add.reduceat(wanted, starts), counts)
        off = (odds - wanted) * shares
        inner = np.tanh(features @ found["into"] + found["bias"])
        back = np.outer(off, found["out"]) * (1 - inner**2)
        slopes = {
            "straight": features.T @ off,
            "into": features.T @ back,
            "bias": back.sum(axis=0),
            "out": inner.T @ off,
        }
        for name, slope in slopes.items():
            slope = slope + penalty * found[name] * (name != "bias")
            momentum[name] = 0.9 * momentum[name] + 0.1 * slope
            power[name] = 0.99 * power[name] + 0.01 * slope**2
            rate = 0.04 if step < 0.6 * STEPS else 0.01
            found[name] = found[name] - rate * momentum[name] / (np.sqrt(power[name]) + 1e-6)
    return found


def several(choices: list[Choice], penalty: float, hidden: int) -> dict[str, np.ndarray]:
    """The mean of some fits that began elsewhere, as one."""
    fits = [fit(choices, penalty, hidden, seed) for seed in range(FITS if hidden else 1)]
    straight = np.mean([each["straight"] for each in fits], axis=0)
    into, bias, out = (np.concatenate([each[name] for each in fits], axis=-1) for name in ("into", "bias", "out"))
    return {"straight": straight, "into": into, "bias": bias, "out": out / len(fits)}


def trained(name: str, choices: list[Choice], styles: list[str], penalty: float, hidden: int) -> dict[str, np.ndarray]:
    """Weights of all, with mean and deviation of the features; tells how often they are right in styles left out."""
    everything = np.concatenate([choice.features for choice in choices])
    mean, deviation = np.nanmean(everything, axis=0), np.nanstd(everything, axis=0) + 1e-9
    choices = [replace(each, features=ranking.standardised(each.features, mean, deviation)) for each in choices]
    told = [choice.worth.any() for choice in choices]
    folds = {style: at % FOLDS for at, style in enumerate(np.random.default_rng(1).permutation(sorted(set(styles))))}
    fold = np.array([folds[style] for style in styles])
    verdicts, chances = [], []
    for part in range(FOLDS):
        weights = several([choices[at] for at in np.flatnonzero(told & (fold != part))], penalty, hidden)
        for at in np.flatnonzero(fold == part):
            scores = ranking.scored(choices[at].features, weights)
            worth = choices[at].worth[int(scores.argmax())]
            verdicts.append((worth == 1, worth > 0))
            chances.append(1 / np.exp(scores - scores.max()).sum())
    (right, related), likely = np.array(verdicts).T, np.array(chances)
    sure = [(f"{low:.2f}", f"{right[(likely >= low) & (likely < high)].mean():.2f}") for low, high in SURE]
    print(f"{name}: {len(choices)} pieces; in styles left out right {right.mean():.3f}, related {related.mean():.3f}")
    print("   right from a likelihood of", *(f"{low}: {share}" for low, share in sure))
    weights = several([choice for choice, kept in zip(choices, told, strict=True) if kept], penalty, hidden)
    return {"mean": mean, "deviation": deviation, **weights}


def main() -> None:
    """Arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+", help="made by bench_tempo build")
    parser.add_argument("--penalty", type=float, default=0.005)
    args = parser.parse_args()
    tempi: list[tuple[str, Choice]] = []
    phases: list[tuple[str, Choice]] = []
    for row in (row for folder in args.folder for row in json.loads((folder / "truth.json").read_text())):
        heard = heard_of(row) if row["half"] == "tune" else None
        if heard is None:
            continue
        tempi.append((style_of(row["name"]), of_tempi(heard, row)))
        if row["kind"] == "constant" and row["beats"]:
            phases.append((style_of(row["name"]), of_phases(heard, row)))
    styles, choices = map(list, zip(*tempi, strict=True))
    told = trained("tempi", choices, styles, args.penalty, HIDDEN)
    rounded = {name: np.vectorize(lambda value: float(f"{value:.4g}"))(each).tolist() for name, each in told.items()}
    model = {"about": "Trained by scripts/train_tempo on pieces of scripts/bench_tempo.", "weights": rounded}
    MODEL.write_text(json.dumps(model) + "\n", encoding="utf-8")
    styles, choices = map(list, zip(*phases, strict=True))
    told = trained("phases", choices, styles, 2 * args.penalty, 0)
    print("phase._WEIGHTS", tuple(float(f"{weight:.3g}") for weight in told["straight"] / told["deviation"]))


def heard_of(row: Row) -> Heard | None:
    """What is heard of a piece."""
    return listen(audio_of(row), RATE)


if __name__ == "__main__":
    main()
