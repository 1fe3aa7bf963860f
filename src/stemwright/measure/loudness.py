"""Loudness: K-weighting, gates, range (ITU-R BS.1770-4, EBU Tech 3341 and 3342), and sudden jumps of it.

The pass over a file gives the K-weighted power of every 100 ms (a hop); everything here is made of those.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stemwright.model import AudioFormat, Loudness, Span

Powers = NDArray[np.float64]

_MOMENTARY, _SHORT_TERM = 4, 30  # hops
_ABSOLUTE_GATE = -70.0  # LUFS
_JUMP_LU = 15.0
_AUDIBLE = -50.0  # LUFS
_MAX_SPANS = 100

_LFE, _BACK = 0x8, 0x30
_SIDES = 0x600
_SURROUND = 10 ** (1.5 / 10)
"""1.41: +1.5 dB for what comes from the sides (BS.1770-4, table 4)."""


def hop_frames(sample_rate: int) -> int:
    """Frames in 100 ms; at least 64, for rates at which nothing can be heard."""
    return max(64, (sample_rate + 5) // 10)


@cache
def coefficients(sample_rate: int) -> tuple[float, ...]:
    """The two K-weighting biquads at any rate: b0 b1 b2 a1 a2 of the shelf, a1 a2 of the high-pass (b is 1 −2 1).

    Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement" (AES 145, 2018); the table of
    BS.1770-4 at 48 kHz.
    """
    tangent = math.tan(math.pi * min(1681.974450955533 / sample_rate, 0.49))
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    slope = tangent / 0.7071752369554196
    square = tangent * tangent
    norm = 1 + slope + square
    shelf = (high + middle * slope + square, 2 * (square - high), high - middle * slope + square)
    poles = (2 * (square - 1), 1 - slope + square)
    tangent = math.tan(math.pi * min(38.13547087602444 / sample_rate, 0.49))
    slope, square = tangent / 0.5003270373238773, tangent * tangent
    low = ((2 * (square - 1)) / (1 + slope + square), (1 - slope + square) / (1 + slope + square))
    return (*(value / norm for value in (*shelf, *poles)), *low)


def channel_weights(audio_format: AudioFormat) -> Powers:
    """What each channel counts: LFE 0, surrounds 1.41, all others 1 (BS.1770-4, tables 3 and 4).

    By the file's channel mask; without one 4 channels are L R Ls Rs, 5 are L R C Ls Rs and 6 L R C LFE Ls Rs.
    """
    channels, mask = audio_format.channels, audio_format.channel_mask
    if mask.bit_count() != channels:
        mask = {4: 0x33, 5: 0x37, 6: 0x3F}.get(channels, 0)
    surround = _SIDES if mask & _SIDES else _BACK  # with speakers at the sides, those at the back are behind (x 1)
    speakers = [bit for bit in (1 << n for n in range(32)) if mask & bit] or [0] * channels
    return np.array([0.0 if bit == _LFE else _SURROUND if bit & surround else 1.0 for bit in speakers])


def loudness_of(powers: Powers, hop: int) -> Loudness:
    """Loudness of a file whose whole hops of `hop` frames have these powers, all channels weighted and summed."""
    momentary, short = _sliding(powers, _MOMENTARY), _sliding(powers, _SHORT_TERM)
    return Loudness(
        _gated(momentary),
        float(_lufs(momentary.max(initial=0))),
        float(_lufs(short.max(initial=0))),
        _range(short),
        _jumps(_lufs(momentary), hop),
    )


def _sliding(powers: Powers, hops: int) -> Powers:
    """Mean power of `hops` hops, from every hop on where so many follow."""
    if len(powers) < hops:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(powers, hops).mean(axis=1))


def _lufs(power: Powers | float) -> Powers:
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(power))


def _above(powers: Powers, below_mean: float) -> Powers:
    """Those above the absolute gate and above the one `below_mean` LU under the mean of those."""
    loud = powers[_lufs(powers) > _ABSOLUTE_GATE]
    return loud[_lufs(loud) > _lufs(loud.mean()) - below_mean] if len(loud) else loud


def _gated(momentary: Powers) -> float:
    passed = _above(momentary, 10)
    return float(_lufs(passed.mean())) if len(passed) else -math.inf


def _range(short: Powers) -> float:
    passed = _lufs(_above(short, 20))
    return float(np.subtract(*np.percentile(passed, (95, 10)))) if len(passed) else 0.0


def _jumps(momentary: Powers, hop: int) -> tuple[Span, ...]:
    """Where 400 ms differ by more than 15 LU from the 400 ms before and both are no tail or start of a fade."""
    before, after = momentary[:-_MOMENTARY], momentary[_MOMENTARY:]
    both = np.minimum(before, after) > _AUDIBLE
    step = np.abs(np.subtract(after, before, out=np.zeros(len(before)), where=both))
    places = np.flatnonzero(step > _JUMP_LU)
    groups = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
    tops = [int(group[step[group].argmax()]) for group in groups[:_MAX_SPANS]]
    return tuple(Span(top * hop, (top + 2 * _MOMENTARY) * hop) for top in tops)
