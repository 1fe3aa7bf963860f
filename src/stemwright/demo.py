"""A small song of our own: something to try every command on, with known tempo, key and true stems.

Eight bars at 120 BPM in A minor, made of nothing but arithmetic and pedalboard's effects: drums, bass, pads with a
plucked figure, and a voice that sings vowels. Every run on one machine makes the same bytes, and the mix is the
exact sum of the 24-bit stems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Block, quantise
from stemwright.audio.wav import WavWriter
from stemwright.naming import label
from stemwright.units import linear

BPM = 120.0
KEY = "A minor"
BEATS = 32
PEAK_DBFS = -3.1
"""Of the loudest of mix and stems."""

CHORDS = (  # one a bar, as MIDI notes, bass first: Am F C G, Am Dm E Am
    (45, 60, 64, 69), (41, 60, 65, 69), (48, 60, 64, 67), (43, 59, 62, 67),
    (45, 60, 64, 69), (38, 62, 65, 69), (40, 59, 64, 68), (45, 60, 64, 69),
)  # fmt: skip

MELODY = (  # (beat, length in beats, MIDI note, syllable)
    (0.5, 1, 57, "sa"), (1.5, 0.5, 59, "e"), (2, 1.75, 60, "ti"), (4, 1, 60, "so"), (5, 1, 59, "a"),
    (6, 1.75, 57, "tu"), (8, 1.5, 55, "se"), (9.5, 0.5, 57, "a"), (10, 1.75, 60, "to"), (12, 1, 59, "sa"),
    (13, 0.75, 57, "i"), (14, 1.75, 55, "ta"), (16, 1.5, 57, "so"), (17.5, 0.5, 59, "e"), (18, 1.75, 60, "ta"),
    (20, 1, 62, "sa"), (21, 1, 60, "e"), (22, 1.75, 57, "ti"), (24, 1.5, 56, "so"), (25.5, 0.5, 57, "a"),
    (26, 1.75, 59, "te"), (28, 3, 57, "sa"),
)  # fmt: skip

VOWELS = {
    "a": ((650, 0, 80), (1080, -6, 90), (2650, -7, 120), (2900, -8, 130), (3250, -22, 140)),
    "e": ((400, 0, 70), (1700, -14, 80), (2600, -12, 100), (3200, -14, 120), (3580, -20, 120)),
    "i": ((290, 0, 40), (1870, -15, 90), (2800, -18, 100), (3250, -20, 120), (3540, -30, 120)),
    "o": ((400, 0, 40), (800, -10, 80), (2600, -12, 100), (2800, -12, 120), (3000, -26, 120)),
    "u": ((350, 0, 40), (600, -20, 60), (2700, -17, 100), (2900, -14, 120), (3300, -26, 120)),
}
"""Formants of a tenor as (Hz, dB, bandwidth in Hz). Source: The Canonical Csound Reference Manual, "Formant Values"."""

CONSONANTS = {"s": (0.09, 0.06), "t": (0.025, 0.15)}
"""Noise before a syllable: seconds and level."""

STEP = 64
"""Frames from one point of a control curve to the next."""

Signal = NDArray[Any]
"""One channel, `[frames]`."""


@dataclass(frozen=True, slots=True)
class DemoSong:
    """What was written; the stems by role."""

    mix: Path
    stems: dict[str, Path]
    bpm: float = BPM
    key: str = KEY


def write_demo(folder: Path) -> DemoSong:
    """Write `Demo_FullMix.wav`, `Demo_Vocals.wav`, ...: 24-bit, stereo, 44.1 kHz. Raises OutputError and DiskFull."""
    sample_rate = 44_100
    samples = {role: quantise(block) for role, block in compose(sample_rate).items()}
    samples["mix"] = np.sum(list(samples.values()), axis=0, dtype=np.int32)
    paths = {role: folder / f"Demo_{label(role)}.wav" for role in samples}
    for role, path in paths.items():
        with WavWriter(path, sample_rate, 2) as out:
            out.write(samples[role])
    return DemoSong(paths.pop("mix"), paths)


def compose(sample_rate: int = 44_100) -> dict[str, Block]:
    """The stems by role (vocals, drums, bass, other): float32 `[2, frames]`, all of one length."""
    rng = np.random.default_rng(8)
    stems = {
        "vocals": 1.1 * _voice(sample_rate, rng),
        "drums": 0.8 * _drums(sample_rate, rng),
        "bass": 0.45 * _bass(sample_rate),
        "other": _pads(sample_rate) + _plucks(sample_rate),
    }
    before_end = (_frame(BEATS, sample_rate) - np.arange(_frame(BEATS, sample_rate))) / sample_rate
    fade = np.sin(np.pi / 2 * np.clip((before_end - 0.6) / 0.6, 0, 1)) ** 2  # 0.6 s of silence at the end
    loudest = max(float(np.abs(block).max()) for block in (*stems.values(), sum(stems.values())))
    gain = fade * (linear(PEAK_DBFS) / loudest)
    return {role: (block * gain).astype(np.float32) for role, block in stems.items()}


# ---- instruments ----------------------------------------------------------------------------------------------


def _voice(sample_rate: int, rng: np.random.Generator) -> Block:
    """Harmonics of a gliding pitch through the resonances of the vowels; noise for consonants and breath.

    Curves are drawn every `STEP` frames. Phases matter: with real resonances instead of bare magnitudes, a network
    that looks for singers hears one.
    """
    from pedalboard import Compressor, HighpassFilter, Reverb

    frames = _frame(BEATS, sample_rate)
    points = np.arange(frames // STEP + 1)
    pitch, loudness, depth = np.full(len(points), float(MELODY[0][2])), np.zeros(len(points)), np.zeros(len(points))
    formants = np.repeat(np.array(VOWELS["a"], float)[..., None], len(points), axis=-1)
    noise = np.zeros(frames)
    for beat, length, note, syllable in MELODY:
        start, end = (_frame(at, sample_rate) // STEP for at in (beat, beat + length - 0.1))
        since = (points[start:] - start) * STEP / sample_rate
        pitch[start:] = note - np.clip(1 - since / 0.15, 0, 1)  # singers slide into a note from below
        loudness[start:end] = np.linspace(1.0, 0.75, end - start)
        depth[start:] = np.clip(since / 0.4 - 0.3, 0, 1)
        formants[..., start:] = np.array(VOWELS[syllable[-1]])[..., None]
        if syllable[0] in CONSONANTS:
            seconds, hiss = CONSONANTS[syllable[0]]
            count = int(seconds * sample_rate)
            at = start * STEP - count // 2
            noise[at : at + count] += hiss * np.hanning(count) * rng.standard_normal(count)
            loudness[start - count // STEP : start] *= 0.2
    glide = np.hanning(int(0.07 * sample_rate / STEP))
    pitch, loudness, depth = (_smooth(curve, glide) for curve in (pitch, loudness, depth))
    formants = np.apply_along_axis(_smooth, -1, formants, glide)
    drift = _smooth(rng.standard_normal(len(points)), np.hanning(len(points) // 40))
    pitch += 0.5 * depth * np.sin(2 * np.pi * 5.6 * points * STEP / sample_rate) + 0.2 * drift

    f0 = 440.0 * 2.0 ** ((pitch - 69) / 12)
    at_frame = np.arange(frames) / STEP
    phase = 2 * np.pi * np.cumsum(np.interp(at_frame, points, f0)) / sample_rate
    centre, level, width = formants[:, 0], 10 ** (formants[:, 1] / 20), formants[:, 2]
    level = level * np.array((1, -1, 1, -1, 1))[:, None]  # alternating, or parallel resonances cancel between them
    voice = np.zeros(frames)
    for k in range(1, int(7000 / f0.max())):
        response = (level / (1 + 2j * (k * f0 - centre) / width)).sum(axis=0) * loudness
        voice += np.interp(at_frame, points, response.real) * np.sin(k * phase)
        voice += np.interp(at_frame, points, response.imag) * np.cos(k * phase)
    breath = 0.01 * np.interp(at_frame, points, loudness) * rng.standard_normal(frames)
    air = _effects(noise + breath, sample_rate, HighpassFilter(3500))
    return _effects(
        _centre(0.075 * voice / np.sqrt(np.mean(voice**2)) + air),
        sample_rate,
        HighpassFilter(90),
        Compressor(threshold_db=-16, ratio=2.5, attack_ms=8, release_ms=120),
        Reverb(room_size=0.35, damping=0.6, wet_level=0.06, dry_level=0.5),
    )


def _drums(sample_rate: int, rng: np.random.Generator) -> Block:
    from pedalboard import Compressor, HighpassFilter, LowpassFilter, Reverb

    t = np.arange(int(0.5 * sample_rate)) / sample_rate
    noise = rng.standard_normal(len(t))
    sweep = 2 * np.pi * (48 * t - 130 / 38 * np.exp(-38 * t))
    kick = np.sin(sweep + 130 / 38 * 2 * np.pi) * np.exp(-8 * t) + 0.15 * noise * np.exp(-300 * t)
    crack = _effects(noise * np.exp(-16 * t), sample_rate, HighpassFilter(900), LowpassFilter(9000))
    snare = 0.7 * np.sin(2 * np.pi * (185 * t - 1.5 * np.exp(-60 * t))) * np.exp(-22 * t) + 0.35 * crack
    sizzle = _effects(noise, sample_rate, HighpassFilter(7500), HighpassFilter(7500))
    out = np.zeros((2, _frame(BEATS, sample_rate)), np.float32)
    for bar in range(0, BEATS, 4):
        for beat, level in ((0, 1.0), (1.5, 0.7), (2, 0.95), *(((3.5, 0.6),) if bar % 8 else ())):
            _place(out, kick, bar + beat, sample_rate, level)
        for beat, level in ((1, 0.8), (3, 0.85), *(((3.75, 0.3),) if bar % 16 == 12 else ())):
            _place(out, snare, bar + beat, sample_rate, level)
        for eighth in range(8):
            decay = 9 if eighth == 7 else 55
            _place(out, sizzle * np.exp(-decay * t), bar + eighth / 2, sample_rate, (0.22, 0.13)[eighth % 2], pan=0.3)
    room = Reverb(room_size=0.2, damping=0.7, wet_level=0.03, dry_level=0.5)
    return _effects(out, sample_rate, Compressor(threshold_db=-12, ratio=3, attack_ms=15, release_ms=90), room)


def _bass(sample_rate: int) -> Block:
    from pedalboard import Compressor, LowpassFilter

    out = np.zeros((2, _frame(BEATS, sample_rate)), np.float32)
    for bar, (root, *_) in _bars():
        for beat, length, interval in ((0, 1.4, 0), (1.5, 0.4, 0), (2, 0.9, 0), (3, 0.45, 12), (3.5, 0.45, 7)):
            frames = _frame(length, sample_rate)
            t = np.arange(frames) / sample_rate
            hertz = _hertz(root - 12 + interval) if root > 43 else _hertz(root + interval)
            saw = _saw(hertz, frames, sample_rate)
            dark = _effects(saw, sample_rate, LowpassFilter(220), LowpassFilter(220))
            bright = _effects(saw, sample_rate, LowpassFilter(900), LowpassFilter(900))
            tone = dark + np.exp(-6 * t) * bright + 0.6 * np.sin(2 * np.pi * hertz * t)
            _place(out, tone * _envelope(frames, sample_rate, 0.006, 0.04), bar + beat, sample_rate, 0.5)
    return _effects(out, sample_rate, Compressor(threshold_db=-14, ratio=3, attack_ms=10, release_ms=100))


def _pads(sample_rate: int) -> Block:
    """Three detuned saws a note, under a filter that opens and closes once in four bars."""
    from pedalboard import Chorus, HighpassFilter, LowpassFilter, Reverb

    frames, bar_frames = _frame(BEATS, sample_rate), _frame(4, sample_rate)
    out = np.zeros((2, frames), np.float32)
    for bar, (_, *notes) in _bars():
        for note in notes:
            for cents, pan in ((-7, -0.8), (0, 0.0), (8, 0.8)):
                saw = _saw(_hertz(note + cents / 100), bar_frames, sample_rate, phase=(note * 0.37 + pan) % 1)
                _place(out, saw * _envelope(bar_frames, sample_rate, 0.15, 0.15), bar, sample_rate, 0.09, pan)
    opening = 0.5 - 0.5 * np.cos(np.arange(frames) / (4 * bar_frames) * 2 * np.pi)
    dark = _effects(out, sample_rate, LowpassFilter(700), LowpassFilter(900))
    bright = _effects(out, sample_rate, LowpassFilter(2400), LowpassFilter(3000))
    swelling = (dark + opening * (bright - dark)).astype(np.float32)
    hall = Reverb(room_size=0.6, damping=0.5, wet_level=0.1, dry_level=0.45)
    return _effects(swelling, sample_rate, HighpassFilter(180), Chorus(rate_hz=0.6, mix=0.3), hall)


def _plucks(sample_rate: int) -> Block:
    """The chord in eighths, as a bright tone that darkens while it dies."""
    from pedalboard import Delay, Reverb

    frames = _frame(1.5, sample_rate)
    t = np.arange(frames) / sample_rate
    out = np.zeros((2, _frame(BEATS, sample_rate)), np.float32)
    for bar, (_, low, middle, high) in _bars():
        for eighth, note in enumerate((low, middle, high, middle, low + 12, high, middle, high)):
            hertz = _hertz(note + 12)
            tone = sum(np.sin(2 * np.pi * k * hertz * t) * np.exp(-(3 + 2.5 * k) * t) / k**1.5 for k in range(1, 7))
            tone = tone * _envelope(frames, sample_rate, 0.002, 0.05)
            _place(out, tone, bar + eighth / 2, sample_rate, 0.09, pan=(-0.4, 0.4)[eighth % 2])
    echo = Delay(delay_seconds=0.75 * 60 / BPM, feedback=0.25, mix=0.2)
    return _effects(out, sample_rate, echo, Reverb(room_size=0.5, wet_level=0.08, dry_level=0.45))


# ---- their parts ----------------------------------------------------------------------------------------------


def _frame(beats: float, sample_rate: int) -> int:
    return round(beats * 60 / BPM * sample_rate)


def _bars() -> Iterator[tuple[int, tuple[int, ...]]]:
    """(beat, chord) of every bar."""
    return ((4 * bar, chord) for bar, chord in enumerate(CHORDS))


def _hertz(note: float) -> float:
    return float(440.0 * 2.0 ** ((note - 69) / 12))


def _saw(hertz: float, frames: int, sample_rate: int, phase: float = 0.0) -> Signal:
    """A sawtooth whose jumps are smoothed by polyBLEP (Välimäki and Huovilainen, 2007), so that it hardly aliases."""
    step = hertz / sample_rate
    at = (phase + step * np.arange(frames)) % 1.0
    after, before = np.clip(at / step, 0, 1), np.clip((at - 1) / step, -1, 0)
    saw: Signal = 2 * at - 1 + (after - 1) ** 2 - (before + 1) ** 2
    return saw


def _envelope(frames: int, sample_rate: int, attack: float, release: float) -> Signal:
    """Linear rise and fall; attack and release in seconds."""
    t = np.arange(frames) / sample_rate
    shape: Signal = np.minimum(np.minimum(t / attack, t[::-1] / release), 1.0)
    return shape


def _smooth(curve: Signal, window: Signal) -> Signal:
    padded = np.pad(curve, len(window) // 2, mode="edge")
    smoothed: Signal = np.convolve(padded, window / window.sum(), mode="valid")[: len(curve)]
    return smoothed


def _place(out: Block, sound: Signal, beat: float, sample_rate: int, level: float, pan: float = 0.0) -> None:
    """Add a sound at a beat; what would sound after the end is cut. Pan is constant power, -1 to +1."""
    at = _frame(beat, sample_rate)
    angle = (pan + 1) * np.pi / 4
    sound = sound[: out.shape[1] - at]
    out[:, at : at + len(sound)] += level * np.outer((np.cos(angle), np.sin(angle)), sound).astype(np.float32)


def _centre(sound: Signal) -> Block:
    return np.vstack((sound, sound)).astype(np.float32)


def _effects(sound: Signal, sample_rate: int, *effects: Any) -> Block:
    """`sound` (`[frames]` or `[channels, frames]`) through pedalboard plugins, same shape."""
    from pedalboard import Pedalboard

    processed: Block = Pedalboard(list(effects))(sound.astype(np.float32), sample_rate)
    return processed
