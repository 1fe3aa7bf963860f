"""The samples of the case tables: small, plausible stems, with what a case asks for planted in them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

CLEAN: dict[str, Any] = {
    "rate": 48_000,
    "frames": None,  # two seconds, cut or filled up with silence
    "channels": 2,
    "peak_dbfs": 0.0,  # 0: the stem's own of PEAKS; rounded towards zero to the 24-bit grid
    "used_bits": 24,
    "dc": 0.0,  # mean over the whole file, of full scale
    "tail_dbfs": -math.inf,  # level of one sample in the last 10 ms
    "full_scale": [],  # [first frame, count, value] in the first channel, value in steps of the stem's bits
    "nan": 0,  # that many NaN
    "denormal": 0,  # that many denormal samples
    "bumps": [],  # [frame, half width in frames, dBFS]: a raised cosine in the first channel
    "gaps": [],  # [first frame, end]: exact zeros
    "right_db": 0.0,  # gain of the second channel
    "delay": 0,  # frames by which everything comes later
    "clip": 0.0,  # clipped at this part of the peak, then brought back to the peak
    "filtered": False,  # a brick wall at 0.3 of the rate behind the clip
    "low_pass_hz": 0.0,  # a brick wall
    "through": [],  # [bits, gain]: brought to that many bits, then changed by that gain
    "coarse": 0.0,  # this first part of the sound has 16 bits
    "hum": [],  # [Hz, dBFS]: eight harmonics through the whole file
    "noise_dbfs": -math.inf,  # white noise through the whole file
    "made_of": [],  # the sum of these stems instead of a sound of its own; in the mix, the stems that are in it
    "repeat": 1,  # that many times after each other
    "inverted": False,
    "exchanged": False,  # left and right
    "right_is": 0.0,  # the right side is the left one times this, if not 0
    "right_late": 0,  # and that many frames later
    "ppm": 0.0,  # runs slower by so much
    "drive": 0.0,  # saturated
    "echo_db": -math.inf,  # level of a second of dense echoes
    "last_bit": "round",  # or: floor, toward zero, TPDF, shaped
}
PEAKS = {"Kick": -4.0, "Bass": -4.5, "LeadVox": -5.0}
WHERE = {"Kick": (0.25, 0.5), "Bass": (0.4, 0.65), "LeadVox": (0.5, 0.75)}  # of the length; the rest is silence
PITCH = {"Kick": 60.0, "Bass": 110.0, "LeadVox": 310.0}


def synthesise(name: str, plan: dict[str, Any]) -> np.ndarray:
    """float64 `[channels, frames]` of one stem."""
    frames, rate = 2 * plan["rate"], plan["rate"]
    start, end = (round(part * frames) for part in WHERE[name])
    samples = np.zeros((plan["channels"], frames))
    peak = 10 ** ((plan["peak_dbfs"] or PEAKS[name]) / 20)
    if peak:
        samples[:, start:end] = _sound(name, plan["channels"], end - start, rate)
        samples *= peak / np.abs(samples).max()
        loudest = np.unravel_index(np.abs(samples).argmax(), samples.shape)
    step = 2.0 ** (1 - plan["used_bits"])
    samples = quantised(processed(samples, peak, plan) / step, plan["last_bit"]) * step
    if peak and not plan["clip"]:
        samples[loudest] = math.copysign(math.floor(peak / step) * step, samples[loudest])
    coarse = slice(start, start + round(plan["coarse"] * (end - start)))
    samples[:, coarse] = np.round(samples[:, coarse] * 2**15) / 2**15
    samples[:, start:end] += plan["dc"] * frames / (end - start)
    return plant(np.tile(samples, plan["repeat"]), plan)


def mix_of(stems: Iterable[np.ndarray], plan: dict[str, Any]) -> np.ndarray:
    """The sum of the stems, 6 dB lower, in the channels that the mix is to have."""
    stems = [np.nan_to_num(stem) for stem in stems]
    made = np.zeros((plan["channels"], max(stem.shape[1] for stem in stems)))
    for stem in stems:
        made[:, : stem.shape[1]] += stem if len(stem) in (1, len(made)) else stem.mean(axis=0)
    made *= 0.5
    if plan["drive"]:
        made = np.tanh(plan["drive"] * made) / plan["drive"]
    if plan["echo_db"] > -math.inf:
        made += 10 ** (plan["echo_db"] / 20) * echoes(made, plan["rate"])
    step = 2.0 ** (1 - plan["used_bits"])
    return plant(np.round(made / step) * step, plan)


def echoes(samples: np.ndarray, rate: int) -> np.ndarray:
    """Dense echoes that fall by 60 dB in a second, as noise does in a hall."""
    t = np.arange(rate) / rate
    hall = np.random.default_rng(3).standard_normal(rate) * 10 ** (-3 * t) / 30
    size = samples.shape[1] + rate
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(hall, size), size)[:, : samples.shape[1]]


def processed(samples: np.ndarray, peak: float, plan: dict[str, Any]) -> np.ndarray:
    """What a case lets happen to the sound before it is brought to its bits."""
    rng, t = np.random.default_rng(1), np.arange(samples.shape[1]) / plan["rate"]
    if plan["low_pass_hz"]:
        samples = band(samples, plan["low_pass_hz"], plan["rate"])
    if plan["through"]:
        bits, gain = plan["through"]
        samples = np.round(samples * 2 ** (bits - 1)) / 2 ** (bits - 1) * gain
    for hz, level in [plan["hum"]] if plan["hum"] else []:
        samples = samples + 10 ** (level / 20) * sum(np.sin(2 * np.pi * hz * k * t + k) / k for k in range(1, 9))
    samples = samples + 10 ** (plan["noise_dbfs"] / 20) * rng.standard_normal(samples.shape)
    if plan["clip"]:
        samples = np.clip(samples, -plan["clip"] * peak, plan["clip"] * peak) / plan["clip"]
    return band(samples, 0.3 * plan["rate"], plan["rate"]) if plan["filtered"] else samples


def band(samples: np.ndarray, hz: float, rate: int) -> np.ndarray:
    """Nothing at `hz` and above."""
    spectrum = np.fft.rfft(samples, axis=1)
    spectrum[:, round(hz * samples.shape[1] / rate) :] = 0
    return np.fft.irfft(spectrum, samples.shape[1], axis=1)


def quantised(samples: np.ndarray, way: str) -> np.ndarray:
    """Samples in last bits as integers."""
    rng = np.random.default_rng(2)
    if way in ("round", "floor", "toward zero"):
        return {"round": np.round, "floor": np.floor, "toward zero": np.trunc}[way](samples)
    noise = rng.uniform(-0.5, 0.5, samples.shape) + rng.uniform(-0.5, 0.5, samples.shape)
    if way == "TPDF":
        return np.round(samples + noise)
    made, error = np.zeros_like(samples), np.zeros((2, len(samples)))
    for frame in range(samples.shape[1]):  # second order: the noise falls towards 0 Hz by 12 dB an octave
        wanted = samples[:, frame] - 2 * error[0] + error[1]
        made[:, frame] = np.round(wanted + noise[:, frame])
        error = np.stack((made[:, frame] - wanted, error[0]))
    return made


def plant(samples: np.ndarray, plan: dict[str, Any]) -> np.ndarray:
    """Cut or lengthen to the frames wanted, then put in what is wanted at certain places."""
    if plan["frames"] is not None:
        room = max(0, plan["frames"] - samples.shape[1])
        samples = np.pad(samples, ((0, 0), (0, room)))[:, : plan["frames"]]
    if plan["tail_dbfs"] > -math.inf:
        samples[0, -plan["rate"] // 200] = 10 ** (plan["tail_dbfs"] / 20)
    for at, count, value in plan["full_scale"]:
        samples[0, at : at + count] = value / (1 << (plan.get("bits", 24) - 1))
    samples = turned(np.roll(samples, plan["delay"], axis=1), plan)
    for at, half, level in plan["bumps"]:
        first, end = max(0, at - half + 1), min(at + half, samples.shape[1])
        samples[0, first:end] += 10 ** (level / 20) * np.cos(np.pi / 2 * (np.arange(first, end) - at) / half) ** 2
    for first, end in plan["gaps"]:
        samples[:, first:end] = 0
    samples[1:2] *= 10 ** (plan["right_db"] / 20)
    samples[0, 200 : 200 + plan["denormal"]] = 1e-39
    samples[0, 100 : 100 + plan["nan"]] = math.nan
    return samples


def turned(samples: np.ndarray, plan: dict[str, Any]) -> np.ndarray:
    """Polarity, sides and speed."""
    if plan["inverted"]:
        samples = -samples
    if plan["exchanged"]:
        samples = samples[::-1].copy()
    if plan["right_is"]:
        samples[1] = plan["right_is"] * np.roll(samples[0], plan["right_late"])
    if plan["ppm"]:
        at, there = np.arange(samples.shape[1]), np.arange(samples.shape[1]) * (1 - 1e-6 * plan["ppm"])
        samples = np.stack([np.interp(there, at, side) for side in samples])
    return samples


def _sound(name: str, channels: int, frames: int, rate: int) -> np.ndarray:
    """A few harmonics and some air, both a little different left and right, faded in and out."""
    rng = np.random.default_rng(len(name))
    t = np.arange(frames) / rate
    made = 0.1 * rng.uniform(-1, 1, (channels, frames))
    for channel in range(channels):
        for harmonic in range(1, 6):
            phase = 0.3 * channel * harmonic
            made[channel] += np.sin(2 * np.pi * PITCH[name] * harmonic * t + phase) / harmonic**1.5
    made *= np.sin(np.linspace(0, math.pi, frames)) ** 2
    return made - made.mean(axis=1, keepdims=True)
