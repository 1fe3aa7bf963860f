"""Sets of stems with a mix, synthesised or from real music, and what the product measures across them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from stemwright import audit
from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.measure.across import measure_across
from stemwright.measure.levels import measure
from stemwright.model import Mixdown, Part, Song, Stem, StemSet

Sounds = dict[str, np.ndarray]
"""float64 `[channels, frames]` by name."""

RATE = 48_000
AGAINST_THE_MIX = ("MIX", "CHN006", "SET009", "SET010", "SET011", "TIM008")


def band(seconds: float = 12.0, stems: int = 4) -> Sounds:
    """Noises of different colour that come and go, a little different left and right."""
    rng, frames = np.random.default_rng(stems), round(seconds * RATE)
    made = {}
    for index in range(stems):
        noise = rng.standard_normal((2, frames)) + 0.7 * rng.standard_normal(frames)
        smooth = np.fft.irfft(np.fft.rfft(noise) * (1 + np.arange(frames // 2 + 1) / 500) ** -(index % 3 / 2), frames)
        swell = 0.02 + np.repeat(rng.uniform(0, 1, 24), -(-frames // 24))[:frames] ** 2
        made[f"Part{index}"] = 0.1 * smooth / smooth.std() * swell
    return made


def real(folder: Path, seconds: float = 30.0, peak: float = 0.8) -> Sounds:
    """The sounding stems of a folder, equally long, scaled together so that their sum has this peak."""
    made = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".flac", ".mp3"):
            made[path.stem.replace(" ", "_")] = read_all(probe(path)).astype(float)
    frames = min(max(sound.shape[1] for sound in made.values()), round(seconds * 44_100))
    made = {name: np.pad(x, ((0, 0), (0, frames)))[:, :frames] for name, x in made.items()}
    made = {name: x for name, x in made.items() if np.abs(x).max() > 1e-3}
    top = np.abs(total(made)).max()
    return {name: sound * peak / top for name, sound in made.items()}


def total(sounds: Sounds) -> np.ndarray:
    """The sum at unity."""
    return np.sum(list(sounds.values()), axis=0)


def shifted(sound: np.ndarray, frames: int) -> np.ndarray:
    """Later by so many frames; what goes over the end is lost."""
    made = np.zeros_like(sound)
    made[:, max(frames, 0) : sound.shape[1] + min(frames, 0)] = sound[
        :, max(-frames, 0) : sound.shape[1] - max(frames, 0)
    ]
    return made


def slowed(sound: np.ndarray, ppm: float) -> np.ndarray:
    """Slower by so many millionths, cut to its length."""
    import soxr

    made = soxr.resample(sound.T, 1.0, 1 + 1e-6 * ppm, quality="VHQ").T[:, : sound.shape[1]]
    return np.pad(made, ((0, 0), (0, sound.shape[1] - made.shape[1])))


def measured(
    folder: Path,
    sounds: Sounds,
    mix: np.ndarray | None,
    mix_name: str = "FullMix.wav",
    rate: int = RATE,
    mix_rate: int = 0,
) -> StemSet:
    """The set in 24-bit WAV files (a name with another suffix is written in that format), measured."""
    everything = {name if "." in name else f"{name}.wav": sound for name, sound in sounds.items()}
    made = [_stem(folder / name, sound, rate, "other") for name, sound in everything.items()]
    reference = None if mix is None else _stem(folder / mix_name, mix, mix_rate or rate, "mix")
    stems = StemSet(Song("Song", rate), tuple(made), reference)
    return replace(stems, across=measure_across(stems))


def _stem(path: Path, sound: np.ndarray, rate: int, role: str) -> Stem:
    lossless = path.suffix in (".wav", ".flac", ".aiff")
    exact = (quantise(sound) << 8).T  # soundfile rounds floats in another way for every container
    soundfile.write(path, exact if lossless else sound.T, rate, subtype="PCM_24" if lossless else None)
    file = probe(path)
    return Stem(file, role, path.stem, measure(file))


def mixed(stems: StemSet) -> Mixdown:
    """The mixdown, which must be there."""
    assert stems.across is not None
    assert stems.across.mixdown is not None
    return stems.across.mixdown


def part(stems: StemSet, name: str) -> Part:
    """How one stem stands in the mix."""
    return next(part for part in mixed(stems).parts if part.path.stem == name)


def told(stems: StemSet) -> set[tuple[str, str]]:
    """(rule, file) of what the audit says about stems against the mix and each other."""
    findings = audit.audit(stems, select=AGAINST_THE_MIX)
    return {(finding.rule, finding.subject.stem if finding.subject else "") for finding in findings}
