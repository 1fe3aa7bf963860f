"""How well the parts of a song are found, on pieces of known form that are composed here and played by fluidsynth.

    python scripts/bench_sections.py FOLDER --font FluidR3_GM.sf2

A part has its own chords, or its own sound (instrument, level, melody, drums), or both. A boundary between two equal
parts cannot be heard: it may be found, but need not. Pieces of one part all through have none to find.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import soundfile
from key_pieces import render
from tempo_pieces import DRUMS, STYLES, Piece, Style

from stemwright.audio.probe import probe
from stemwright.measure.song import measure_song

FORMS = ("IAABABCB", "IABABCBB", "IABCABCDC", "AABA", "ABABCB", "IABACABO", "AABBA", "IABCBO", "ABCABC")
PROGRAMS = (0, 4, 16, 24, 25, 27, 29, 48, 50, 81, 89)
NEAR_S = (0.5, 3.0)


@dataclass(frozen=True)
class Part:
    """How one letter of a form is played."""

    bars: int
    chords: tuple[int, ...]
    program: int
    louder: int
    drums: bool
    tune: np.ndarray
    """Scale degrees `[4 bars, steps]`; below 0 is silence."""


def part(style: Style, rng: np.random.Generator, letter: str, base: tuple[int, ...], differs: str) -> Part:
    """A part whose `differs`: chords, sound or both."""
    edge, width = letter in "IO", style.beats * style.steps
    chords = base if differs == "sound" else tuple(int(degree) for degree in rng.choice([0, 3, 4, 5, 1], 4))
    program = int(rng.choice(PROGRAMS)) if differs != "chords" and rng.random() < 0.4 else style.programs[1]
    louder = 0 if differs == "chords" else int(rng.integers(-14, 15))
    tune = np.where(rng.random((4, width)) < 0.4, rng.integers(0, 7, (4, width)), -1)
    silent = edge or (differs != "chords" and rng.random() < 0.5)
    return Part(int(rng.choice([4, 8] if edge else [8, 8, 8, 16, 4])), chords, program, louder,
                not edge or rng.random() < 0.4, np.full_like(tune, -1) if silent else tune)  # fmt: skip


def composed(seed: int, form: str) -> tuple[Piece, list[float], list[bool]]:
    """A piece, where its parts after the first begin in seconds, and whether each differs from the one before."""
    rng = np.random.default_rng(seed)
    styles = [style for style in STYLES.values() if style.beats in (3, 4)]
    style = styles[seed % len(styles)]
    bpm, start = float(rng.integers(style.bpm[0], style.bpm[-1] + 1)), float(rng.uniform(0, 1))
    tight, width = 60 / bpm / style.steps, style.beats * style.steps
    base, differs = (
        tuple(int(d) for d in (0, *rng.choice([3, 4, 5, 1], 3))),
        str(rng.choice(["both", "chords", "sound"])),
    )
    parts = {letter: part(style, rng, letter, base, differs) for letter in sorted(set(form))}
    tonic, scale = int(rng.integers(12)), ((0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11))[int(rng.integers(2))]
    events = [(0.0, mido.Message("program_change", channel=n, program=p)) for n, p in enumerate(style.programs)]

    def play(step: float, length: float, channel: int, pitch: int, velocity: float) -> None:
        at = max(0.0, start + step * tight + style.loose_s * rng.standard_normal())
        loud = int(np.clip(velocity + rng.normal(0, 6), 20, 127))
        events.append((at, mido.Message("note_on", channel=channel, note=int(pitch), velocity=loud)))
        events.append((at + length * tight, mido.Message("note_off", channel=channel, note=int(pitch))))

    bar, begins = 0, []
    for letter in form:
        now = parts[letter]
        begins.append(start + bar * width * tight)
        change = mido.Message("program_change", channel=1, program=now.program)
        events.append((max(0.0, begins[-1] - 0.01), change))
        for within in range(now.bars):
            chord, first = now.chords[int(within / style.bars_per_chord) % 4], bar * width
            hits = [(name, step) for name, line in style.drums.items() for step, mark in enumerate(line) if mark == "x"]
            for name, step in hits if now.drums else ():
                play(first + step, 1, 9, DRUMS[name], 85 + now.louder)
            for step in (step for step in range(width) if style.bass[step] == "x" and now.drums):
                play(first + step, 1.2, 0, 36 + tonic + scale[chord] - 12 * (tonic > 6), 90 + now.louder)
            for step in (step for step in range(width) if style.comp[step] == "x"):
                for third in (0, 2, 4):
                    play(first + step, 1.5, 1, 60 + (tonic + scale[(chord + third) % 7]) % 12, 72 + now.louder)
            for step, degree in enumerate(now.tune[within % 4]):
                if degree >= 0:
                    play(first + step, 2, 2, 67 + tonic + scale[degree], 88 + now.louder)
            bar += 1
    events.append((start + bar * width * tight + 1, mido.Message("control_change", channel=0, control=120)))
    audible = [one != other for one, other in pairwise(form)]
    return Piece(events, [], style.beats, bpm), begins[1:], audible


def found(piece: Piece, path: Path, font: Path) -> list[float]:
    """Where the product says that parts after the first begin, in seconds."""
    render(piece, path, font, 0, 22_050)
    measuring, rate = measure_song((probe(path),)), soundfile.info(path).samplerate
    while True:
        try:
            next(measuring)
        except StopIteration as end:
            marks = [mark for mark in end.value.markers if mark.name.startswith("Section")]
            return [mark.at / rate for mark in marks[1:]]


def main() -> None:
    """Compose, play, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--font", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=40)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    counts = np.zeros((len(NEAR_S), 3), int)  # right, wrong, missed
    false = 0
    for seed in range(args.pieces):
        flat = seed % 4 == 3
        piece, truth, audible = composed(seed, "AAAAAA" if flat else FORMS[seed % len(FORMS)])
        told = found(piece, args.folder / f"{seed}.wav", args.font)
        if flat:
            false += len(told)
            continue
        apart = np.abs(np.subtract.outer(told, truth)) if told else np.zeros((0, len(truth)))
        for row, near in enumerate(NEAR_S):
            right = int((apart <= near).any(axis=1).sum())
            missed = sum(heard and not (apart[:, n] <= near).any() for n, heard in enumerate(audible))
            counts[row] += (right, len(told) - right, missed)
    for near, (right, wrong, missed) in zip(NEAR_S, counts, strict=True):
        precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
        print(f"within {near} s: precision {precision:.3f}, recall {recall:.3f} ({right} right, {wrong} wrong)")
    print(f"pieces of one part: {false} boundaries in {args.pieces // 4} pieces")


if __name__ == "__main__":
    main()
