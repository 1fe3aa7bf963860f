"""Music with known beats: a small composer for many styles, MIDI files of others, and the changing of their tempo.

A piece is a list of MIDI messages at seconds and its truth: beats and bars in seconds. It is written with 0.1 ms
ticks at one constant tempo, for a synthesizer rounds the moments at which it changes its own.
"""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import mido
import numpy as np

TICKS_HZ = 10_000
DRUMS = {"K": 36, "S": 38, "R": 37, "H": 42, "O": 46, "C": 51, "T": 45, "B": 54}
"""Kick, snare, rim, closed and open hat, ride, tom, tambourine."""


@dataclass(frozen=True)
class Style:
    """How a band plays: bars of `beats` beats of `steps` steps each, one character a step in every pattern."""

    beats: int
    steps: int
    bpm: Sequence[int]
    drums: dict[str, str]
    bass: str
    comp: str
    programs: Sequence[int]
    """Bass, chords and melody in General MIDI, from 0."""
    swing: float = 0.5
    """Where the second of two steps stands in them."""
    bars_per_chord: float = 1
    loose_s: float = 0.004
    half_time: dict[str, str] = field(default_factory=dict)
    vary: float = 0.0
    """The share of steps off the beat that come or go, in every piece and in every fourth bar, in a style that is only
    to tune with: its breaks are without drums, its sound is a production's."""


_TOLD = tomllib.loads(Path(__file__).with_name("tempo_styles.toml").read_text(encoding="utf-8"))
STYLES = {name: Style(**told) for name, told in _TOLD.items() if "vary" not in told}
VARIED = {name: Style(**told) for name, told in _TOLD.items() if "vary" in told}
"""The styles that are only to tune with."""


@dataclass(frozen=True)
class Piece:
    """Messages `(seconds, message)` and what is true of them."""

    events: list[tuple[float, mido.Message]]
    beats: list[float]
    """Seconds of every beat; empty where only the tempo is known."""
    bar: int
    """Beats of a bar; 0 where that is not known. Beat 0 starts one."""
    bpm: float
    """Of the start."""
    production: bool = False
    """Whether to hear it as `produced`."""


def varied(style: Style, rng: np.random.Generator) -> Style:
    """As another band would play it: other steps, a looser hand."""

    def turned(pattern: str) -> str:
        flips = rng.random(len(pattern)) < style.vary
        return "".join(
            ".x"[mark == "."] if flips[step] and step % style.steps else mark for step, mark in enumerate(pattern)
        )

    loose = style.loose_s and max(style.loose_s, float(rng.choice([0, 0.008, 0.014])))
    drums, half_time = ({name: turned(each) for name, each in kit.items()} for kit in (style.drums, style.half_time))
    return replace(
        style, drums=drums, half_time=half_time, bass=turned(style.bass), comp=turned(style.comp), loose_s=loose
    )


def compose(style: Style, bpm: float, seconds: float, seed: int) -> Piece:
    """A piece in this style: intro, verses, choruses and a break, with fills, on a random chord progression."""
    rng = np.random.default_rng(seed)
    style = varied(style, rng) if style.vary else style
    turn = varied(style, rng) if style.vary else style
    bare_bars, sung_s = (int(rng.choice([4, 4, 8, 12])), float(rng.choice([0, 0.02, 0.04]))) if style.vary else (4, 0.0)
    bars = int(seconds * bpm / 60 / style.beats)
    minor, tonic = rng.random() < 0.5, int(rng.integers(12))
    scale = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    roots = [0, *rng.choice([3, 4, 5, 1, 2, 0], 3).tolist()]
    start = float(rng.uniform(0, 1.5))
    events: list[tuple[float, mido.Message]] = [
        (0.0, mido.Message("program_change", channel=channel, program=program))
        for channel, program in enumerate(style.programs)
    ]

    def play(step: float, length: float, channel: int, pitch: int, velocity: int) -> None:
        pair, within = divmod(step, 2)
        late = within * 2 * style.swing if within < 1 else 2 * style.swing + (within - 1) * 2 * (1 - style.swing)
        swung = step if style.steps == 3 else 2 * pair + late
        tight = 60 / bpm / style.steps
        at = max(0.0, start + swung * tight + style.loose_s * rng.standard_normal())
        loud = int(np.clip(velocity + rng.normal(0, 6), 20, 127))
        at += sung_s * rng.random() if sung_s and channel == 2 else 0.0
        events.append((at, mido.Message("note_on", channel=channel, note=pitch, velocity=loud)))
        events.append((at + length * tight, mido.Message("note_off", channel=channel, note=pitch)))

    width, tune = style.beats * style.steps, int(rng.integers(7))
    for bar in range(bars):
        section = bar // 8 % 4
        chorus, bare = section == 2, (section == 0 and bar < bare_bars) or (section == 3 and bar % 8 < 4)
        chord = roots[int(bar / style.bars_per_chord) % len(roots)]
        band = turn if bar % 4 == 3 else style
        drums = band.half_time if chorus and band.half_time else band.drums
        fill = style.drums and bar % 8 == 7
        silent = (*DRUMS,) if bare and style.vary else ("K", "S") if bare else ()
        for name, pattern in drums.items():
            for step, mark in enumerate(pattern):
                if mark == "x" and name not in silent and not (fill and step >= width - style.steps):
                    accent = 14 if step % style.steps == 0 else 0
                    play(bar * width + step, 1, 9, DRUMS[name], {"H": 62, "C": 66}.get(name, 92) + accent)
        if fill:
            for step in range(width - style.steps, width):
                play(bar * width + step, 1, 9, 38 if step % 2 else 45, 95)
        if chorus and bar % 8 == 0 and style.drums:
            play(bar * width, 2, 9, 49, 105)
        for step in (step for step in range(width) if band.bass[step] == "x" and not (bare and bar < 4)):
            degree = chord + (4 if step and rng.random() < 0.2 else 0)
            play(bar * width + step, 1.2, 0, 36 + tonic % 12 + scale[degree % 7] - 12 * (tonic > 6), 90)
        for step in (step for step in range(width) if band.comp[step] == "x"):
            for third in (0, 2, 4):
                play(bar * width + step, 1.5, 1, 60 + (tonic + scale[(chord + third) % 7]) % 12, 72)
        if chorus or section == 1 or not style.drums:
            step = 0
            while step < width:
                length = int(rng.choice([1, 2, style.steps, 2 * style.steps]))
                if rng.random() < (0.9 if step % style.steps == 0 else 0.45):
                    tune = tune + int(rng.integers(-2, 3)) if step else chord + int(rng.choice([0, 2, 4]))
                    play(bar * width + step, length, 2, 72 + tonic % 12 - 5 + scale[tune % 7], 88)
                step += length
    beats = (start + np.arange(bars * style.beats) * 60 / bpm).tolist()
    return Piece(events, beats, style.beats, bpm, style.vary > 0)


def from_midi(path: Path, seconds: float) -> Piece | None:
    """A MIDI file that keeps one tempo and one metre, from its start; None for others."""
    song = mido.MidiFile(path)
    messages = list(mido.merge_tracks(song.tracks))
    tempi = {message.tempo for message in messages if message.type == "set_tempo"}
    metres = {(message.numerator, message.denominator) for message in messages if message.type == "time_signature"}
    if len(tempi) != 1 or len(metres) > 1:
        return None
    bpm, at, events = mido.tempo2bpm(tempi.pop()), 0.0, []
    for message in song:
        at += message.time
        if not message.is_meta and message.type != "sysex" and at < seconds:
            events.append((at, message))
    stop = max(at for at, _ in events) + 0.1
    events += [(stop, mido.Message("control_change", channel=channel, control=120)) for channel in range(16)]
    metre = metres.pop() if metres else (0, 4)
    played = np.array([at for at, message in events if message.type == "note_on" and message.velocity])
    off = [np.abs(played / cell - np.round(played / cell)) * cell for cell in (15 / bpm, 20 / bpm)]
    on_grid = np.mean(np.min(off, axis=0) < 0.015) > 0.7  # some files were played by hand beside the grid
    end = max(at for at, message in events if message.type == "note_on")
    beats = np.arange(0, end, 60 / bpm).tolist() if on_grid else []
    return Piece(events, beats, metre[0] if metre[1] == 4 else 0, bpm)


def from_groove(bar: int, bpm: float, groove: str, seconds: float, seed: int) -> Piece:
    """An accompaniment that MMA plays in this groove, on a random chord progression."""
    rng = np.random.default_rng(seed)
    major = ("C", "F", "G", "Am", "Dm", "Em", "C7", "Fmaj7")
    chords = [major[at] for at in (0, *rng.integers(0, len(major), 7))]
    held = int(rng.choice([1, 1, 2]))
    library, name = groove.split("/")
    lines = [f"RndSeed {seed}", f"Tempo {bpm}", f"Groove {library}:{name}"]
    lines += [f"{at + 1} {chords[at // held % 8]}" for at in range(int(seconds * bpm / 60 / bar))]
    with tempfile.TemporaryDirectory() as folder:
        told, played = Path(folder, "told.mma"), Path(folder, "played.mid")
        told.write_text("\n".join(lines) + "\n")
        subprocess.run(["mma", "-f", played, told], check=True, capture_output=True)
        piece = from_midi(played, seconds)
    assert piece, groove
    beats = np.arange(0, piece.events[-1][0], 60 / bpm).tolist()
    return replace(piece, beats=beats, bar=bar, bpm=bpm, production=True)


def warped(piece: Piece, relative_tempo: Callable[[float], float]) -> Piece:
    """The piece with its tempo times `relative_tempo(share of the beats)`."""
    beats = np.array(piece.beats)
    steps = [60 / piece.bpm / relative_tempo(at / len(beats)) for at in range(len(beats) - 1)]
    moved = beats[0] + np.concatenate([[0], np.cumsum(steps)])

    def at(time: float) -> float:
        if time <= beats[0]:
            return time
        if time >= beats[-1]:
            return float(moved[-1] + (time - beats[-1]) / relative_tempo(1.0))
        return float(np.interp(time, beats, moved))

    events = [(at(time), message) for time, message in piece.events]
    return replace(piece, events=events, beats=moved.tolist(), bpm=60 / float(moved[1] - moved[0]))


STEPS = {"step": ((0.3, 0.65), (0.04, 0.12)), "late": ((0.65, 0.8), (0.02, 0.05))}
"""Bounds of where in the piece the tempo changes, and by how much."""
RAMPS = {"ramp": (0.06, 0.14), "slight": (0.02, 0.05)}


def tempo_curve(kind: str, seed: int) -> Callable[[float], float]:
    """Relative tempo over the piece: `step`, `ramp`, `drift` (a drummer without a click) or `rubato` at the start.

    A `late` step and a `slight` ramp are small.
    """
    rng = np.random.default_rng(seed)
    sign = 1 if rng.random() < 0.6 else -1
    if kind in STEPS:
        where, size = (rng.uniform(*bounds) for bounds in STEPS[kind])
        return lambda at: 1 + sign * size * (at > where)
    if kind in RAMPS:
        size = rng.uniform(*RAMPS[kind])
        return lambda at: 1 + sign * size * at
    if kind == "drift":
        knots = np.cumsum(rng.normal(0, 1, 9))
        knots = 0.02 * (knots - knots.mean()) / np.abs(knots - knots.mean()).max()
        return lambda at: 1 + float(np.interp(at * 8, np.arange(9), knots))
    bends = rng.uniform(0.72, 0.98, 9)
    return lambda at: float(np.interp(at * 8 / 0.2, np.arange(9), bends)) if at < 0.2 else 1.0


def write_midi(piece: Piece, path: Path) -> None:
    """The messages with 0.1 ms ticks."""
    track, last = mido.MidiTrack(), 0
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    for at, message in sorted(piece.events, key=lambda event: event[0]):
        tick = round(at * TICKS_HZ)
        track.append(message.copy(time=tick - last))
        last = tick
    mido.MidiFile(type=0, ticks_per_beat=TICKS_HZ, tracks=[track]).save(path)


def produced(audio: np.ndarray, rate: int, seed: int, bpm: float) -> np.ndarray:
    """`[frames, channels]` as a production may sound; none of it moves.

    Equalised, in a room, perhaps with a delay in time, through a compressor that pumps, driven, with noise; perhaps
    dull at first and faded out.
    """
    rng = np.random.default_rng(seed)
    size = 1 << (len(audio) + rate).bit_length()
    hz = np.fft.rfftfreq(size, 1 / rate)
    equalised = 10 ** (np.interp(np.log2(np.maximum(hz, 20) / 20), np.arange(11), rng.normal(0, 4, 11)) / 20)
    times = np.arange(rate) / rate
    room = rng.normal(0, 1, rate) * np.exp(-times / rng.uniform(0.04, 0.25))
    room *= rng.uniform(0, 0.5) / np.sqrt(np.square(room).sum())
    room[0] = 1.0
    response = (equalised * np.fft.rfft(room, size))[:, None]
    spectrum = np.fft.rfft(audio, size, axis=0) * response
    if rng.random() < 0.3:
        late, left = 60 / bpm * rng.choice([1 / 3, 0.5, 0.75, 1]), rng.uniform(0.2, 0.5)
        spectrum *= 1 + sum(left**k * np.exp(-2j * np.pi * hz * k * late) for k in (1, 2, 3))[:, None]
    played = np.fft.irfft(spectrum, axis=0)[: len(audio)]
    if rng.random() < 0.3:
        dull = np.fft.irfft(spectrum / (1 + (hz / rng.uniform(250, 1500)) ** 4)[:, None], axis=0)[: len(audio)]
        opened = rng.uniform(0.1, 0.4) * len(audio)
        played = dull + (played - dull) * np.clip(8 * (np.arange(len(audio)) / opened - 7 / 8), 0, 1)[:, None]
    if rng.random() < 0.5:
        played *= pumping(played, rate, rng.uniform(0.3, 0.8), rng.uniform(0.05, 0.3))[:, None]
    if rng.random() < 0.3:
        played *= np.minimum(1, (len(audio) - np.arange(len(audio))) / rate / rng.uniform(8, 20))[:, None]
    drive = rng.uniform(0.5, 3) / (4 * played.std() + 1e-9)
    noise = 10 ** (rng.uniform(-70, -35) / 20) * rng.normal(0, 1, audio.shape)
    return np.asarray(0.8 * np.tanh(drive * played) + noise)


def pumping(audio: np.ndarray, rate: int, amount: float, release_s: float) -> np.ndarray:
    """The gain of a compressor with an attack of 5 ms: the level to the power of minus `amount`."""
    hop = rate // 200
    levels = np.abs(audio[: len(audio) // hop * hop]).reshape(-1, hop * audio.shape[1]).max(axis=1)
    kept, held = np.exp(-0.005 / release_s), 0.0
    for at, level in enumerate(levels):
        levels[at] = held = max(level, held * kept)
    gains = (levels / levels.max() + 0.03) ** -amount
    return np.asarray(np.interp(np.arange(len(audio)), (np.arange(len(gains)) + 1) * hop, gains))
