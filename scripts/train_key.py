"""The weights of measure/keymodel.py from music whose key is known.

`build` renders pieces by FluidSynth and keeps their pitch classes; `fit` writes measure/key_profile.json. Only the
halves of POP909 and Nottingham, and the bands and soundfonts, that scripts/bench_key never hears.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from key_pieces import from_midi, keys_of_pop909, keys_of_tunes, played, render, sources, walked
from tempo_pieces import STYLES, Piece

from stemwright.measure.keymodel import KEYS, features
from stemwright.measure.pitchclasses import PitchClasses, pitch_classes
from stemwright.units import PITCH_CLASSES

RATE = 22_050
BANDS = ("punk", "drum and bass", "bossa", "slow blues 12-8", "five", "seven", "metal", "disco")
PROFILE = Path(__file__).parents[1] / "src" / "stemwright" / "measure" / "key_profile.json"
BOOKS = "jigs", "reels"


def trains(name: str) -> bool:
    """Which half a POP909 song or a Nottingham tune belongs to."""
    return name.startswith(BOOKS) if name[0].isalpha() else zlib.crc32(name.encode()) % 2 == 0


def composed(seed: int) -> tuple[Piece, str]:
    """A random progression in a random key."""
    rng = np.random.default_rng(seed)
    mode, tonic = ("major", "minor")[seed % 2], int(rng.integers(12))
    band = STYLES[BANDS[rng.integers(len(BANDS))]]
    piece = played(band, walked(mode, rng), tonic, mode, rng.uniform(20, 45), seed, rng.random() < 0.4)
    return piece, f"{PITCH_CLASSES[tonic]} {mode}"


def taken(path: Path, key: str, seed: int, whole: bool) -> tuple[Piece, str]:
    """A MIDI file in another key, as it is or by a band."""
    rng = np.random.default_rng(seed)
    shift = int(rng.integers(-5, 7))
    band = STYLES[BANDS[rng.integers(len(BANDS))]] if rng.random() < 0.6 else None
    start, seconds = (0.0, 200.0) if whole else (rng.uniform(0, 90), rng.uniform(25, 50))
    tonic, mode = key.split()
    key = f"{PITCH_CLASSES[(PITCH_CLASSES.index(tonic) + shift) % 12]} {mode}"
    return from_midi(path, shift, start, seconds, band, seed), key


def heard(job: tuple[int, Path, Path, list[Path], str]) -> None:
    """Render one piece and keep what the product hears of it."""
    import soundfile

    seed, out, source, fonts, key = job
    if (out / f"{seed}.npz").exists():
        return
    whole = source.stem[:1].isalpha() or seed % 2 == 0
    piece, key = taken(source, key, seed, whole) if key else composed(seed)
    if len(piece.events) < 60:
        return
    rng, wav = np.random.default_rng(seed), out / f"{seed}.wav"
    render(piece, wav, fonts[seed % len(fonts)], float(rng.uniform(-35, 35)), RATE)
    audio, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    wav.unlink()
    classes = pitch_classes(audio.mean(axis=1), RATE)
    if classes:
        kind = "made" if source == Path() else "tune" if source.stem[:1].isalpha() else "pop"
        kept = {name: getattr(classes, name) for name in PitchClasses.__slots__}
        np.savez(out / f"{seed}.npz", **kept, key=KEYS.index(key), kind=kind)


def build(args: argparse.Namespace) -> None:
    """Render and hear everything that trains."""
    args.folder.mkdir(parents=True, exist_ok=True)
    songs = keys_of_pop909(args.pop909_cl) if args.pop909_cl else {}
    tunes = keys_of_tunes(args.nottingham.glob("ABC_cleaned/*.abc")) if args.nottingham else {}
    files = [(args.pop909 / name / f"{name}.mid", key) for name, ((_, key), *more) in songs.items() if not more]
    files += [(args.nottingham / "MIDI" / f"{name}.mid", key) for name, key in tunes.items()]
    minor = [(path, key) for path, key in files if path.stem[0].isalpha() and key.endswith("minor")]
    files = [(path, key) for path, key in files + 3 * minor if trains(path.stem) and path.exists()]
    files += [(Path(), "")] * args.composed
    jobs = [(seed, args.folder, path, args.soundfont, key) for seed, (path, key) in enumerate(files)]
    jobs.sort(key=lambda job: zlib.crc32(str(job[0]).encode()))  # any part of them is a fair sample
    with ProcessPoolExecutor(args.jobs) as pool:
        list(pool.map(heard, jobs, chunksize=8))
    print(len(jobs), "pieces")


def fit(args: argparse.Namespace) -> None:
    """Write the profile: softmax regression over 24 keys, the same weights for every tonic."""
    seen, keys, kinds = [], [], []
    for path in sorted(args.folder.glob("*.npz")):
        kept = dict(np.load(path))
        keys.append(int(kept.pop("key")))
        kinds.append(str(kept.pop("kind")))
        seen.append(features(PitchClasses(**kept)))
    x, key, kind = np.stack(seen), np.array(keys), np.array(kinds)
    fold = np.arange(len(x)) % 5
    right = []
    for part in range(5):
        weights, bias = fitted(x[fold != part], key[fold != part], kind[fold != part], args.l2)
        score = np.einsum("ntf,mf->nmt", x[fold == part], weights) + bias[:, None]
        right += (score.reshape(len(score), 24).argmax(axis=1) == key[fold == part]).tolist()
    print(f"{len(x)} pieces; left out by turns, {np.mean(right):.3f} are right")
    weights, bias = fitted(x, key, kind, args.l2)
    modes = ("major", "minor")
    profile = {
        "about": "Trained by scripts/train_key on composed progressions, POP909 (MIT) and Nottingham tunes.",
        "bias": {mode: round(float(bias[number]), 4) for number, mode in enumerate(modes)},
        "weights": {mode: [round(float(w), 4) for w in weights[number]] for number, mode in enumerate(modes)},
    }
    args.profile.write_text(json.dumps(profile) + "\n", encoding="utf-8")


def fitted(x: np.ndarray, key: np.ndarray, kind: np.ndarray, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[mode, numbers]` and bias `[mode]` for features `[pieces, 12, numbers]`; modes count alike."""
    from scipy.optimize import minimize

    count, _, wide = x.shape
    mean, deviation = x.reshape(-1, wide).mean(axis=0), x.reshape(-1, wide).std(axis=0) + 1e-6
    z, worth = (x - mean) / deviation, np.ones(count)
    for mode in (0, 1):
        for each in set(kind):
            group = (kind == each) & (key // 12 == mode)
            worth[group] = 1 / np.sqrt(max(1, group.sum()))
        worth[key // 12 == mode] /= worth[key // 12 == mode].sum()

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = theta[:-2].reshape(2, wide), theta[-2:]
        score = (np.einsum("ntf,mf->nmt", z, weights) + bias[:, None]).reshape(count, 24)
        chance = np.exp(score - score.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        told = -(worth * np.log(chance[np.arange(count), key] + 1e-12)).sum() / 2 + l2 * np.square(weights).sum()
        chance[np.arange(count), key] -= 1
        slope = (chance * worth[:, None] / 2).reshape(count, 2, 12)
        turned = np.einsum("nmt,ntf->mf", slope, z) + 2 * l2 * weights
        return float(told), np.concatenate([turned.ravel(), slope.sum(axis=(0, 2))])

    theta = minimize(loss, np.zeros(2 * wide + 2), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x
    weights = theta[:-2].reshape(2, wide) / deviation
    return weights, theta[-2:] - weights @ mean


def main() -> None:
    """Arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    builder = actions.add_parser("build", help="render and hear")
    builder.set_defaults(run=build)
    sources(builder)
    builder.add_argument("--composed", type=int, default=600, help="random progressions")
    builder.add_argument("--jobs", type=int, default=2)
    fitter = actions.add_parser("fit", help="train on what was heard")
    fitter.set_defaults(run=fit)
    fitter.add_argument("folder", type=Path)
    fitter.add_argument("--profile", type=Path, default=PROFILE)
    fitter.add_argument("--l2", type=float, default=0.02)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
