"""Music whose key is known: progressions played by a small band, random cadences, and MIDI files made into bands.

A piece is what `tempo_pieces.write_midi` writes. Nothing here knows which pieces train and which test.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
from tempo_pieces import DRUMS, Piece, Style, write_midi

MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "5": (0, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m7": (0, 3, 7, 10),
    "m6": (0, 3, 7, 9),
}
CADENCES = {
    "major": {
        "I": "I IV V vi ii iii bVII IV V",
        "ii": "V V7 IV vi",
        "iii": "vi IV ii",
        "IV": "V I ii iv vi V7",
        "V": "I I vi IV I",
        "V7": "I I vi",
        "vi": "IV ii V iii",
        "bVII": "IV I",
        "iv": "I",
    },
    "minor": {
        "i": "iv V VI VII III v iidim IV bII",
        "iidim": "V V7",
        "III": "VI VII iv",
        "iv": "V i VII V7 VI",
        "v": "i VI",
        "V": "i i VI i",
        "V7": "i i",
        "VI": "VII III iv V i",
        "VII": "i III VI",
    },
}
"""What may follow each chord of a random progression."""
Chord = tuple[int, tuple[int, ...]]
"""Pitch class of the root above the tonic, and the intervals above it."""
PROGRESSIONS = tomllib.loads(Path(__file__).with_name("key_progressions.toml").read_text(encoding="utf-8"))


def sources(builder: argparse.ArgumentParser) -> None:
    """Arguments: where pieces are rendered to, with which soundfonts, and the songs that others collected."""
    builder.add_argument("folder", type=Path)
    builder.add_argument("--soundfont", type=Path, nargs="+", required=True)
    builder.add_argument("--pop909", type=Path, help="the folder POP909 of the dataset (MIT)")
    builder.add_argument("--pop909-cl", type=Path, help="the folder POP909_processed of POP909-CL (MIT)")
    builder.add_argument("--nottingham", type=Path, help="the cleaned Nottingham database (GPL-3)")


def chord(numeral: str, mode: str) -> Chord:
    """`bVII`, `V7`, `iidim`, `im7` in the scale of the mode; a small numeral is a minor chord."""
    found = re.fullmatch(r"([b#]?)([ivIV]+)(\w*)", numeral)
    assert found, numeral
    shift, name, quality = found.groups()
    if name.islower() and quality in ("", "6", "7"):
        quality = "m" + quality
    root = MODES[mode][NUMERALS.index(name.lower())] + {"b": -1, "#": 1, "": 0}[shift]
    if mode == "minor" and shift == "b" and name in ("VI", "VII", "III"):
        root += 1  # flat already
    return root % 12, QUALITIES[quality]


def walked(mode: str, rng: np.random.Generator) -> list[list[Chord]]:
    """Bars of a random progression that has the tonic, mostly as its first chord, and can be repeated.

    Some are all power chords, some have sevenths of the scale on most chords.
    """
    name = "I" if mode == "major" else "i"
    names = [name] if rng.random() < 0.75 else [str(rng.choice([*CADENCES[mode]]))]
    while len(names) < (1, 2, 2, 4, 4, 4, 8)[rng.integers(7)]:
        names.append(str(rng.choice(CADENCES[mode].get(names[-1], name).split())))
    if name not in names:
        names[-1] = name
    chords, kind = [chord(each, mode) for each in names], rng.random()
    if kind < 0.12:
        chords = [(root, (0, 7)) for root, _ in chords]
    elif kind < 0.45:
        scale = MODES[mode]
        sevenths = [next(tone for tone in (10, 11, 9) if (root + tone) % 12 in scale) for root, _ in chords]
        sure = rng.random(len(chords)) < 0.75
        chords = [(r, (*t[:3], top) if add else t) for (r, t), top, add in zip(chords, sevenths, sure, strict=True)]
    return [[each] for each in chords]


def written(text: str, mode: str) -> list[list[Chord]]:
    """Bars of a progression of the table."""
    return [[chord(numeral, mode) for numeral in bar.split()] for bar in text.split("|")]


def render(piece: Piece, wav: Path, font: Path, cents: float, rate: int = 44_100) -> None:
    """The piece by FluidSynth, off pitch by so much; its MIDI file beside it is deleted."""
    midi = wav.with_suffix(".mid")
    write_midi(replace(piece, events=tuned(cents) + piece.events), midi)
    options = f"-niq -g 0.5 -r {rate} -o synth.cpu-cores=1 -o synth.dynamic-sample-loading=1 -F"
    subprocess.run(["fluidsynth", *options.split(), wav, font, midi], check=True, capture_output=True, timeout=120)
    midi.unlink()


def tuned(cents: float) -> list[tuple[float, mido.Message]]:
    """Messages that tune all channels but the drums (MIDI RPN 1)."""
    value = round(8192 + cents / 100 * 8192)
    steps = ((101, 0), (100, 1), (38, value & 127), (6, value >> 7))
    channels = [channel for channel in range(16) if channel != 9]
    return [
        (0.0, mido.Message("control_change", channel=c, control=control, value=value))
        for c in channels
        for control, value in steps
    ]


def played(
    style: Style, bars: Sequence[Sequence[Chord]], tonic: int, mode: str, seconds: float, seed: int, ending: bool
) -> Piece:
    """The progression again and again, with drums, bass, chords and a melody, for about so long."""
    rng = np.random.default_rng(seed)
    bpm = float(rng.uniform(*style.bpm))
    step_s, width = 60 / bpm / style.steps, style.beats * style.steps
    count = max(1, round(seconds / (step_s * width) / len(bars))) * len(bars)
    events = [
        (0.0, mido.Message("program_change", channel=channel, program=program))
        for channel, program in enumerate(style.programs)
    ]

    def play(at: float, steps: float, channel: int, pitch: int, velocity: float) -> None:
        start = max(0.0, at * step_s + 0.004 * rng.standard_normal())
        loud = int(np.clip(velocity + rng.normal(0, 6), 20, 127))
        events.append((start, mido.Message("note_on", channel=channel, note=pitch, velocity=loud)))
        events.append((start + steps * step_s, mido.Message("note_off", channel=channel, note=pitch)))

    low, high, tune = 33 + int(rng.integers(7)), 60 - int(rng.integers(6)), 70 + int(rng.integers(10))
    for bar in range(count):
        chords, top = bars[bar % len(bars)], bar * width
        for name, pattern in style.drums.items():
            for step in (step for step in range(width) if pattern[step] == "x"):
                play(top + step, 1, 9, DRUMS[name], 75 if name in "HC" else 100)
        for step in range(width):
            root, tones = chords[step * len(chords) // width]
            classes = {(tonic + root + tone) % 12 for tone in tones}
            changed = step * len(chords) % width < len(chords)
            if style.bass[step] == "x":
                fifth = not changed and rng.random() < 0.15
                play(top + step, 1.3, 0, low + (tonic + root + 7 * fifth - low) % 12, 92)
            if style.comp[step] == "x":
                for pitch in classes:
                    play(top + step, 1.6, 1, high + (pitch - high) % 12, 70)
            strong = step % style.steps == 0
            if bar % 8 > 1 and rng.random() < (0.75 if strong else 0.3):
                scale = {(tonic + note) % 12 for note in MODES[mode]}
                scale = classes | {note for note in scale if not {(note - 1) % 12, (note + 1) % 12} & classes - scale}
                near = [p for p in range(tune - 5, tune + 6) if p % 12 in (classes if strong else scale)]
                tune = int(np.clip(rng.choice(near), 64, 86))
                play(top + step, 1 + 2 * rng.random(), 2, tune, 85)
    if ending:
        for channel, floor, intervals in ((0, low, (0,)), (1, high, (0, 4 if mode == "major" else 3, 7))):
            for interval in intervals:
                play(count * width, width, channel, floor + (tonic + interval - floor) % 12, 85)
    return Piece(events, [], style.beats, bpm)


def joined(first: Piece, last: Piece) -> tuple[Piece, float]:
    """One piece after another, and the second where the other begins: on a bar of the first."""
    bar = first.bar * 60 / first.bpm
    end = max(at for at, message in first.events if message.type == "note_on")
    later = (int(end / bar) + 1) * bar
    stop = [(min(at, later - 0.01), message) for at, message in first.events]
    return replace(first, events=stop + [(at + later, message) for at, message in last.events]), later


def from_midi(path: Path, shift: int, start: float, seconds: float, band: Style | None, seed: int) -> Piece:
    """A stretch of a MIDI file `shift` semitones higher; with a `band`, played by it over a bass and drums."""
    rng = np.random.default_rng(seed)
    song = mido.MidiFile(path)
    end = start + seconds
    notes: list[tuple[float, float, int, int, int]] = []
    for number, track in enumerate(song.tracks):
        at, held = 0.0, {}
        alone = mido.MidiFile(type=0, ticks_per_beat=song.ticks_per_beat)
        tempi = [message for message in song.tracks[0] if message.type == "set_tempo"] if number else []
        alone.tracks.append(mido.merge_tracks([mido.MidiTrack(tempi[:1]), track]) if tempi else track)
        for message in alone:
            at += message.time
            if message.type == "note_on" and message.velocity:
                held[message.note] = (at, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in held:
                begun, loud = held.pop(message.note)
                if start <= begun < end:
                    notes.append((begun - start, at - start, number, message.note + shift, loud))
    tracks = sorted({note[2] for note in notes})
    programs = [0] * len(tracks) if band is None else [int(p) for p in rng.choice([*band.programs[1:], 0, 48], 9)]
    events = [
        (0.0, mido.Message("program_change", channel=n, program=programs[n % len(programs)]))
        for n in range(len(tracks))
    ]

    def play(begun: float, ended: float, channel: int, pitch: int, loud: int) -> None:
        events.append((begun, mido.Message("note_on", channel=channel, note=pitch, velocity=loud)))
        events.append((max(ended, begun + 0.03), mido.Message("note_off", channel=channel, note=pitch)))

    for begun, ended, track, pitch, loud in notes:
        play(begun, ended, tracks.index(track), pitch, loud)
    if band and notes:
        events.append((0.0, mido.Message("program_change", channel=8, program=band.programs[0])))
        beat = 60 / float(rng.uniform(80, 130))
        for count, at in enumerate(np.arange(0, max(note[1] for note in notes), beat).tolist()):
            if sounding := [note[3] for note in notes if note[0] < at + 0.1 and note[1] > at + 0.02]:
                play(at, at + 0.9 * beat, 8, 33 + (min(sounding) - 33) % 12, 92)
            play(at, at + 0.1, 9, DRUMS["S" if count % 2 else "K"], 100)
            play(at, at + 0.05, 9, DRUMS["H"], 75)
            play(at + beat / 2, at + beat / 2 + 0.05, 9, DRUMS["H"], 65)
    return Piece(events, [], 4, 120.0)


def keys_of_pop909(folder: Path) -> dict[str, list[tuple[float, str]]]:
    """Number of a song to its keys, each from a second on, by the reviewed POP909-CL files."""
    from stemwright.units import parse_key

    found = {}
    for path in sorted(folder.glob("*.mid")):
        song = mido.MidiFile(path)
        signs = [message.key for track in song.tracks for message in track if message.type == "key_signature"]
        keys, at = [(0.0, parse_key(sign)) for sign in signs[:1]], 0.0
        for message in song if len(set(signs)) > 1 else ():
            at += message.time
            if message.type == "key_signature" and parse_key(message.key) != keys[-1][1]:
                keys.append((at, parse_key(message.key)))
        if keys:
            found[path.stem] = keys
    return found


def keys_of_tunes(books: Iterable[Path]) -> dict[str, str]:
    """Tune to key of the Nottingham ABC books, for tunes that keep one."""
    from stemwright.units import parse_key

    found = {}
    for book in books:
        for tune in re.split(r"\n(?=X:)", book.read_text(encoding="latin-1")):
            number, keys = re.search(r"X:\s*(\d+)", tune), re.findall(r"^K:\s*(\w+)", tune, re.M)
            if number and len(keys) == 1 and keys[0][1:] in ("", "m", "b", "bm"):
                found[f"{book.stem}{number[1]}"] = parse_key(keys[0])
    return found
