"""Fader and pan knob of a mono strip in Ardour that sound like gain and pan of a track: loud side and ratio of sides.

A Session means by pan what `render.balanced` does: the centre and the loud side at unity, the far side turned down
linearly, as stems were summed. Ardour plays a mono track with equal power (libs/panners/1in2out), -3 dB in the
centre: a side at the position x from 0 to 1 has the gain x (k x + 1 - k). A bypassed panner does the same (measured
in 7.3). So a fader stands up to 3 dB higher here, behind all plug-ins, and a knob between centre and side stands a
little nearer to the centre; then both sides sound as planned.
"""

from __future__ import annotations

import math

from stemwright.units import db

_K = 2 - 4 * 10 ** (-3 / 20)


def strip(gain_db: float, pan: float) -> tuple[float, float]:
    """Fader in dB and pan knob (-1 to +1) for a gain in dB and a pan: the x at which far / loud side is 1 - |pan|."""
    far = 1 - min(abs(pan), 1.0)
    half = (1 + _K + far * (1 - _K)) / 2
    x = 1 / (half + math.sqrt(half * half - _K * (1 - far)))
    return gain_db - db(_side(x)), math.copysign(2 * x - 1, pan)


def heard(fader_db: float, knob: float) -> tuple[float, float]:
    """Gain in dB and pan for a fader and a pan knob: the way back."""
    x = (1 + min(abs(knob), 1.0)) / 2
    return fader_db + db(_side(x)), math.copysign(1 - _side(1 - x) / _side(x), knob)


def _side(x: float) -> float:
    return x * (_K * x + 1 - _K)
