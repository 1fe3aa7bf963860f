"""What the detectors are given, made from whole arrays in the plainest way: the pass does the same block by block."""

from __future__ import annotations

import numpy as np

from stemwright.measure.detect import detect
from stemwright.measure.windows import LOUD_FRAMES, MOST_QUIET, MOST_SUSPECTS, PARTS, QUIET_FRAMES, QUIET_LSB, Windows
from stemwright.model import Levels, Sides, Words
from stemwright.units import FULL_SCALE_24, db


def detected(samples: np.ndarray, rate: int = 48_000) -> Levels:
    """The detectors over `[channels, frames]` or one channel; int samples are 24-bit values."""
    return detect(facts(samples), windows(samples, rate))


def integers(samples: np.ndarray) -> np.ndarray:
    """`[channels, frames]` in steps of 2^-23."""
    samples = np.atleast_2d(samples)
    whole = np.issubdtype(samples.dtype, np.integer)
    return samples if whole else np.rint(samples * float(FULL_SCALE_24)).astype(np.int64)


def facts(samples: np.ndarray) -> Levels:
    """Levels as far as the detectors look at them."""
    whole = integers(samples)
    seen = int(np.bitwise_or.reduce(whole, axis=None))
    used = 24 - (min((seen & -seen).bit_length() - 1, 23) if seen else 24)
    peaks = np.abs(whole).max(axis=1) / FULL_SCALE_24
    sides = None
    if len(whole) == 2 and seen:
        relation = "equal" if (whole[0] == whole[1]).all() else "opposite" if (whole[0] == -whole[1]).all() else ""
        sides = Sides(1.0 if peaks.all() else None, relation)  # type: ignore[arg-type]
    return Levels(
        sample_peak_dbfs=db(float(peaks.max())),
        channel_peaks_dbfs=tuple(map(db, peaks.tolist())),
        rms_dbfs=db(float(np.sqrt(((whole / FULL_SCALE_24) ** 2).mean()))),
        dc_offset=0.0,
        words=Words(used_bits=used),
        sides=sides,
        first_sound=0 if seen else None,
    )


def windows(samples: np.ndarray, rate: int = 48_000) -> Windows:
    """The windows of a whole file."""
    whole = integers(samples)
    sound = whole / FULL_SCALE_24
    frames = whole.shape[1]
    seen = int(np.bitwise_or.reduce(whole, axis=None))
    cells = [channel[: frames // QUIET_FRAMES * QUIET_FRAMES].reshape(-1, QUIET_FRAMES) for channel in whole]
    tops = [np.abs(cell).max(axis=1, initial=0) for cell in cells]
    most = QUIET_LSB * ((seen & -seen) or 1)
    quiet = [cell[(top > 0) & (top <= most)] for cell, top in zip(cells, tops, strict=True)]
    half = MOST_QUIET // 2
    at = _loudest(sound)
    around = _suspects(sound) * 64 - (QUIET_FRAMES - 64) // 2
    padded = np.pad(sound, ((0, 0), (QUIET_FRAMES, QUIET_FRAMES)))
    hop = rate // 10
    power = (sound[:, : frames // hop * hop] ** 2).mean(axis=0).reshape(-1, hop).mean(axis=1)
    with np.errstate(divide="ignore"):
        hops = 10 * np.log10(power)
    return Windows(
        rate,
        frames,
        tuple((q if len(q) <= MOST_QUIET else np.concatenate((q[:half], q[-half:]))).astype(np.int32) for q in quiet),
        tuple(map(len, quiet)),
        tuple(int((top == 0).sum()) for top in tops),
        np.array([sound[:, i : i + LOUD_FRAMES] for i in at], np.float32).reshape(-1, len(whole), LOUD_FRAMES),
        np.array(at, np.int64),
        np.array([padded[:, i + QUIET_FRAMES :][:, :QUIET_FRAMES] for i in around], np.float32).reshape(
            -1, len(whole), QUIET_FRAMES
        ),
        around.astype(np.int64),
        hops.astype(np.float32),
    )


def _loudest(sound: np.ndarray) -> list[int]:
    """The first frame of the loudest window of each part."""
    count = sound.shape[1] // LOUD_FRAMES
    energy = (sound[:, : count * LOUD_FRAMES] ** 2).reshape(len(sound), count, LOUD_FRAMES).sum(axis=(0, 2))
    part = np.arange(count) * LOUD_FRAMES * PARTS // sound.shape[1]
    best = [max(np.flatnonzero(part == one), key=lambda window: energy[window]) for one in np.unique(part)]
    return [LOUD_FRAMES * int(window) for window in best if energy[window] > 0]


def _suspects(sound: np.ndarray) -> np.ndarray:
    """The blocks of 64 frames whose second difference stands out most, in order."""
    bend = np.abs(np.diff(sound, 2, axis=1)).max(axis=0)
    blocks = bend[: len(bend) // 64 * 64].reshape(-1, 64).max(axis=1)
    padded = np.pad(blocks, 2, mode="edge")
    beside = np.maximum.reduce([padded[:-4], padded[4:]]) + 1e-9
    return np.sort(np.argsort(-blocks / beside, kind="stable")[:MOST_SUSPECTS])
