"""What recurs after a while, and after which."""

from __future__ import annotations

import numpy as np

from stemwright.measure.onsets import Curve
from stemwright.measure.recurrence import after, recurring, recurring_throughout


def test_what_comes_every_two_seconds_recurs_after_two_but_not_after_one() -> None:
    values = np.zeros(6000)
    values[::200] = 1.0
    curve = recurring(values, 100.0, 16.0)
    assert after(curve, 2.0) > 0.95
    assert after(curve, 4.0) > 0.95
    assert after(curve, 1.0) < 0.05
    assert np.isnan(after(curve, 9.0)), "longer than half of a window"
    assert after(recurring_throughout([Curve(values, 100.0)]), 20.0) > 0.95


def test_a_song_shorter_than_the_window_is_one_window() -> None:
    values = np.random.default_rng(0).standard_normal(500)
    assert abs(after(recurring(values, 100.0, 16.0), 1.0)) < 0.3
