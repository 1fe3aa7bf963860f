"""Stems add up to the mix, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stemwright.audio.stream import quantise
from stemwright.separate.consistency import GRID, SHORTEST_SILENCE, Heard, Peaks, fold, share_residual

LEVELS = st.floats(-1.5, 1.5, width=32)


def songs(draw):
    stems, channels, frames = draw(st.integers(1, 6)), draw(st.integers(1, 2)), draw(st.integers(1, 40))
    parts = draw(hnp.arrays(np.float32, (stems, channels, frames), elements=LEVELS))
    return parts, draw(hnp.arrays(np.float32, (channels, frames), elements=LEVELS))


def listened(mix, block=1 << 18):
    heard = Heard()
    for at in range(0, mix.shape[1], block):
        heard.add(mix[:, at : at + block])
    heard.close()
    return heard


def sharing(stems, mix, block=1 << 18):
    pieces = (mix[:, at : at + block] for at in range(0, mix.shape[1], block))
    found = list(share_residual(lambda a, b: stems[..., a:b], pieces, listened(mix, block)))
    return [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]


def shared(stems, mix, block=1 << 18):
    return sharing(stems, mix, block)[-1]


@settings(max_examples=300, deadline=None)
@given(song=st.composite(songs)(), bits=st.sampled_from([16, 24]), fixed=st.booleans())
def test_fold_is_exact_and_never_clips(song, bits, fixed):
    stems, mix = song
    peaks = Peaks()
    peaks.add(stems, mix)
    gain = peaks.gain(bits)
    parts, whole = fold(stems, mix, gain, bits, carrier=0 if fixed else None)
    top = 1 << (bits - 1)
    assert parts.shape == stems.shape
    assert (parts.sum(axis=0, dtype=np.int64) == whole).all()
    assert (whole == np.rint(mix.astype(np.float64) * gain * top)).all()
    assert parts.min() >= -top and parts.max() <= top - 1
    assert 0 < gain <= 1


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999), frames=st.integers(1, 6 * GRID), block=st.integers(1, 3 * GRID), stems=st.integers(1, 5)
)
def test_sharing_closes_the_sum_and_ignores_blocks(seed, frames, block, stems):
    random = np.random.default_rng(seed)
    parts = random.normal(0, 0.1, (stems, 2, frames)).astype(np.float32)
    mix = random.normal(0, 0.2, (2, frames)).astype(np.float32)
    once = shared(parts, mix)
    assert np.abs(once.sum(axis=0) - mix).max() < 1e-6
    np.testing.assert_array_equal(once, shared(parts, mix, block))


def test_a_silent_stem_takes_nothing_unless_all_are_silent():
    random = np.random.default_rng(0)
    stems = random.normal(0, 0.1, (3, 2, 20 * GRID)).astype(np.float32)
    stems[1] = 0
    stems[:, :, 12 * GRID :] = 0
    made = shared(stems, stems.sum(axis=0) + np.float32(0.01))
    assert not made[1, :, : 11 * GRID].any()
    np.testing.assert_allclose(made[:, :, 15 * GRID :], 0.01 / 3, rtol=1e-6)


def test_the_residual_follows_the_energy_of_each_channel():
    loud, quiet = np.full(8 * GRID, 0.2, np.float32), np.full(8 * GRID, 0.1, np.float32)
    stems = np.array([[loud, quiet], [quiet, loud]])
    taken = shared(stems, stems.sum(axis=0) + np.float32(0.05)) - stems
    np.testing.assert_allclose(taken[:, :, GRID], [[0.04, 0.01], [0.01, 0.04]], rtol=1e-5)


@pytest.mark.parametrize(
    ("stem", "high", "low", "gain"),
    [(1.0, 0.5, -1.0, 1.0), (2.0, 0.5, -0.5, 0.5), (0.5, 0.5, -4.0, 0.25), (0.5, 2.0, 0.0, (1 - 2**-23) / 2)],
)
def test_one_gain_and_only_when_needed(stem, high, low, gain):
    peaks = Peaks()
    peaks.add(np.array([[[stem, -stem / 2]]], np.float32), np.array([[high, low]], np.float32))
    assert peaks.gain(24) == pytest.approx(gain, rel=1e-12)


def test_a_24_bit_mix_keeps_its_bits():
    mix = (np.random.default_rng(1).integers(-(1 << 23), 1 << 23, (2, 5000)) / (1 << 23)).astype(np.float32)
    _, whole = fold(np.stack([mix, 0 * mix]), mix, 1.0)
    np.testing.assert_array_equal(whole, quantise(mix))


def test_nonsense_is_calmed_and_the_rest_left_alone():
    """Stems of 20 times full scale that cancel are turned down where they are; elsewhere no sample changes."""
    rng = np.random.default_rng(3)
    mix = rng.uniform(-0.5, 0.5, (2, 12 * GRID)).astype(np.float32)
    stems = np.stack([mix * part for part in (0.5, 0.3, 0.2)])
    burst = slice(5 * GRID + 100, 5 * GRID + 400)
    stems[0, :, burst] += 20
    stems[1, :, burst] -= 20
    _, raw, calm, made = sharing(stems, mix)
    assert np.abs(made.sum(axis=0) - mix).max() < 1e-6 and np.abs(made).max() < 1.5
    touched = (calm != raw).any(axis=(0, 1))
    assert touched[burst].all() and not touched[: 3 * GRID].any() and not touched[9 * GRID :].any()
    assert (raw == stems).all()
    loud = mix * 30
    assert (sharing(stems, loud)[2] == stems).all(), "beside a mix that is as loud it is no nonsense"


@settings(max_examples=50, deadline=None)
@given(
    spans=st.lists(st.tuples(st.booleans(), st.integers(1, 3 * SHORTEST_SILENCE)), min_size=1, max_size=6),
    block=st.integers(100, 9000),
)
def test_digital_silence_stays_silent(spans, block):
    """Where the mix is zero long enough the stems end up zero; shorter gaps and sound are left alone."""
    mix = np.concatenate([np.full(n, 0.25 * sounds, np.float32) for sounds, n in spans])[None].repeat(2, 0)
    stems = np.stack([mix * 0.5 + 0.01, mix * 0.5 - 0.01])
    _, _, calm, made = sharing(stems, mix, block)
    zero = ~mix.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], zero, [0]]).astype(int)))
    long = np.zeros(len(zero), bool)
    deep = long.copy()
    for start, stop in edges.reshape(-1, 2):
        if stop - start >= SHORTEST_SILENCE:
            long[start:stop] = True
            deep[start + 256 * (start > 0) : stop - 256 * (stop < len(zero))] = True
    assert not made[..., deep].any()
    assert (calm[..., ~long] == stems[..., ~long]).all()
    assert np.abs(made.sum(axis=0) - mix).max() < 1e-6
