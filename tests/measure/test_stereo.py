"""A delay between the sides."""

from __future__ import annotations

import numpy as np
import pytest
from kept import detected

SOUND = 0.1 * np.random.default_rng(8).standard_normal(4 * 48_000 + 4000)
OTHER = 0.1 * np.random.default_rng(9).standard_normal(4 * 48_000)


def delayed(frames: int) -> np.ndarray:
    """Right is `frames` behind left."""
    return np.stack((SOUND[2000 : 2000 + len(OTHER)], SOUND[2000 - frames : 2000 - frames + len(OTHER)]))


@pytest.mark.parametrize("frames", [1, 12, -300, 1900])
def test_the_delay_and_its_sign(frames: int) -> None:
    sides = detected(delayed(frames)).sides
    assert sides is not None
    assert sides.delay_frames == frames
    assert sides.delay_correlation > 0.98


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(delayed(0) * [[1.0], [0.5]], id="panned"),
        pytest.param(np.stack((OTHER, SOUND[: len(OTHER)])), id="unrelated"),
        pytest.param(delayed(1990) * [[1.0], [0.2]] + [OTHER, np.roll(OTHER, 5) / 3], id="mostly something else"),
    ],
)
def test_no_delay_where_none_explains_the_sides(sound: np.ndarray) -> None:
    sides = detected(sound).sides
    assert sides is not None
    assert sides.delay_correlation == 0.0 or sides.delay_frames == 5
