"""A small clean set of stems and ways to spoil it that cost no sample."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from stemwright.audio.chunks import Bext
from stemwright.audio.stream import quantise
from stemwright.audio.wav import WavWriter

RATE, FRAMES = 48_000, 76_800
ODD = (b"xyzz", bytes(range(251)))
"""A chunk that nobody knows, of odd length."""


def samples(name: str) -> np.ndarray:
    """24-bit values as float64 `[2, FRAMES]`: noise between two silences of more than half a second."""
    rng = np.random.default_rng(list(name.encode()))
    made = np.zeros((2, FRAMES))
    made[:, 26_000:50_000] = (0.15 + 0.02 * len(name)) * rng.uniform(-1, 1, (2, 24_000)) * np.hanning(24_000)
    made[:, [26_000, 49_999]] = 2**-20  # where the sound starts and ends, to the frame
    return np.rint(made * 2**23) / 2**23


def write(path: Path, made: np.ndarray, bits: int = 24, start: int | None = 0, odd: tuple = (ODD,)) -> Path:
    """A Broadcast WAV with an odd chunk; 32 bits are float."""
    bext = None if start is None else Bext(path.stem, date="2026-01-31", clock="12:00:00", time_reference=start)
    encoding = "float" if bits == 32 else "pcm"
    with WavWriter(path, RATE, len(made), bits, encoding, bext=bext, chunks=odd) as out:
        out.write(made.astype(np.float32) if bits == 32 else quantise(made, bits))
    return path


def build(folder: Path) -> Path:
    """Kick, Bass, Vox and their mix, clean for the default profile."""
    folder.mkdir()
    stems = {name: samples(name) for name in ("Kick", "Basso", "Vocals")}
    for name, made in stems.items():
        write(folder / f"{name}.wav", made)
    write(folder / "FullMix.wav", sum(stems.values()) / 2)
    (folder / "notes.txt").write_text("120 BPM, A minor, 48 kHz, 24 bit, printed effects: none")
    return folder


def _bytes(change: Callable[[bytearray], bytes]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "Vocals.wav"
        if path.exists():
            path.write_bytes(change(bytearray(path.read_bytes())))

    return spoil


def _streamed(data: bytearray) -> bytes:
    at = data.index(b"data") + 4
    size = int.from_bytes(data[at : at + 4], "little")
    data[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(data[: at + 4 + size])


def _byte_rate(data: bytearray) -> bytes:
    at = data.index(b"fmt ") + 16
    data[at : at + 4] = struct.pack("<I", 12_345)
    return bytes(data)


def _aiff(folder: Path) -> None:
    soundfile.write(folder / "Kick.aiff", samples("Kick").T, RATE, subtype="PCM_24")
    (folder / "Kick.wav").unlink()


DEFECTS: dict[str, Callable[[Path], object]] = {
    "short": lambda folder: write(folder / "Basso.wav", samples("Basso")[:, :60_001]),
    "no bext": lambda folder: write(folder / "Basso.wav", samples("Basso"), start=None),
    "float": lambda folder: write(folder / "Basso.wav", samples("Basso"), bits=32),
    "dual mono": lambda folder: write(folder / "Gtr.wav", samples("Gtr")[[0, 0]]),
    "one side": lambda folder: write(folder / "Keys.wav", samples("Keys") * [[0], [1]]),
    "name": lambda folder: (folder / "FullMix.wav").rename(folder / "Full Mix (ü).wav"),
    "silent": lambda folder: write(folder / "Strings.wav", np.zeros((2, FRAMES))),
    "twin": lambda folder: write(folder / "Vox_Double.wav", samples("Vocals"), odd=()),
    "junk": lambda folder: (folder / "Thumbs.db").write_text("x"),
    "no notes": lambda folder: (folder / "notes.txt").unlink(),
    "stamp": lambda folder: write(folder / "Basso.wav", samples("Basso")[:, 5_000:], start=5_000),
    "aiff": _aiff,
    "trailing": _bytes(lambda data: bytes(data) + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    "byte rate": _bytes(_byte_rate),
    "streamed": _bytes(_streamed),
}


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of everything inside."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sound(path: Path) -> np.ndarray:
    """What libsndfile reads, without silence at both ends and without channels that add nothing."""
    read, _ = soundfile.read(path, always_2d=True)
    heard = np.flatnonzero(read.any(axis=1))
    if not len(heard):
        return read[:0, :1]
    rows = read[heard[0] : heard[-1] + 1].T
    return np.array([row for i, row in enumerate(rows) if row.any() and not any((row == o).all() for o in rows[:i])])
