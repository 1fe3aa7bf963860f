"""Dither, seen where a file is quiet: present, absent, some other noise, or not to be decided.

Dither is a floor: the same noise of about one last bit in every pause, and nothing falls below it. On zero input
TPDF dither gives -1, 0, +1 with 1/8, 3/4, 1/8 (variance 1/4; Lipshitz, Wannamaker, Vanderkooy 1992), so one window
of 1024 equal samples (0.75^1024) excludes it, unless it is of the kind that stops in silence. Undithered sound dies
away through the last bit instead. Levels are in last bits of the file's word length; all limits that are no theory
are from generated material.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stemwright.measure.windows import LOUD_FRAMES, QUIET_FRAMES, QUIET_LSB, Windows
from stemwright.model import Dither

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

_RANKS = ("silent", "undetermined", "noise", "absent", "present")
_FEWEST = 4
"""Windows that make a floor."""
_PLAIN, _RECTANGULAR = 1.32 / 12, 2.4 / 12
"""Squared last bits: rounding leaves 1/12, RPDF dither makes that 2/12, TPDF 3/12."""


def dither_of(windows: Windows, sounding: tuple[bool, ...], used_bits: int) -> Dither:
    """What the clearest of the sounding channels shows."""
    top = _top_noise(windows.loud, used_bits)
    if top is not None and top < _PLAIN:
        return Dither("absent")
    found = [
        _channel(quiet >> (24 - used_bits), zero)
        for quiet, zero, sounds in zip(windows.quiet, windows.zero_count, sounding, strict=True)
        if sounds
    ]
    clearest = max(found, key=lambda one: (_RANKS.index(one.state), one.windows), default=Dither("silent"))
    if clearest.kind == "RPDF" and clearest.state == "undetermined":
        clear = top is not None and top < _RECTANGULAR
        clearest = replace(clearest, state="present") if clear else replace(clearest, kind="")
    return replace(clearest, bits=used_bits) if clearest.state == "present" else clearest


def _top_noise(loud: NDArray[np.float32], used_bits: int) -> float | None:
    """The noise density in the emptiest part of the top quarter of the spectrum, in squared last bits.

    A source without sound of its own up there shows how it was rounded, however loud it is below: the shaped
    dithers put most of their noise there.
    """
    frames = loud.reshape(-1, LOUD_FRAMES)
    frames = frames[np.count_nonzero(frames, axis=1) > LOUD_FRAMES // 2]
    if len(frames) < _FEWEST:
        return None
    window = _steep()
    frames = frames[:: -(-len(frames) // 16)] * (window * 2.0 ** (used_bits - 1))
    power = np.abs(np.fft.rfft(frames, axis=1)[:, LOUD_FRAMES * 3 // 8 : -65]) ** 2 / (window**2).sum()
    return float(np.median(power.reshape(len(frames), -1, 56).mean(axis=2), axis=0).min())


@cache
def _steep() -> Floats:
    """A window whose side lobes lie 170 dB down: a full-scale tone must not reach the last of 24 bits."""
    return np.kaiser(LOUD_FRAMES, 24)


def _channel(samples: Ints, zero: int) -> Dither:
    samples = samples[np.abs(samples).max(axis=1, initial=0) <= QUIET_LSB]
    moves = (np.diff(samples, axis=1) != 0).mean(axis=1)
    still = zero + int((moves == 0).sum())
    samples, moves = samples[moves > 0], moves[moves > 0]
    if not len(samples):
        return Dither("absent" if still >= 10 else "undetermined")
    floor = _floor(samples, moves, 2 * _FEWEST if still else _FEWEST)
    kind = _kind(floor) if floor else ""
    if kind and not (still and kind == "RPDF"):
        return Dither("present", f"{kind}, auto-blanked" if still else kind, windows=len(samples))
    if _dies_in_steps(samples):
        return Dither("undetermined", "RPDF", windows=len(samples))
    if still:
        return Dither("absent", windows=len(samples))
    if floor and floor.variance * (1 - floor.autocorrelation) > 0.2:
        return Dither("noise", windows=len(samples))
    return Dither("absent" if floor or np.median(moves) < 0.05 else "undetermined", windows=len(samples))


@dataclass(frozen=True, slots=True)
class _Floor:
    """The noise of the quietest windows."""

    variance: float
    autocorrelation: float  # at lag 1
    tilt_db: float  # the top quarter of the spectrum against the lower third
    flatness: float  # geometric over arithmetic mean of the smoothed spectrum
    top: int


def _floor(samples: Ints, moves: Floats, fewest: int) -> _Floor | None:
    """The cluster of the quietest noisy windows; None when it is no steady level or others lie well below it."""
    spread = samples.std(axis=1)
    noisy = np.sort(spread[moves > 0.15])
    if len(noisy) < fewest:
        return None
    off = spread / np.median(noisy[: max(_FEWEST, len(noisy) // 4)]) - 1
    inside = np.abs(off) < 0.25
    same, below = (np.abs(off) < 0.1).sum(), (off < -0.25).sum()
    if inside.sum() < fewest or same < 0.6 * inside.sum() or below > 2 + 0.05 * inside.sum():
        return None
    noise = samples[inside] - samples[inside].mean(axis=1, keepdims=True)
    variance = float((noise**2).mean())
    power = (np.abs(np.fft.rfft(noise * np.hanning(QUIET_FRAMES), axis=1)) ** 2).mean(axis=0)
    low, high = power[25:180].mean(), power[384:].mean()
    smooth = power[4:500].reshape(-1, 16).mean(axis=1)
    return _Floor(
        variance,
        float((noise[:, 1:] * noise[:, :-1]).mean()) / variance,
        float(10 * np.log10(high / low)),
        float(np.exp(np.log(smooth).mean()) / smooth.mean()),
        int(np.abs(samples[inside]).max()),
    )


def _kind(floor: _Floor) -> str:
    """The dither that makes such a floor; empty when it is that of a source."""
    faint = floor.top <= 2 and 0.2 <= floor.variance <= 0.6
    if floor.flatness > 0.95 and abs(floor.autocorrelation) < 0.06:
        return "TPDF" if faint else "RPDF" if floor.top <= 1 and floor.variance <= 0.26 else ""
    if floor.autocorrelation < -0.25 and faint:
        return "TPDF high-pass"
    shaped = floor.tilt_db > 8 and floor.autocorrelation < -0.3 and floor.variance > 0.4
    return "noise-shaped" if shaped else ""


def _dies_in_steps(samples: Ints) -> bool:
    """Windows with a step here and there are about as many as those with many steps, and steps stand alone.

    RPDF lets a sound through in single steps, as often as it is loud, long after undithered sound is gone.
    """
    often = (samples != 0).mean(axis=1)
    rare = (often > 0.001) & (often <= 0.05)
    many = int(((often > 0.05) & (often < 0.6)).sum())
    steps = samples[rare] != 0
    alone = (steps[:, 1:] & steps[:, :-1]).sum() < 0.1 * steps.sum()
    return many >= _FEWEST and int(rare.sum()) >= max(10, 0.8 * many) and bool(alone)
