"""What goes through a network that changes nothing comes back as it was, however it is routed."""

import numpy as np
import pytest

from stemwright.separate.routing import mono, routes


@pytest.mark.parametrize("mode", ["stereo", "mid_sides", "left_right"])
@pytest.mark.parametrize(("channels", "dual"), [(1, False), (2, False), (2, True), (3, False), (4, False), (5, False)])
def test_every_channel_comes_back_as_it_was(mode, channels, dual):
    x = np.random.default_rng(1).normal(size=(channels, 50)).astype(np.float32)
    x[-1] = x[0] if dual else x[-1]
    made = sum(route.give @ route.heard(x) for route in routes(channels, mode, dual))
    np.testing.assert_allclose(made, x, atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "hears"),
    [
        ((1, "mono", False), [[[1], [1]]]),
        ((2, "stereo", False), [[[1, 0], [0, 1]]]),
        ((2, "stereo", True), [[[1, 0], [1, 0]]]),
        ((2, "left_right", False), [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]),
        ((2, "mid_sides", False), [[[0.5, 0.5], [0.5, 0.5]], [[0.5, -0.5], [0.5, -0.5]]]),
        ((3, "stereo", False), [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]]),
    ],
)
def test_what_is_heard_together(asked, hears):
    assert [route.hear.tolist() for route in routes(*asked)] == hears


def test_mono_is_the_mean_and_what_was_heard_twice_is_averaged():
    x = np.array([[1, 0], [0.5, 0], [0, -3]], np.float32)
    np.testing.assert_array_equal(mono(x), np.array([[0.5, -1]], np.float32))
    (route,) = routes(2, dual_mono=True)
    np.testing.assert_allclose(route.give @ np.array([[1.0], [0.5]]), [[0.75], [0.75]])
