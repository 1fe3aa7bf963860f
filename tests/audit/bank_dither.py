"""Scores the dither detector and the grid test on real music: `python tests/audit/bank_dither.py [SEED]`.

Real music of `../shared/material`, faded out, with or without a pause behind it, is brought to 16 or 24 bits with
dithers of our own, of sox and of ffmpeg (where they are installed), at 44.1, 48 and 96 kHz. The detector was frozen
before the first run. "open" is a detector that says it cannot tell; "wrong" one that says the contrary.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from stemwright.measure.levels import levels_of
from stemwright.model import AudioFormat, Levels

MUSIC = Path(__file__).resolve().parents[3] / "shared" / "material" / "music"
SHAPERS = ([1.623, -0.982, 0.109], [2.033, -2.165, 1.959, -1.590, 0.6149])  # Wannamaker 3 and Lipshitz 5 taps
OWN = ("none", "toward zero", "floor", "TPDF", "high-pass", "RPDF", "shaped0", "shaped1", "hiss")
SOX = {"sox none": None, "sox TPDF": [], "sox -a": ["-a"]} | {
    f"sox {name}": ["-f", name] for name in ("shibata", "f-weighted", "gesemann")
}
FFMPEG = ("triangular", "triangular_hp", "shibata", "f_weighted")


def music(rng: np.random.Generator, path: Path, rate: int, ending: str) -> np.ndarray:
    """Seven seconds of a song: cut ("loud"), faded out ("end"), or faded out into two seconds of zeros ("pause")."""
    sound, own_rate = soundfile.read(path, always_2d=True)
    start = int(rng.uniform(0.2, 0.6) * len(sound))
    sound = soxr.resample(sound[start : start + 7 * own_rate, 0], own_rate, rate)
    sound *= 10 ** (-rng.uniform(3, 12) / 20) / np.abs(sound).max()
    if ending != "loud":
        fall = np.linspace(0, 1, 3 * rate)
        exponential, cosine = 10 ** (-110 * fall / 20) * (1 - fall**8), np.cos(np.pi / 2 * fall) ** 4
        sound[-len(fall) :] *= exponential if rng.random() < 0.6 else cosine
    return np.concatenate((sound, np.zeros(2 * rate))) if ending == "pause" else sound


def own(rng: np.random.Generator, sound: np.ndarray, bits: int, way: str) -> np.ndarray:
    """The sound at so many bits, in last bits."""
    values, one = sound * 2 ** (bits - 1), rng.uniform(-0.5, 0.5, (2, len(sound) + 1))
    if way.startswith("shaped"):
        taps, noise = SHAPERS[int(way[-1])], one.sum(axis=0)[1:].tolist()
        error, made = [0.0] * len(taps), []
        for value, some in zip(values.tolist(), noise, strict=True):
            wanted = value - sum(tap * past for tap, past in zip(taps, error, strict=True))
            made.append(round(wanted + some))
            error = [made[-1] - wanted, *error[:-1]]
        return np.array(made)
    if way in ("floor", "toward zero"):
        return np.floor(values) if way == "floor" else np.trunc(values)
    hiss = 2.0 ** (bits - 1) * 10 ** (-rng.uniform(85, 110) / 20) * rng.standard_normal(len(values))
    noise = {"TPDF": one.sum(axis=0)[1:], "high-pass": np.diff(one[0]), "RPDF": one[0, 1:], "hiss": hiss}
    return np.round(values + noise.get(way, 0.0))


def tool(sound: np.ndarray, rate: int, bits: int, way: str) -> np.ndarray:
    """The same by sox or ffmpeg."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = f"{folder}/in.wav", f"{folder}/out.wav"
        soundfile.write(before, sound, rate, "DOUBLE")
        if way in SOX:
            options = SOX[way]
            plain, effect = (["-D"], []) if options is None else ([], ["dither", *options] if options else [])
            command = ["sox", *plain, before, "-b", str(bits), after, *effect]
        else:
            method = f"aresample=osf=s16:dither_method={way.removeprefix('ffmpeg ')}"
            command = ["ffmpeg", "-v", "error", "-i", before, "-af", method, "-c:a", "pcm_s16le", after]
        subprocess.run(command, check=True, capture_output=True)
        return soundfile.read(after, dtype="int32")[0] / 2.0 ** (32 - bits)


def judged(samples: np.ndarray, rate: int) -> Levels:
    """What the product says of one channel, samples at full scale 1."""
    return levels_of([samples[None].astype(np.float32)], AudioFormat("wav", "pcm", 24, rate, 1))


def cases(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """(what it is, right, open or wrong) of every dither case."""
    songs = sorted(path for path in MUSIC.rglob("*") if path.suffix in (".mp3", ".ogg"))
    for rate in (44_100, 48_000, 96_000):
        for bits in (16, 24):
            sox = [way for way in SOX if bits == 16 and (rate < 96_000 or way.split()[1] in ("none", "TPDF", "-a"))]
            ffmpeg = [f"ffmpeg {way}" for way in FFMPEG if bits == 16]
            for way in (*OWN, *(sox if shutil.which("sox") else ()), *(ffmpeg if shutil.which("ffmpeg") else ())):
                for ending in ("pause", "end", "loud"):
                    sound = music(rng, songs[int(rng.integers(len(songs)))], rate, ending)
                    made = own(rng, sound, bits, way) if way in OWN else tool(sound, rate, bits, way)
                    state = judged(
                        made.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) / 2 ** (bits - 1), rate
                    ).dither.state
                    undithered = way in ("none", "toward zero", "floor", "sox none")
                    truth = "absent" if undithered else "hiss" if way == "hiss" else "present"
                    right = state != "present" if truth == "hiss" else state == truth
                    told = "right" if right else "open" if state in ("undetermined", "noise") else "wrong"
                    yield f"{ending:6}{'RPDF' if way == 'RPDF' else truth}", told


def grids(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """The same of grids: real music at 16 or 20 bits behind a gain, and what never had one."""
    for path in sorted(path for path in MUSIC.rglob("*") if path.suffix in (".mp3", ".ogg")):
        sound, rate = soundfile.read(path, always_2d=True, frames=1_500_000)
        sound = 0.7 * sound[:, 0] / np.abs(sound[:, 0]).max()
        for bits in (16, 16, 20, 0):
            gain = 10 ** (rng.uniform(-20 if bits < 20 else -5, 6) / 20)
            stepped = np.round(sound * 2 ** (bits - 1)) / 2 ** (bits - 1) if bits else sound
            words = judged((stepped * gain).clip(-1, 1 - 2**-23), rate).words
            found = words.grid is not None and words.grid > 0.5
            right = found == bool(bits) and (not bits or abs(words.grid_bits - bits + np.log2(gain)) < 0.03)
            yield f"grid  {bits or 'none'}", "right" if right else "wrong" if found else "open"


if __name__ == "__main__":
    rng = np.random.default_rng(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    score = Counter([*cases(rng), *grids(rng)])
    for what in sorted({what for what, _ in score}):
        sys.stdout.write(
            f"{what:16}" + "".join(f"{told} {score[what, told]:4}   " for told in ("right", "open", "wrong"))
        )
        sys.stdout.write("\n")
