"""Stems add up to the mix, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stemwright.audio.stream import quantise
from stemwright.separate.consistency import CHUNK, HOP, NONSENSE, SHORTEST_SILENCE, Heard, Peaks, consistent, fold

torch = pytest.importorskip("torch")
LEVELS = st.floats(-1.5, 1.5, width=32)
RATE = 48_000
AIR = (15_000 * 2 / RATE, 0.9 * 44_100 / RATE)


def songs(draw):
    stems, channels, frames = draw(st.integers(1, 6)), draw(st.integers(1, 2)), draw(st.integers(1, 40))
    parts = draw(hnp.arrays(np.float32, (stems, channels, frames), elements=LEVELS))
    return parts, draw(hnp.arrays(np.float32, (channels, frames), elements=LEVELS))


def cut(x, block):
    return [x[..., at : at + block] for at in range(0, x.shape[-1], block)]


def listened(mix, block=1 << 18):
    heard = Heard(len(mix))
    for part in cut(mix, block):
        heard.add(part)
    heard.close()
    return heard


def made(stems, mix, how="share", block=1 << 16, air=(0.7, 2.0)):
    """Stems after `consistent`, and the count of calmed frames."""
    parts, whole = (cut(torch.from_numpy(x), block) for x in (stems, mix))
    found = list(consistent(parts, whole, listened(mix), how=how, air=air))
    joined = [torch.cat([chunk[n] for chunk in found], -1).numpy() for n in range(3)]
    np.testing.assert_allclose(joined[1], stems.sum(axis=0), atol=1e-6)
    np.testing.assert_array_equal(joined[2], mix)
    return joined[0], sum(chunk.calmed for chunk in found)


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


@settings(max_examples=300, deadline=None)
@given(song=st.composite(songs)(), bits=st.sampled_from([16, 24]))
def test_fold_is_exact_and_never_clips(song, bits):
    stems, mix = map(torch.from_numpy, song)
    peaks = Peaks()
    peaks.add(stems)
    peaks.add_mix(listened(song[1]))
    gain = peaks.gain(bits)
    parts, whole = (x.numpy() for x in fold(stems, mix, gain, bits))
    top = 1 << (bits - 1)
    assert parts.shape == stems.shape and (parts.sum(axis=0, dtype=np.int64) == whole).all()
    assert (whole == np.rint(song[1].astype(np.float64) * gain * top)).all()
    assert parts.min() >= -top and parts.max() <= top - 1 and 0 < gain <= 1


@pytest.mark.parametrize(
    ("stem", "high", "low", "gain"),
    [(1.0, 0.5, -1.0, 1.0), (2.0, 0.5, -0.5, 0.5), (0.5, 0.5, -4.0, 0.25), (0.5, 2.0, 0.0, (1 - 2**-23) / 2)],
)
def test_one_gain_and_only_when_needed(stem, high, low, gain):
    peaks = Peaks()
    peaks.add(torch.tensor([[[stem, -stem / 2]]]))
    peaks.add_mix(listened(np.array([[high, low]], np.float32)))
    assert peaks.gain(24) == pytest.approx(gain, rel=1e-12)


def test_a_24_bit_mix_keeps_its_bits():
    mix = (np.random.default_rng(1).integers(-(1 << 23), 1 << 23, (2, 5000)) / (1 << 23)).astype(np.float32)
    whole = fold(torch.from_numpy(np.stack([mix, 0 * mix])), torch.from_numpy(mix), 1.0)[1]
    np.testing.assert_array_equal(whole, quantise(mix))


@pytest.mark.parametrize("frames", [1, 777, 3 * HOP, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
@pytest.mark.parametrize(("stems", "air"), [(1, AIR), (2, (0.7, 2.0)), (5, AIR)])
def test_sharing_closes_the_sum_and_ignores_blocks(frames, stems, air):
    parts, mix = noise(frames, stems, 2, frames), 2 * noise(stems, 2, frames)
    once = made(parts, mix, air=air)[0]
    assert np.abs(once.sum(axis=0) - mix).max() < 1e-6
    for block in (1000, 90_001):
        np.testing.assert_array_equal(once, made(parts, mix, block=block, air=air)[0])


def test_raw_is_left_alone_and_a_rest_is_what_is_left():
    parts, mix = noise(1, 2, 2, CHUNK + 99), noise(2, 2, CHUNK + 99)
    np.testing.assert_array_equal(made(parts, mix, "raw")[0], parts)
    found = made(parts, mix, "rest")[0]
    np.testing.assert_array_equal(found[:-1], parts)
    np.testing.assert_array_equal(found[-1], mix - parts.sum(axis=0))


def test_a_silent_stem_takes_nothing_unless_all_are_silent():
    stems = noise(0, 3, 2, 20 * HOP)
    stems[1] = 0
    stems[:, :, 12 * HOP :] = 0
    shared = made(stems, stems.sum(axis=0) + np.float32(0.01))[0]
    assert not shared[1, :, : 11 * HOP].any()
    np.testing.assert_allclose(shared[:, :, 15 * HOP :], 0.01 / 3, rtol=1e-5)


def sine(hz, level=0.2):
    return (level * np.sin(2 * np.pi * hz / RATE * np.arange(3 * CHUNK))).astype(np.float32)


def test_the_residual_goes_to_the_stem_that_sounds_in_its_band_and_channel():
    low, high, none = sine(500), sine(5000), sine(0)
    stems = np.array([[low, none], [high, none], [none, low]])
    rest = np.array([0.05 * low - 0.1 * high, 0.2 * low])
    taken = made(stems, stems.sum(axis=0) + rest)[0] - stems
    expected = np.array([[0.05 * low, none], [-0.1 * high, none], [none, 0.2 * low]])
    assert np.abs(taken - expected)[..., 2 * HOP : -2 * HOP].max() < 1e-4


@pytest.mark.parametrize(("air", "loud"), [(AIR, (0.1, 0.2)), ((AIR[0], 2.0), (1e-4, 5.6e-7))])
def test_above_the_networks_band_what_sounds_just_below_decides(air, loud):
    """Else whatever the network whispers up there would: here 1e-4 of the first stem, and what windows leak."""
    stems = np.array([[sine(16_000, 0.1) + sine(23_000, 1e-4)], [sine(17_000)]])
    rest = sine(23_000, 0.02)
    taken = (made(stems, stems.sum(axis=0) + rest, air=air)[0] - stems)[:, 0]
    expected = np.sqrt(loud) / np.sqrt(loud).sum()
    np.testing.assert_allclose(taken @ rest / (rest @ rest), expected, atol=0.01)


def test_nonsense_is_calmed_and_the_rest_left_alone():
    """Stems of 20 times full scale that cancel are turned down where they are; elsewhere no sample changes."""
    mix = np.random.default_rng(3).uniform(-0.5, 0.5, (2, CHUNK + 12 * HOP)).astype(np.float32)
    stems = np.stack([mix * part for part in (0.5, 0.3, 0.2)])
    burst = slice(CHUNK - 300, CHUNK + 400)
    stems[0, :, burst] += 20
    stems[1, :, burst] -= 20
    shared, count = made(stems, mix)
    assert np.abs(shared.sum(axis=0) - mix).max() < 1e-6 and np.abs(shared).max() < NONSENSE
    touched = (made(stems, mix, "rest")[0][:-1] != stems).any(axis=(0, 1))
    assert touched[burst].all() and not touched[: CHUNK - 3 * HOP].any() and not touched[CHUNK + 3 * HOP :].any()
    assert abs(count - touched.sum()) < 10
    loud = made(stems, mix * 30, "rest")
    assert (loud[0][:-1] == stems).all() and loud[1] == 0, "beside a mix that is as loud it is no nonsense"


@settings(max_examples=40, deadline=None)
@given(spans=st.lists(st.tuples(st.booleans(), st.integers(1, 3 * SHORTEST_SILENCE)), min_size=1, max_size=6))
def test_digital_silence_stays_silent(spans):
    """Where the mix is zero long enough the stems end up zero; shorter gaps and sound are left alone."""
    mix = np.concatenate([np.full(n, 0.25 * sounds, np.float32) for sounds, n in spans])[None].repeat(2, 0)
    stems = np.stack([mix * 0.5 + 0.01, mix * 0.5 - 0.01])
    shared = made(stems, mix)[0]
    zero = ~mix.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], zero, [0]]).astype(int)))
    long = np.zeros(len(zero), bool)
    deep = long.copy()
    for start, stop in edges.reshape(-1, 2):
        if stop - start >= SHORTEST_SILENCE:
            long[start:stop] = True
            deep[start + 256 * (start > 0) : stop - 256 * (stop < len(zero))] = True
    assert not shared[..., deep].any()
    assert (made(stems, mix, "rest")[0][:-1, ..., ~long] == stems[..., ~long]).all()
    assert np.abs(shared.sum(axis=0) - mix).max() < 1e-6
    assert listened(mix).silences == listened(mix, 777).silences


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), frames=st.integers(2, 5000), block=st.integers(1, 999), dual=st.booleans())
def test_one_look_tells_peaks_statistics_and_dual_mono(seed, frames, block, dual):
    mix = noise(seed, 2, frames) + np.float32(0.3)
    if dual:
        mix[1] = mix[0]
    heard = listened(mix, block)
    assert (heard.high, heard.low, heard.frames) == (mix.max().clip(0), mix.min().clip(None, 0), frames)
    assert heard.dual_mono is dual and heard.finite
    for row in ((0.5, 0.5), (0.5, -0.5), (1, 0)):
        wide = np.array(row) @ mix.astype(np.float64)
        expected = (wide.mean(), wide.std(ddof=1) + 1e-8)
        assert heard.statistics(np.array(row, np.float32)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_noticed(bad):
    mix = noise(1, 2, 900)
    mix[1, 400] = bad
    assert not listened(mix, 100).finite
