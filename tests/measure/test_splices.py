"""Clicks and splices among what is none."""

from __future__ import annotations

import numpy as np
import pytest
from kept import detected

RATE = 48_000
T = np.arange(4 * RATE) / RATE
AIR = np.random.default_rng(7).standard_normal(len(T))
CHORD = sum(0.1 * np.sin(2 * np.pi * hz * T + hz) for hz in (110.3, 277.2, 659.3)) + 1e-4 * AIR


def starts(sound: np.ndarray) -> list[int]:
    return [span.start for span in detected(sound).clicks.spans]


def test_a_single_wrong_sample() -> None:
    sound = CHORD.copy()
    sound[70_000] += 0.1
    assert starts(sound) == [pytest.approx(70_000, abs=1)]


def test_a_splice_without_a_fade() -> None:
    sound = np.concatenate((CHORD[:70_000], CHORD[80_123:]))
    assert abs(sound[70_000] - sound[69_999]) > 0.05
    assert starts(sound) == [pytest.approx(70_000, abs=1)]


def test_the_channel_is_told() -> None:
    sound = np.stack((CHORD, CHORD))
    sound[1, 70_000] += 0.1
    assert [span.channel for span in detected(sound).clicks.spans] == [1]


HITS = sum(
    np.where(at <= T, np.exp(-30 * (T - at).clip(0)), 0) * np.sin(2 * np.pi * 60 * (T - at)) for at in (0.5, 1.5)
)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(CHORD, id="a chord"),
        pytest.param(0.1 * AIR, id="noise"),
        pytest.param(0.3 * np.sign(np.sin(2 * np.pi * 110.1 * T)), id="a square wave"),
        pytest.param(0.4 * ((T * 82.4) % 1 - 0.5), id="a saw"),
        pytest.param(np.where(T > 1, 0.5 * np.cos(2 * np.pi * 50 * T), 0), id="a hard start"),
        pytest.param(0.5 * HITS * (1 + 0.1 * AIR), id="drums"),
    ],
)
def test_instruments_do_not_click(sound: np.ndarray) -> None:
    assert starts(sound) == []
