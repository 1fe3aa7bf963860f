"""Builds folders of stems from the descriptions in `tests/cases/*.toml`, with a WAV writer of its own.

The clean set: Kick, Bass, LeadVox and FullMix (0.25 s, 24-bit 48 kHz BWF, peak −6 dBFS, 20 ms of silence at the end)
and notes.txt. A case changes it::

    set.bits = 16                       # for every stem
    stems.Bass = { peak_dbfs = -2.99 }  # for one
    files."Thumbs.db" = "x"             # another file in the folder
    without = ["notes.txt"]             # a file of the clean set that is not there
    rename = ["Bass.aiff", "Bass.wav"]  # a false suffix
    profile = "generic"                 # protools unless said
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

CLEAN: dict[str, Any] = {
    "file": "",  # name with suffix; "<stem>.wav" when empty
    "rate": 48_000,
    "bits": 24,
    "float": False,
    "frames": 12_000,
    "channels": 2,
    "peak_dbfs": -6.0,  # rounded towards zero to the 24-bit grid
    "used_bits": 24,
    "dc": 0.0,  # mean over the whole file, of full scale
    "tail_dbfs": -math.inf,  # level of one sample in the last 10 ms
    "full_scale": [],  # [first frame, count, value] in the first channel, value in steps of the stem's bits
    "nan": 0,  # that many NaN
    "lost": 0,  # frames that the header promises and that are not there
    "bext": True,
    "start": 0,  # TimeReference
    "cut": 0,  # bytes kept of the finished file; 0 for all
    "text": "",  # these characters instead of audio
    "empty": False,  # no bytes at all
}
STEMS = ("Kick", "Bass", "LeadVox", "FullMix")


def build(folder: Path, case: dict[str, Any]) -> None:
    """Write the folder that a case describes."""
    folder.mkdir()
    for index, name in enumerate(STEMS):
        plan = CLEAN | case.get("set", {}) | case.get("stems", {}).get(name, {})
        unknown = plan.keys() - CLEAN.keys()
        assert not unknown, f"a case speaks of {unknown}"
        write(folder / (plan["file"] or f"{name}.wav"), plan, index)
    for name, text in {"notes.txt": "120 BPM, A minor"}.items() | case.get("files", {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name in case.get("without", ()):
        (folder / name).unlink()
    if "rename" in case:
        old, new = case["rename"]
        (folder / old).rename(folder / new)


def write(path: Path, plan: dict[str, Any], seed: int = 0) -> None:
    """One stem by its plan; the suffix of the name chooses the container (.wav, .flac, .aiff or .mp3)."""
    if plan["empty"] or plan["text"]:
        path.write_text("" if plan["empty"] else plan["text"])
        return
    samples = synthesise(plan, seed)
    if path.suffix == ".wav":
        data = wav(samples, plan)
        path.write_bytes(data[: plan["cut"] or None])
    else:
        import soundfile

        subtype = "MPEG_LAYER_III" if path.suffix == ".mp3" else f"PCM_{plan['bits']}"
        soundfile.write(path, samples.T, plan["rate"], subtype=subtype)


def synthesise(plan: dict[str, Any], seed: int) -> np.ndarray:
    """float64 `[channels, frames]`: noise that fades in and out, with what the plan asks for planted in it."""
    rng = np.random.default_rng(seed)
    frames, channels, rate = plan["frames"], plan["channels"], plan["rate"]
    if not frames:
        return np.zeros((channels, 0))
    tail = rate // 50
    body = frames - tail
    sound = rng.uniform(-0.5, 0.5, (channels, body)) * np.sin(np.linspace(0, math.pi, body)) ** 2
    sound = np.pad(sound - sound.mean(axis=1, keepdims=True), ((0, 0), (0, tail)))
    peak = 10 ** (plan["peak_dbfs"] / 20)
    step = 2.0 ** (1 - plan["used_bits"])
    samples = np.round(sound * peak / step) * step
    samples[:, :body] += plan["dc"] * frames / body
    if peak:
        samples[:, body // 2] = math.floor(peak / step) * step
    if plan["tail_dbfs"] > -math.inf:
        samples[0, -rate // 200] = 10 ** (plan["tail_dbfs"] / 20)
    for at, count, value in plan["full_scale"]:
        samples[0, at : at + count] = value / (1 << (plan["bits"] - 1))
    samples[0, 100 : 100 + plan["nan"]] = math.nan
    return samples


def wav(samples: np.ndarray, plan: dict[str, Any]) -> bytes:
    """A RIFF/WAVE file (EBU Tech 3285 when it has a `bext`)."""
    size = 4 if plan["float"] else plan["bits"] // 8
    align = size * len(samples)
    fmt = struct.pack(
        "<HHIIHH", 3 if plan["float"] else 1, len(samples), plan["rate"], plan["rate"] * align, align, 8 * size
    )
    bext = bytes(338) + struct.pack("<QH", plan["start"], 1) + bytes(254)
    if plan["float"]:
        audio = samples.T.astype("<f4").tobytes()
    else:
        whole = np.rint(samples.T * (1 << (plan["bits"] - 1))).astype("<i4")
        audio = whole[..., None].view(np.uint8)[..., :size].tobytes()
    chunks = [(b"bext", bext)] * plan["bext"] + [(b"fmt ", fmt)]
    body = b"WAVE" + b"".join(struct.pack("<4sI", name, len(part)) + part for name, part in chunks)
    body += struct.pack("<4sI", b"data", len(audio) + plan["lost"] * align) + audio
    return struct.pack("<4sI", b"RIFF", len(body)) + body
