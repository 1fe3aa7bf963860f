"""How well the key is heard: on pieces of all 24 keys in many styles, up to 40 cents off pitch, and on real music.

`build` renders them by FluidSynth: progressions of key_progressions.toml, and the halves of POP909 and Nottingham
that scripts/train_key never hears. `score` compares: a fifth off counts 0.5, the relative key 0.3, the parallel 0.2
(MIREX).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_tempo import audio_of
from key_pieces import PROGRESSIONS, from_midi, joined, keys_of_pop909, keys_of_tunes, played, render, sources, written
from tempo_pieces import STYLES, Piece
from train_key import BANDS, RATE, trains

from stemwright.units import PITCH_CLASSES, parse_key

DETUNED = (0, -40, 40, -20, 20, 0, 30, -30)
Row = dict[str, Any]


def moved(key: str, shift: int) -> str:
    """The key so many semitones higher."""
    tonic, mode = key.split()
    return f"{PITCH_CLASSES[(PITCH_CLASSES.index(tonic) + shift) % 12]} {mode}"


def build(args: argparse.Namespace) -> None:
    """Render everything into one folder with its `truth.json`."""
    args.folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []

    def add(name: str, style: str, piece: Piece, key: str, changes: list[tuple[float, str]] | None = None) -> None:
        wav, cents = args.folder / f"{name}.wav", DETUNED[len(rows) % len(DETUNED)]
        if not wav.exists():
            render(piece, wav, args.soundfont[len(rows) % len(args.soundfont)], cents)
        rows.append({"path": str(wav), "style": style, "key": key, "cents": cents, "changes": changes or []})

    count = 0
    for name, style in PROGRESSIONS.items():
        band, ending = STYLES[style["band"]], style.get("ending", False)
        for mode in ("major", "minor"):
            for take in range(args.takes):
                tonic, bars = count * 5 % 12, written(style[mode][take % len(style[mode])], mode)
                key, count = f"{PITCH_CLASSES[tonic]} {mode}", count + 1
                add(f"{name} {mode} {take}", name, played(band, bars, tonic, mode, 45, count, ending), key)
            step, tonic = (1, 2, 3, -1, 5, 2)[count % 6], count * 5 % 12
            first, last = (
                played(band, written(style[mode][0], mode), (tonic + up) % 12, mode, 50, count, False)
                for up in (0, step)
            )
            key = f"{PITCH_CLASSES[tonic]} {mode}"
            piece, at = joined(first, last)
            add(f"{name} {mode} modulating", "modulating", piece, key, [(at, moved(key, step))])
    bands = [STYLES[name] for name in STYLES if name not in BANDS]
    if args.pop909_cl:
        taken: dict[str, int] = {}
        for name, ((_, key), *changes) in keys_of_pop909(args.pop909_cl).items():
            kind = "modulating" if changes else key
            number = taken.setdefault(kind, 0)
            if trains(name) or number >= (args.songs_a_key * 8 if changes else args.songs_a_key):
                continue
            taken[kind] += 1
            if changes:
                piece = from_midi(args.pop909_cl / f"{name}.mid", 0, 0, 300, None, int(name))
                add(f"pop909 {name} modulating", "modulating", piece, key, changes)
                continue
            path, band = args.pop909 / name / f"{name}.mid", bands[len(rows) % len(bands)] if number % 2 else None
            style, (start, seconds) = (
                ("pop, excerpt by a band", (25, 45)) if band else ("pop, whole by a piano", (0, 300))
            )
            add(f"pop909 {name}", style, from_midi(path, 0, start, seconds, band, int(name)), key)
    if args.nottingham:
        tunes = {n: k for n, k in keys_of_tunes(args.nottingham.glob("ABC_cleaned/*.abc")).items() if not trains(n)}
        for mode in ("major", "minor"):
            for number, name in enumerate([name for name, key in tunes.items() if key.endswith(mode)][::3][:12]):
                shift = (number - PITCH_CLASSES.index(tunes[name].split()[0]) + 6) % 12 - 6
                band = bands[number % len(bands)] if number % 2 else None
                piece = from_midi(args.nottingham / "MIDI" / f"{name}.mid", shift, 0, 45, band, number)
                add(f"tune {name}", "folk tune", piece, moved(tunes[name], shift))
    table = args.material / "bpm_key_truth.csv" if args.material else None
    for line in csv.DictReader(table.open(encoding="utf-8")) if table else ():
        if line["key"]:
            several = "sum" in line["source"] + line["note"]
            row = {"path": str(args.material / line["path"]), "style": "real", "key": parse_key(line["key"])}
            rows.append({**row, "cents": None, "changes": [], "sum": several})
    (args.folder / "truth.json").write_text(json.dumps(rows, indent=1))
    print(len(rows), "pieces,", len({row["key"] for row in rows}), "keys")


def _librosa(audio: np.ndarray, row: Row) -> str:
    import librosa

    chroma = librosa.feature.chroma_cqt(y=audio, sr=RATE, tuning=librosa.estimate_tuning(y=audio, sr=RATE)).mean(axis=1)
    major = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
    minor = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)  # Krumhansl and Kessler 1982
    fit = {
        f"{tonic} {mode}": np.corrcoef(chroma, np.roll(profile, place))[0, 1]
        for mode, profile in (("major", major), ("minor", minor))
        for place, tonic in enumerate(PITCH_CLASSES)
    }
    return max(fit, key=fit.__getitem__)


def _mixxx(audio: np.ndarray, row: Row) -> str:
    import mixxx_analyzer

    return str(mixxx_analyzer.analyze(row["path"]).key)


def _libsonare(audio: np.ndarray, row: Row) -> str:
    import libsonare

    return str(libsonare.detect_key(audio, RATE))


def _essentia(profile: str) -> Callable[[np.ndarray, Row], str]:
    def named(audio: np.ndarray, row: Row) -> str:
        import essentia.standard
        import soxr

        tonic, mode, _ = essentia.standard.KeyExtractor(profileType=profile)(soxr.resample(audio, RATE, 44_100))
        return f"{tonic} {mode}"

    return named


def ours(audio: np.ndarray, row: Row) -> str | None:
    """What stemwright says."""
    from stemwright.measure.key import estimate_key

    found = estimate_key(audio, RATE)
    row["found"] = found
    return found.estimate.value if found else None


METHODS = {
    "stemwright": ours,
    "librosa": _librosa,
    "mixxx": _mixxx,
    "libsonare": _libsonare,
    **{f"essentia {profile}": _essentia(profile) for profile in ("bgate", "edma", "krumhansl", "temperley")},
}


def points(found: str | None, key: str) -> float:
    """MIREX: 1 for the key, 0.5 a fifth up or down, 0.3 the relative key, 0.2 the parallel one."""
    if not found:
        return 0.0
    (tonic, mode), (true, other) = (each.split() for each in (found, key))
    apart = (PITCH_CLASSES.index(tonic) - PITCH_CLASSES.index(true)) % 12
    if mode == other:
        return {0: 1.0, 5: 0.5, 7: 0.5}.get(apart, 0.0)
    return {0: 0.2, (9 if other == "major" else 3): 0.3}.get(apart, 0.0)


def score(args: argparse.Namespace) -> None:
    """Measure, judge, print."""
    rows = [row for row in json.loads((args.folder / "truth.json").read_text()) if args.only in row["style"]]
    single = [row for row in rows if not row["changes"]]
    for name in args.methods:
        spent = heard = 0.0
        for row in single:
            audio = audio_of(row)
            began = time.process_time()
            told = METHODS[name](audio, row)
            spent, heard = spent + time.process_time() - began, heard + len(audio) / RATE
            row["told"] = parse_key(told) if told else None
            row["points"] = points(row["told"], row["key"])
            if args.verbose and row["points"] < 1:
                print(f"  {row['key']:9} {row['told']!s:9} {row['style']:16} {Path(row['path']).stem}")
        print(f"{name}: {240 * spent / max(heard, 1):.2f} CPU s for 4 minutes")
        rendered = [row for row in single if row["style"] != "real"]
        groups = {"rendered": rendered, "real": [row for row in single if row["style"] == "real"]}
        groups |= {mode: [row for row in rendered if row["key"].endswith(mode)] for mode in ("major", "minor")}
        groups |= {"30 cents or more off": [row for row in rendered if abs(row["cents"]) >= 30]}
        groups |= {
            f"- {style}": [row for row in rendered if row["style"] == style]
            for style in dict.fromkeys(r["style"] for r in rendered)
        }
        for title, group in groups.items():
            if group:
                each = np.array([row["points"] for row in group])
                print(f"  {title:24} N={len(group):3} weighted {each.mean():.3f} right {(each == 1).mean():.3f}")
    if "stemwright" in args.methods:
        print(
            changes_told(single, "constant"),
            changes_told([row for row in rows if row["changes"]], "modulating"),
            sep="\n",
        )
        off = [abs(row["found"].tuning_cents - row["cents"]) for row in rendered_of(single) if row["found"]]
        print(f"tuning: median {np.median(off):.1f} cents off, 95 % within {np.percentile(off, 95):.1f}")


def rendered_of(rows: list[Row]) -> list[Row]:
    """Those whose tuning is known."""
    return [row for row in rows if row["cents"] is not None]


def changes_told(rows: list[Row], kind: str) -> str:
    """How many pieces were said to change their key; of those that do, how many where and whereto."""
    told = right = alarms = 0
    for row in rows:
        if "found" not in row:
            ours(audio_of(row), row)
        changes = row["found"].changes if row["found"] else ()
        told += bool(changes)
        for at, key in row["changes"]:
            right += any(abs(frame / RATE - at) < 6 and heard == key for frame, heard in changes)
        alarms += len(changes) > len(row["changes"])
    return f"{kind}: N={len(rows)}, change told in {told}, right in {right}, too many in {alarms}"


def main() -> None:
    """Arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    builder = actions.add_parser("build", help="compose and render")
    builder.set_defaults(run=build)
    sources(builder)
    builder.add_argument("--material", type=Path, help="folder of real music with bpm_key_truth.csv")
    builder.add_argument("--takes", type=int, default=3, help="pieces in every style and mode")
    builder.add_argument("--songs-a-key", type=int, default=2)
    scorer = actions.add_parser("score", help="measure")
    scorer.set_defaults(run=score)
    scorer.add_argument("folder", type=Path)
    scorer.add_argument("--methods", nargs="+", choices=METHODS, default=["stemwright"])
    scorer.add_argument("--only", default="", help="part of a style")
    scorer.add_argument("--verbose", action="store_true", help="every piece that is wrong")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
