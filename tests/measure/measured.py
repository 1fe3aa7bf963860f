"""Samples through the pass, and results compared."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from stemwright.measure import levels
from stemwright.model import AudioFormat, Levels

PCM24 = AudioFormat("wav", "pcm", 24, 48_000, 2)
FLOAT = AudioFormat("wav", "float", 32, 48_000, 2)
LSB = 2.0**-23


def of(
    samples: np.ndarray, audio_format: AudioFormat = PCM24, cuts: tuple[int, ...] = (), fast: bool = False
) -> Levels:
    """Levels of `[channels, frames]` samples, fed in blocks that end at `cuts`."""
    samples = np.atleast_2d(samples)
    samples = samples if samples.dtype == np.float64 and audio_format.bits == 64 else samples.astype(np.float32)
    blocks = np.split(samples, sorted(cuts), axis=1)
    return levels.levels_of(blocks, replace(audio_format, channels=len(samples)), fast)


def sine(hz: float, frames: int = 48_000, rate: int = 48_000) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(frames) / rate)


def close(one: object, other: object, where: str = "") -> None:
    """Equal: integers and places exactly, floats to 1e-9."""
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        for field in dataclasses.fields(one):
            close(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, float) or (isinstance(one, tuple) and one and isinstance(one[0], float)):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9), where
    else:
        assert one == other, where
