"""Dither: what is certain of theory, and what must never be blamed. The large bank is `tests/audit/bank_dither.py`."""

from __future__ import annotations

import numpy as np
import pytest
from kept import detected

RATE = 48_000
RNG = np.random.default_rng


def plucked(seconds: int = 6) -> np.ndarray:
    """Silence, then two notes that die away to nothing, without a noise of their own; float64 at full scale 1."""
    t = np.arange(seconds * RATE) / RATE
    sound = np.zeros_like(t)
    for start, hz in ((1.0, 220.0), (2.5, 330.0)):
        on = t >= start
        sound[on] += 0.5 * np.sin(2 * np.pi * hz * (t[on] - start)) * np.exp(-9 * (t[on] - start))
    return sound


def stored(sound: np.ndarray, bits: int, way: str, seed: int = 1) -> np.ndarray:
    """24-bit values of a sound that was brought to `bits`."""
    rng, values = RNG(seed), sound * 2 ** (bits - 1)

    def one() -> np.ndarray:
        return rng.uniform(-0.5, 0.5, len(values) + 1)

    if way == "shaped":
        made, error, noise = np.empty_like(values), np.zeros(2), (one() + one())[1:]
        for frame, value in enumerate(values):
            wanted = value - 2 * error[0] + error[1]
            made[frame] = round(wanted + noise[frame])
            error = np.array([made[frame] - wanted, error[0]])
    else:
        dithers = {"none": 0.0, "RPDF": one()[1:], "TPDF": (one() + one())[1:], "high-pass": np.diff(one())}
        made = np.trunc(values) if way == "cut" else np.round(values + dithers[way])
    return made.astype(np.int64) << (24 - bits)


@pytest.mark.parametrize("bits", [16, 20, 24])
@pytest.mark.parametrize(
    ("way", "state", "kind"),
    [
        ("none", "absent", ""),
        ("cut", "absent", ""),
        ("TPDF", "present", "TPDF"),
        ("high-pass", "present", "TPDF high-pass"),
        ("shaped", "present", "noise-shaped"),
        ("RPDF", "present", "RPDF"),
    ],
)
def test_each_dither_is_told_from_none(bits: int, way: str, state: str, kind: str) -> None:
    found = detected(stored(plucked(), bits, way)).dither
    assert (found.state, found.kind, found.bits) == (state, kind, bits if kind else 0)


def test_dither_that_stops_in_silence_is_seen_in_the_tails() -> None:
    sound = plucked()
    samples = np.where(sound == 0, 0, stored(sound, 16, "TPDF"))
    assert detected(samples).dither.kind == "TPDF, auto-blanked"


@pytest.mark.parametrize("level_db", [-100, -120, -130])
def test_hiss_is_no_dither(level_db: int) -> None:
    hiss = 10 ** (level_db / 20) * RNG(3).standard_normal(6 * RATE)
    assert detected(stored(plucked() + hiss, 24, "none")).dither.state in ("noise", "undetermined")


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("fall_db_s", [6, 15, 40, 90])
@pytest.mark.parametrize("colour", ["white", "dark", "bright"])
def test_noise_that_dies_away_through_the_last_bit_is_not_blamed(bits: int, fall_db_s: int, colour: str) -> None:
    noise, t = RNG(fall_db_s).standard_normal(8 * RATE), np.arange(8 * RATE) / RATE
    if colour != "white":
        spectrum = np.fft.rfft(noise)
        edge = len(spectrum) // 4
        spectrum[edge:] *= colour == "bright"
        spectrum[:edge] *= colour == "dark"
        noise = np.fft.irfft(spectrum)
    start = 0.1 if fall_db_s > 10 else 30 * 2.0**-bits
    samples = stored(start * noise * 10 ** (-fall_db_s * t / 20), bits, "none")
    assert detected(samples).dither.state != "present"


def test_without_a_pause_an_empty_top_of_the_spectrum_still_excludes_dither() -> None:
    t = np.arange(4 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 110.3 * t) + 0.2 * np.sin(2 * np.pi * 5021.7 * t)
    assert detected(stored(tone, 24, "none")).dither.state == "absent"
    assert detected(stored(tone, 24, "TPDF")).dither.state == "undetermined"
    assert detected(stored(tone, 24, "high-pass")).dither.state == "undetermined"


def test_a_silent_side_and_silence_say_nothing() -> None:
    dithered = stored(plucked(), 16, "TPDF")
    assert detected(np.stack((dithered, 0 * dithered))).dither.kind == "TPDF"
    assert detected(np.zeros((2, RATE), np.int64)).dither.state == "silent"
