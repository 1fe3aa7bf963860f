"""A small band: drums, bass and chords from simple oscillators, in mono at 22.05 kHz."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stemwright.model import Progress

T = TypeVar("T")

RATE = 22_050
Floats = NDArray[np.float32]
_RNG_SEED = 7
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def note(pitch: float, seconds: float, cents: float = 0.0) -> Floats:
    """A plucked tone with five harmonics at a MIDI pitch."""
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**1.5 for k in range(1, 6))
    return (tone * np.exp(-1.5 * time / seconds) * np.minimum(1, (seconds - time) / 0.01)).astype(np.float32)


def drum(kind: str) -> Floats:
    """A kick (falling sine), snare or hat (noise bursts)."""
    time = np.arange(int(0.15 * RATE)) / RATE
    noise = np.random.default_rng(_RNG_SEED).standard_normal(len(time))
    if kind == "kick":
        return (np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-30 * time)))) * np.exp(-20 * time)).astype(np.float32)
    return (noise * np.exp(-time * (25 if kind == "snare" else 90)) * (0.4 if kind == "snare" else 0.15)).astype(
        np.float32
    )


def put(song: Floats, at_s: float, sound: Floats, gain: float = 1.0) -> None:
    """Add a sound at a time; what would hang over the end is cut."""
    at = round(at_s * RATE)
    sound = sound[: max(0, len(song) - at)]
    song[at : at + len(sound)] += gain * sound


def clicks(times: Iterable[float], seconds: float, kind: str = "snare") -> Floats:
    """One drum at given times."""
    out = np.zeros(round(seconds * RATE), np.float32)
    for at in times:
        put(out, at, drum(kind))
    return out


def song(
    bpm: float,
    seconds: float,
    *,
    tonic: int = 0,
    minor: bool = False,
    cents: float = 0.0,
    start_s: float = 0.0,
    drums: bool = True,
    swing: float = 0.5,
) -> Floats:
    """I-IV-V-I (i-iv-V-i) over kick 1 and 3, snare 2 and 4 and eighth-note hats; bar 1 stands at `start_s`."""
    beat = 60 / bpm
    out = (1e-4 * np.random.default_rng(_RNG_SEED).standard_normal(round(seconds * RATE))).astype(np.float32)
    steps = ((0, minor), (5, minor), (7, False), (0, minor))
    for number in range(int((seconds - start_s) / beat)):
        at = start_s + number * beat
        degree, is_minor = steps[number // 4 % 4]
        root = (tonic + degree) % 12
        put(out, at, note(36 + root, beat, cents), 0.25)
        if number % 4 == 0:
            for interval in MINOR if is_minor else MAJOR:
                put(out, at, note(60 + root + interval, 4 * beat, cents), 0.12)
        if drums:
            put(out, at, drum("snare" if number % 2 else "kick"), 0.6)
            put(out, at, drum("hat"))
            put(out, at + swing * beat, drum("hat"))
    return out


def finished(work: Generator[Progress, None, T]) -> T:
    """The value a generator of Progress ends in; what it yields of a step never goes back or past its total."""
    done: dict[str, float] = {}
    while True:
        try:
            step = next(work)
        except StopIteration as stop:
            return stop.value
        assert done.get(step.step, 0) <= step.done <= step.total
        done[step.step] = step.done
