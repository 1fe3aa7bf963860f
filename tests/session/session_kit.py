"""Stems on disk for session tests, and damaged files."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.errors import StemwrightError
from stemwright.model import AudioFile, Estimate, Marker, MeterChange, Song, Stem, StemSet, TempoChange
from stemwright.session.formats import read_session


def wav(path: Path, frames: int = 4800, channels: int = 1, rate: int = 48000, start: int | None = None) -> AudioFile:
    """A 24-bit file of noise, the same for the same name."""
    noise = np.random.default_rng(len(path.name)).integers(-(1 << 23), 1 << 23, (channels, frames), dtype=np.int32)
    bext = None if start is None else Bext(time_reference=start)
    with WavWriter(path, rate, channels, bext=bext) as writer:
        writer.write(noise)
    return probe(path)


def song(rate: int = 48000, **changes: Any) -> Song:
    facts: dict[str, Any] = {
        "title": "My Söng",
        "artist": 'The "Band"',
        "sample_rate": rate,
        "bpm": Estimate(93.5, 0.93, "measured"),
        "key": Estimate("F# minor", 0.8, "measured"),
        "downbeat_frame": 24577,
        "markers": (Marker(48000, "Verse 🎤", 9600, "#ff8000"), Marker(60000, "Solo")),
    }
    return Song(**(facts | changes))


def band(folder: Path, rate: int = 48000, **changes: Any) -> StemSet:
    """Mono and stereo stems, two with a TimeReference, odd names, a reference mix."""
    hour = 3600 * rate
    stems = (
        Stem(wav(folder / "Vox.wav", 9600, 2, rate), "vocals.lead", "Lead 'Vox' \"A\"", None, "plate, 1/4 delay"),
        Stem(wav(folder / "Kick_ä_🥁.wav", 4800, 1, rate, hour), "drums.kick", "Kick 🥁", gain_db=-3.0),
        Stem(wav(folder / "Snare.wav", 4000, 1, rate, hour + 2401), "drums.snare", "x" * 200),
        Stem(wav(folder / "Bass.wav", 4801, 2, rate), "bass", "Bass"),
    )  # fmt: skip
    return StemSet(song(rate, **changes), stems, Stem(wav(folder / "Mix.wav", 9600, 2, rate), "mix", "FullMix"))


def moving_song(rate: int = 48000) -> Song:
    """Tempo and metre change."""
    return song(
        rate,
        tempo_map=(TempoChange(Fraction(33), 120.25), TempoChange(Fraction(64), 61.7)),
        meter_map=(MeterChange(Fraction(0), 3, 4), MeterChange(Fraction(33), 7, 8)),
    )


BYTES = tuple(bytes((number,)) for number in range(256))


def damaged(whole: bytes, words: Sequence[bytes], most: int = 12) -> Iterator[bytes]:
    """A file 500 times, always the same, with up to `most` places where bytes are taken out or words are put in."""
    chance = random.Random(4)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(chance.randint(1, most)):
            at = chance.randrange(len(data))
            data[at : at + chance.choice((0, 1, 1, 9, 200))] = chance.choice(words)
        yield bytes(data)


def cut(whole: bytes) -> Iterator[bytes]:
    """A file that ends too early, at 50 places."""
    return (whole[: len(whole) * at // 50] for at in range(50))


def odd_values(xml: str, values: Sequence[str]) -> Iterator[str]:
    """A document 300 times, always the same, with one to three of its attributes holding other `values`."""
    chance, spots = random.Random(5), [found.span(1) for found in re.finditer(r'="([^"]*)"', xml)]
    for _ in range(300):
        made = xml
        for start, end in sorted(chance.sample(spots, chance.randint(1, 3)), reverse=True):
            made = made[:start] + chance.choice(values) + made[end:]
        yield made


def refused(files: Iterable[bytes], path: Path, read: Callable[[Path], object] = read_session) -> int:
    """How many of these files are refused when they lie at `path`: with a house error that says what to do."""
    count = 0
    for data in files:
        path.write_bytes(data)
        try:
            read(path)
        except StemwrightError as error:
            assert error.message and error.hint
            count += 1
    return count
