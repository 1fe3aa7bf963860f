"""How well tempo, beats, bars and tempo changes are heard: on pieces with known beats, rendered by FluidSynth.

`build` composes and renders (own styles, grooves of MMA, MIDI files, LMMS renders beside their XML, a table of real
music); `score` measures. Half of the pieces, chosen by a hash of their source, is for tuning; the other half tells the
truth.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tempo_pieces import (
    STYLES,
    VARIED,
    Piece,
    compose,
    from_groove,
    from_midi,
    produced,
    tempo_curve,
    warped,
    write_midi,
)

from stemwright.measure.tempo import Tempo, estimate_tempo

RATE = 22_050
SIMPLE = (1, 2, 3, 1 / 2, 1 / 3)
RATIOS = (*SIMPLE, 3 / 2, 2 / 3, 4 / 3, 3 / 4)
Row = dict[str, Any]


def half_of(source: str) -> str:
    """The half a source belongs to, whatever is made of it; takes from the fifth on are more to tune with."""
    if re.fullmatch(r".* \d+", source) and int(source.split()[-1]) >= 4:
        return "tune"
    return ("tune", "test")[hashlib.sha256(source.encode()).digest()[0] % 2]


def build(args: argparse.Namespace) -> None:
    """Render everything into one folder with its `truth.json`."""
    import soundfile

    args.folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []

    def add(name: str, source: str, piece: Piece, kind: str = "constant") -> None:
        wav = args.folder / f"{name}.wav"
        if not wav.exists():
            write_midi(piece, wav.with_suffix(".mid"))
            font = args.soundfont[hashlib.sha256(name.encode()).digest()[1] % len(args.soundfont)]
            render = ["fluidsynth", "-niq", "-g", "0.5", "-r", "44100", "-o", "synth.cpu-cores=1", "-F", wav, font]
            try:
                subprocess.run([*render, wav.with_suffix(".mid")], check=True, capture_output=True, timeout=90)
            except subprocess.TimeoutExpired:  # a loop in the file
                wav.unlink()
                return
            if piece.production:
                audio, rate = soundfile.read(wav)
                soundfile.write(wav, produced(audio, rate, len(audio), piece.bpm), rate)
        truth = {"bpm": piece.bpm, "beats": piece.beats, "bar": piece.bar, "kind": kind, "production": piece.production}
        rows.append({"path": str(wav), "name": name, "half": half_of(source), **truth})

    for index, (name, style) in enumerate((STYLES | VARIED).items()):
        for take in (4, 5) if style.vary else range(args.takes):
            source = f"{name} {take}"
            seed = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4])
            rng = np.random.default_rng(seed)
            bpm = rng.uniform(*style.bpm)
            bpm = float((round(bpm), round(2 * bpm) / 2, round(bpm, 2), round(bpm))[take % 4])
            long = take == 0 and index % 2 == 0
            piece = compose(style, bpm, 240 if long else 75, seed)
            add(source, source, piece)
            if take in (1, 5):
                kinds = ("step", "ramp", "drift", "rubato", *(("late", "slight") if style.vary else ()))
                for kind in kinds[(index + take // 4) % 2 :: 2]:
                    add(
                        f"{source} {kind}",
                        source,
                        warped(compose(style, bpm, 100, seed), tempo_curve(kind, seed)),
                        kind,
                    )
    for line in args.grooves.read_text(encoding="utf-8").splitlines() if args.grooves else ():
        if not line.startswith("#"):
            bar, slowest, fastest, groove = line.split()
            source = f"{groove.replace('/', ' ')} 4"
            seed = int.from_bytes(hashlib.sha256(source.encode()).digest()[:3])
            bpm = float(np.random.default_rng(seed).integers(int(slowest), int(fastest) + 1))
            add(source, source, from_groove(int(bar), bpm, groove, 75, seed))
    for index, path in enumerate(sorted(path for folder in args.midi for path in folder.glob("*.mid"))):
        if piece := from_midi(path, 90):
            add(path.stem, path.stem, piece)
            if piece.beats and index % 3 == 0:
                kind = ("step", "ramp", "drift")[index // 3 % 3]
                add(f"{path.stem} {kind}", path.stem, warped(piece, tempo_curve(kind, index)), kind)
    for path in sorted(args.lmms.glob("*.ogg")) if args.lmms else ():
        head = path.with_suffix(".xml").read_text(errors="replace")
        found = re.search(r'<head [^>]*\bbpm="([\d.]+)"', head) or re.search(r'<bpm [^>]*value="([\d.]+)"', head)
        if found and "automation" not in head[head.index("<head") : head.index("<head") + 1500]:
            metre = re.search(r'timesig_numerator="(\d+)"', head)
            beats = np.arange(0, 600, 60 / float(found[1])).tolist()
            row = {"path": str(path), "name": path.stem, "half": half_of(path.stem), "kind": "constant"}
            rows.append({**row, "bpm": float(found[1]), "beats": beats, "bar": int(metre[1]) if metre else 4})
    table = args.material / "bpm_key_truth.csv" if args.material else None
    for line in csv.DictReader(table.open(encoding="utf-8")) if table else ():
        if line["confidence"] == "grid":  # the grid of a karaoke file, not a tempo
            continue
        path = args.material / line["path"]
        name = "-".join(path.relative_to(args.material).with_suffix("").parts[-2:])
        bpm = float(line["bpm"])
        row = {"path": str(path), "name": name, "half": half_of(name), "kind": "constant", "bpm": bpm}
        rows.append({**row, "sum": "sum" in line["source"] + line["note"], "beats": [], "bar": 0})
    (args.folder / "truth.json").write_text(json.dumps(rows))
    halves = [[row for row in rows if row["half"] == half] for half in ("tune", "test")]
    print(
        *(
            f"{half[0]['half']}: {len(half)} pieces, {sum(r['kind'] != 'constant' for r in half)} varying"
            for half in halves
        )
    )


def audio_of(row: Row) -> np.ndarray:
    """Mono at 22.05 kHz."""
    import soundfile
    import soxr

    path, parts = Path(row["path"]), []
    for each in sorted(path.parent.glob("*.*")) if row.get("sum") else [path]:
        audio, rate = soundfile.read(each, dtype="float32", always_2d=True, frames=300 * 44_100)
        parts.append(soxr.resample(audio.mean(axis=1), rate, RATE))
    return np.sum([np.pad(part, (0, max(map(len, parts)) - len(part))) for part in parts], axis=0).astype(np.float32)


def ours(audio: np.ndarray, row: Row) -> Row:
    """What stemwright says: tempo, first beat and bar, and the changes of tempo in beats from bar 1."""
    found = estimate_tempo(audio, RATE)
    return said(found) if found else {"bpm": 0.0}


def said(found: Tempo) -> Row:
    """In beats, as the truth is told: a beat of 6/8 is a dotted quarter."""
    beat = 1.5 if found.compound else 1.0
    return {
        "bpm": found.estimate.value / beat,
        "beat": found.beat_frame / RATE,
        "bar": found.downbeat_frame / RATE,
        "beats_a_bar": found.beats_a_bar,
        "changes": [(float(change.at) / beat, change.bpm / beat) for change in found.changes],
        "sure": found.estimate.confidence,
        "other": found.estimate.alternatives,
    }


def _librosa(audio: np.ndarray, row: Row) -> Row:
    import librosa

    tempo, beats = librosa.beat.beat_track(y=audio, sr=RATE, units="time")
    return {"bpm": float(np.atleast_1d(tempo)[0]), "beat": float(beats[0]) if len(beats) else 0.0}


def _mixxx(audio: np.ndarray, row: Row) -> Row:
    import mixxx_analyzer

    found = mixxx_analyzer.analyze(row["path"])
    return {"bpm": float(found.bpm or 0)}


def _libsonare(audio: np.ndarray, row: Row) -> Row:
    import libsonare

    return {"bpm": float(libsonare.detect_bpm(audio, RATE))}


METHODS = {"stemwright": ours, "librosa": _librosa, "mixxx": _mixxx, "libsonare": _libsonare}


def beats_of(found: Row, end: float) -> np.ndarray:
    """The beats that tempo, bar 1 and changes make, from the start to `end` seconds."""
    period, at, now = 60 / found["bpm"], found.get("bar", found.get("beat", 0.0)), 0.0
    made = [at - np.arange(math.floor(at / period), 0, -1) * period]
    for quarter, bpm in [*found.get("changes", ()), (math.inf, 0.0)]:
        last = quarter if quarter < math.inf else now + max(0.0, end - at) / period + 1
        count = np.arange(math.ceil(now - 1e-9), math.ceil(last - 1e-9))
        made.append(at + (count - now) * period)
        if quarter < math.inf:
            at, now, period = at + (quarter - now) * period, quarter, 60 / bpm
    beats = np.concatenate(made)
    return beats[beats <= end]


def judged(row: Row, found: Row) -> Row:
    """What is right: `None` where the piece cannot tell."""
    bpm, true = found["bpm"], row["bpm"]
    if bpm <= 0:
        nothing = {"acc1": False, "acc2": False, "told": row["kind"] == "constant"}
        return {
            **nothing,
            "drift": math.inf,
            "phase": False,
            "bar": False,
            "map": math.inf,
            "p95": math.inf,
            "metre": False,
        }
    if row["kind"] != "constant":  # the tempo that prevails
        true = float(np.median(60 / np.diff(row["beats"])))
        bpm = float(np.median(60 / np.diff(beats_of(found, row["beats"][-1]))))
    ratio = min(RATIOS, key=lambda r: abs(math.log(bpm / true / r)))
    out: Row = {"acc1": abs(bpm / true - 1) < 0.04, "acc2": any(abs(bpm / true / r - 1) < 0.04 for r in SIMPLE)}
    out["told"] = bool(found.get("changes")) == (row["kind"] != "constant")
    out["drift"] = abs(bpm / true / ratio - 1) * 240_000 if row["kind"] == "constant" else None
    out.update(phase=None, bar=None, map=None, p95=None, metre=None)
    if not row["beats"] or "beat" not in found:
        return out
    truth = np.array(row["beats"])
    end = truth[-1]
    made = beats_of(found, end)
    fewer, more = (truth, made) if ratio >= 1 else (made[made > truth[0] - 0.1], truth)
    off = np.abs(fewer[:, None] - more).min(axis=1) if len(fewer) and len(more) else np.array([9.0])
    if row["kind"] == "constant":
        out["phase"] = bool(np.median(off) < 0.05)
        if row["bar"]:
            bar = row["bar"] * 60 / row["bpm"]
            out["bar"] = abs(math.remainder(found["bar"] - truth[0], bar)) < 0.05 if "bar" in found else None
            out["metre"] = found.get("beats_a_bar", 4) == row["bar"]
    else:
        out["map"], out["p95"] = 1000 * float(np.median(off)), 1000 * float(np.percentile(off, 95))
    return out


def table(rows: list[tuple[Row, Row, Row]]) -> str:
    """One line of results."""

    def share(name: str, only: Any = lambda row: True) -> str:
        values = [verdict[name] for row, _, verdict in rows if verdict[name] is not None and only(row)]
        return f"{100 * np.mean(values):5.1f}%/{len(values)}" if values else "-"

    steady = [verdict["drift"] for row, _, verdict in rows if verdict["drift"] is not None]
    maps = [(verdict["map"], verdict["p95"]) for *_, verdict in rows if verdict["map"] is not None]
    varying = share("told", lambda row: row["kind"] not in ("constant",))
    constant = share("told", lambda row: row["kind"] == "constant")
    changes = [len(found.get("changes", ())) for row, found, _ in rows if row["kind"] != "constant"]
    return (
        f"acc1 {share('acc1')} acc2 {share('acc2')} "
        + "".join(f"drift<={ms}ms {100 * np.mean(np.array(steady) <= ms):.1f}% " for ms in (5, 20) if steady)
        + f"phase {share('phase')} bar {share('bar')} "
        f"metre {share('metre')} constant told {constant} varying told {varying} "
        + (f"map median {np.median(maps, axis=0)[0]:.1f} ms, p95 {np.median(maps, axis=0)[1]:.1f} ms, " if maps else "")
        + f"points {np.mean(changes) if changes else 0:.1f}"
    )


def score(args: argparse.Namespace) -> None:
    """Measure, judge, print."""
    rows = json.loads((args.folder / "truth.json").read_text())
    for name in args.methods:
        results: list[tuple[Row, Row, Row]] = []
        spent = heard = 0.0
        for row in rows:
            if args.half not in ("both", row["half"]) or args.only not in row["name"]:
                continue
            audio = audio_of(row)
            began = time.process_time()
            found = METHODS[name](audio, row)
            spent, heard = spent + time.process_time() - began, heard + len(audio) / RATE
            verdict = judged(row, found)
            results.append((row, found, verdict))
            if args.verbose:
                told = {name: value for name, value in verdict.items() if value is not None} | {"found": found}
                print(f"{row['half']} {row['name'][:38]:38} {row['bpm']:7.2f}", told, flush=True)
        for half in ("tune", "test"):
            if part := [result for result in results if result[0]["half"] == half]:
                print(f"{name} {half} N={len(part)} {table(part)}")
        print(f"{name}: {240 * spent / heard:.2f} CPU s for 4 minutes")


def main() -> None:
    """Arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    builder = actions.add_parser("build", help="compose and render")
    builder.set_defaults(run=build)
    builder.add_argument("folder", type=Path)
    builder.add_argument("--soundfont", type=Path, nargs="+", required=True)
    builder.add_argument("--midi", type=Path, nargs="*", default=[], help="folders of MIDI files")
    builder.add_argument("--grooves", type=Path, help="table of MMA's grooves: scripts/tempo_grooves.txt")
    builder.add_argument("--lmms", type=Path, help="folder of X.ogg rendered by LMMS and X.xml dumped by it")
    builder.add_argument("--material", type=Path, help="folder of real music with bpm_key_truth.csv")
    builder.add_argument(
        "--takes",
        type=int,
        default=8,
        help="pieces in every style but those that are only to tune with; from the fifth on to tune with",
    )
    scorer = actions.add_parser("score", help="measure")
    scorer.set_defaults(run=score)
    scorer.add_argument("folder", type=Path)
    scorer.add_argument("--half", choices=("tune", "test", "both"), default="both")
    scorer.add_argument("--methods", nargs="+", choices=METHODS, default=["stemwright"])
    scorer.add_argument("--only", default="", help="part of a name")
    scorer.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
