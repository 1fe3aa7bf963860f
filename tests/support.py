"""Small makers that several test rooms share."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from stemwright.audio.stream import Block, quantise
from stemwright.audio.wav import WavWriter

T = TypeVar("T")
REPOSITORY = Path(__file__).resolve().parents[1]


def finish(workflow: Generator[object, None, T]) -> T:
    """Run a workflow to its end."""
    try:
        while True:
            next(workflow)
    except StopIteration as end:
        result: T = end.value
        return result


def tone(hz: float, seconds: float = 2.0, rate: int = 48_000, level: float = 0.3, channels: int = 2) -> Block:
    """A sine that fades from and to silence, `[channels, frames]`."""
    t = np.arange(round(seconds * rate)) / rate
    fade = np.clip((np.minimum(t, t[::-1]) - 0.02) / 0.2, 0, 1) ** 2
    return np.tile((level * fade * np.sin(2 * np.pi * hz * t)).astype(np.float32), (channels, 1))


def write_wav(path: Path, samples: Block, rate: int = 48_000, bits: int = 24) -> Path:
    """A PCM WAV."""
    with WavWriter(path, rate, samples.shape[0], bits) as out:
        out.write(quantise(samples, bits))
    return path


def pulse_song(seconds: float = 12.0, bpm: float = 120.0, rate: int = 44_100) -> dict[str, Block]:
    """Stems with a plain beat at `bpm` and an A minor drone: enough for a tempo and a key to be found."""
    t = np.arange(round(seconds * rate)) / rate
    beat = (t * bpm / 60) % 1
    kick = 0.4 * np.exp(-beat * 12) * np.sin(2 * np.pi * 55 * beat * 60 / bpm)
    hat_phase = (t * bpm / 30) % 1
    hats = 0.05 * np.exp(-hat_phase * 30) * np.random.default_rng(1).standard_normal(len(t))
    chord = sum(0.05 * np.sin(2 * np.pi * hz * t) for hz in (220.0, 261.63, 329.63))
    bass = 0.15 * np.sin(2 * np.pi * 110 * t)
    fade = np.clip((np.minimum(t, t[::-1]) - 0.02) / 0.3, 0, 1) ** 2
    made = {"Drums": kick + hats, "Bass": bass, "Keys": chord}
    return {name: np.tile((fade * x).astype(np.float32), (2, 1)) for name, x in made.items()}


def write_stems(folder: Path, stems: dict[str, Block], rate: int = 44_100, song: str = "Song") -> Path:
    """A folder of 24-bit stems called `<song>_<name>.wav`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in stems.items():
        write_wav(folder / f"{song}_{name}.wav", samples, rate)
    return folder


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    """The command line in this process: exit code, stdout, stderr."""
    from stemwright.cli import main

    with pytest.raises(SystemExit) as end:
        main([str(part) for part in argv])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def run_json(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, dict[str, Any]]:
    """The same with `--json`: exit code and the document."""
    code, out, _ = run(capsys, *argv, "--json")
    return code, json.loads(out)
