"""Levels: known answers, and one result wherever the blocks are cut and whichever kernels are used."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import FLOAT, LSB, PCM24, close, of, sine

from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.measure import kernels, levels
from stemwright.model import AudioFormat, Runs, Span


def noise(seed: int, shape: tuple[int, ...], peak: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-peak, peak, shape)


# ---- levels ---------------------------------------------------------------------------------------------------


def test_sine_has_its_textbook_levels() -> None:
    found = of(np.stack((0.5 * sine(1000), 0.25 * sine(1000))))
    assert found.sample_peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert found.channel_peaks_dbfs == pytest.approx((-6.0206, -12.0412), abs=1e-3)
    assert found.channel_rms_dbfs == pytest.approx((-9.0309, -15.0515), abs=1e-3)
    assert found.rms_dbfs == pytest.approx(10 * math.log10((0.25 + 0.0625) / 4), abs=1e-4)
    assert (found.lowest, found.highest) == pytest.approx((-0.5, 0.5), abs=1e-6)
    assert abs(found.dc_offset) < 1e-9
    assert found.sides is not None
    assert found.sides.correlation == pytest.approx(1.0)
    assert found.sides.balance_db == pytest.approx(6.0206, abs=1e-3)
    assert found.sides.difference_dbfs == pytest.approx(-15.0515, abs=1e-3)


def test_dc_is_that_of_the_worst_channel_with_its_sign_and_its_chance() -> None:
    samples = np.stack((noise(1, (144_000,)) + 0.01, noise(2, (144_000,)) - 0.02))
    found = of(samples)
    assert found.dc_offset == pytest.approx(samples[1].mean(), rel=1e-5)
    assert found.dc_sigma == pytest.approx(samples[1].std() / math.sqrt(144_000), rel=1e-5)
    assert found.dc_steady


def test_a_lopsided_drum_is_no_steady_dc() -> None:
    """A real bass drum whose hits swing further up than down: once an error of -38 dBFS."""
    beat = np.arange(24_000) / 48_000
    hit = np.maximum(np.sin(2 * np.pi * 50 * beat), -0.3) * np.exp(-beat * 12)
    found = of(np.tile(0.5 * hit, 20))
    assert found.dc_offset > 0.01
    assert not found.dc_steady
    assert of(np.tile(0.5 * hit, 20) + 0.02).dc_steady


def test_a_slow_wave_is_no_steady_dc() -> None:
    found = of(0.5 * np.sin(2 * np.pi * 0.2 * np.arange(288_000) / 48_000))
    assert abs(found.dc_offset) > 0.01
    assert not found.dc_steady


@pytest.mark.parametrize(
    ("right", "correlation", "relation", "loss"),
    [
        (sine(100), 1.0, "equal", -3.0103),
        (-sine(100), -1.0, "opposite", math.inf),
        (0.5 * sine(100), 1.0, "", -2.553),
        (sine(200), 0.0, "", 0.0),
    ],
)
def test_sides(right: np.ndarray, correlation: float, relation: str, loss: float) -> None:
    sides = of(np.stack((sine(100), right))).sides
    assert sides is not None
    assert sides.correlation == pytest.approx(correlation, abs=1e-6)
    assert sides.relation == relation
    assert sides.mono_loss_db == pytest.approx(loss, abs=1e-3)


def test_one_sample_of_one_step_makes_sides_unequal() -> None:
    both = np.stack([np.round(noise(3, (300_000,)) / LSB) * LSB] * 2)
    both[1, 299_999] += LSB
    sides = of(both).sides
    assert sides is not None
    assert sides.relation == ""
    assert sides.difference_dbfs == pytest.approx(20 * math.log10(LSB / math.sqrt(300_000)), abs=1e-6)


def test_sides_are_of_stereo_in_which_something_sounds() -> None:
    assert of(sine(100)).sides is None
    assert of(np.zeros((2, 1000))).sides is None
    sides = of(np.stack((sine(100), 0 * sine(100)))).sides
    assert sides is not None
    assert (sides.correlation, sides.balance_db) == (None, math.inf)


def test_the_end_of_a_file_is_no_sample() -> None:
    found = of(np.full((2, 1000), 0.25))
    assert (found.lowest, found.highest) == (0.25, 0.25)
    assert set(found.overview) == {32}


def test_silence() -> None:
    found = of(np.zeros((2, 5000)))
    assert found.silent
    assert found.words.used_bits == 0
    silent = (found.sample_peak_dbfs, found.rms_dbfs, found.head_dbfs, found.tail_dbfs, found.true_peak_dbtp)
    assert {*silent, found.high_res_peak_dbtp, found.loudness.integrated_lufs} == {-math.inf}
    assert (found.first_sound, found.last_sound) == (None, None)
    assert found.silences == Runs(1, (Span(0, 5000),))


def test_no_frames_at_all() -> None:
    assert levels.levels_of((), PCM24).silent
    assert of(np.zeros((2, 0))).overview == ()


def test_head_is_1_ms_and_tail_10_ms() -> None:
    samples = np.zeros(48_000)
    samples[[0, 47, 48, -481, -480]] = 0.01, 0.1, 0.9, 0.8, 0.2
    found = of(samples, cuts=(20, 47_700, 47_900))
    assert found.head_dbfs == pytest.approx(-20.0, abs=1e-5)
    assert found.tail_dbfs == pytest.approx(-13.979, abs=1e-3)
    assert found.first_sample_dbfs == pytest.approx(-40.0, abs=1e-5)
    assert (found.first_sound, found.last_sound) == (0, 47_520)


def test_how_fast_the_tail_falls() -> None:
    time = np.arange(144_000) / 48_000
    assert of(noise(4, (144_000,)) * 10 ** (-12 * time / 20)).tail_fall_db_s == pytest.approx(12, abs=0.3)
    assert of(noise(4, (144_000,))).tail_fall_db_s is None
    assert of(noise(4, (40_000,)) * 10 ** (-12 * time[:40_000] / 20)).tail_fall_db_s is None


def test_the_overview_has_the_extremes_of_600_columns() -> None:
    samples = noise(5, (2, 600_000))
    found = np.array(of(samples).overview).reshape(600, 2)
    near = 0.5 * 127 * np.ones(600)
    assert np.abs(found[:, 0] + near).max() < 2
    assert np.abs(found[:, 1] - near).max() < 2
    short = np.array(of(samples[:, :6000]).overview).reshape(600, 2)
    assert (short[:, 1] == np.rint(127 * samples[:, :6000].reshape(2, 600, 10).max(axis=(0, 2)))).all()
    assert len(of(samples[:, :7]).overview) == 1200
    loud = np.zeros(600_000)
    loud[345_600] = 1.0
    assert np.argmax(np.array(of(loud).overview)[1::2]) == 345


# ---- word length ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 24), st.lists(st.integers(-(1 << 23), (1 << 23) - 1), min_size=1, max_size=50), st.booleans())
def test_used_bits_are_exact_on_the_24_bit_grid(bits: int, values: list[int], fast: bool) -> None:
    unused = 24 - bits
    whole = [value >> unused << unused for value in values]
    every = 0
    for value in whole:
        every |= value
    expected = 24 - ((every & -every).bit_length() - 1) if every else 0
    words = of(np.array(whole) * LSB, cuts=(len(whole) // 2,), fast=fast).words
    assert (words.used_bits, words.on_24_bit_grid) == (expected, True)
    sounding = [value for value in whole if value]
    coarse = sum(value % 256 == 0 for value in sounding)
    assert words.low_byte_empty == (coarse / len(sounding) if sounding else 0)


@pytest.mark.parametrize("value", [1 / 3, LSB / 2, 1e-40, 300.0 + 2.0**-15, 3e38])
@pytest.mark.parametrize("fast", [False, True])
def test_a_float_sample_off_the_grid_counts_as_24_bits(value: float, fast: bool) -> None:
    found = of(np.array([0.5, value, 0.5]), FLOAT, fast=fast)
    assert (found.words.used_bits, found.words.on_24_bit_grid) == (24, False)
    assert found.denormal == (value == 1e-40)
    assert found.absurd == (value > 16)


# ---- clipping -------------------------------------------------------------------------------------------------

TRUE_24 = np.array([3 * LSB])
"""A sample that shows that all 24 bits are used."""


@pytest.mark.parametrize(
    ("audio_format", "value", "clipped"),
    [
        (PCM24, 1 - LSB, True),
        (PCM24, -1.0, True),
        (PCM24, -1 + LSB, True),
        (PCM24, 1 - 2 * LSB, False),
        (replace(PCM24, bits=16), 1 - 2.0**-15, True),
        (replace(PCM24, bits=16), 1 - 2.0**-14, False),
        (replace(PCM24, bits=8), 1 - 2.0**-7, True),
        (FLOAT, 1.0, True),
        (FLOAT, 1.0 + 2.0**-20, False),
    ],
)
def test_full_scale_is_within_one_step_of_the_word_length(
    audio_format: AudioFormat, value: float, clipped: bool
) -> None:
    quiet = TRUE_24 if audio_format.bits >= 24 else np.array([0.5])
    samples = np.concatenate((quiet, [value] * 3, quiet))
    assert of(samples, audio_format).clipping.full_scale == (Runs(1, (Span(1, 4, 0),)) if clipped else Runs())


def test_padded_16_bit_is_judged_as_16_bit() -> None:
    top = 1 - 2.0**-15
    assert of(np.array([0.5 + 2.0**-15, top, top, top, 0.0])).clipping.full_scale.count == 1
    assert of(np.array([0.5 + LSB, top, top, top, 0.0])).clipping.full_scale.count == 0


def test_runs_are_counted_per_channel_and_100_are_told() -> None:
    left = np.tile([0.5 + LSB, 1.0, 1.0, 1.0], 150)
    right = np.concatenate(([0.0, 0.0, -1.0, -1.0, -1.0], np.zeros(5), [1.0, 1.0], np.zeros(588)))
    found = of(np.stack((left, right)), FLOAT).clipping
    assert found.full_scale.count == 151
    assert len(found.full_scale.spans) == 100
    assert found.full_scale.spans[:3] == (Span(1, 4, 0), Span(2, 5, 1), Span(5, 8, 0))
    assert found.isolated == Runs(1, (Span(10, 12, 1),))


def test_flat_tops_have_corners_and_stand_high() -> None:
    wave = np.round(0.9 * sine(97, 48_000) / LSB) * LSB
    flat = np.clip(wave, -0.63, 0.63) * 0.5
    found = of(flat).clipping
    assert found.flat.count == 194
    assert found.flat_dbfs == pytest.approx(20 * math.log10(0.315), abs=1e-3)
    assert found.flat_share == pytest.approx(float(np.mean(np.abs(flat) >= 0.315)), abs=0.002)
    assert of(wave * 0.5).clipping.flat.count == 0  # the crest of a sine has no corners
    ramps = np.concatenate((np.linspace(0, 0.2, 50), [0.2] * 5, np.linspace(0.2, 0, 50), [0.0, 0.9, 0.0]))
    assert of(ramps, FLOAT).clipping.flat.count == 0  # below half of the peak
    assert found.full_scale == found.louder_than_0_45 == Runs()


def test_netflix_counts_flat_runs_from_0_45_dbfs_on() -> None:
    line = np.zeros(1000)
    line[10:13], line[50:53], line[90:92], line[200:203] = 0.95, -1.0, 0.96, 0.949
    assert of(line, FLOAT).clipping.louder_than_0_45 == Runs(2, (Span(10, 13, 0), Span(50, 53, 0)))


def test_samples_and_blocks_near_the_peak() -> None:
    rng = np.random.default_rng(6)
    line = rng.uniform(-0.8, 0.8, 480_000)
    line[::10_000] = 0.95
    line[5::20_000] = 0.9
    found = of(line).clipping
    assert (found.at_peak, found.below_peak) == (48, 24)
    limited = np.clip(rng.normal(0, 0.5, 480_000), -0.9, 0.9)
    assert of(limited).clipping.pile_up > 0.9
    assert of(rng.normal(0, 0.1, 480_000)).clipping.pile_up == 0  # too few blocks come near the peak


# ---- what is not finite, silence, dropouts --------------------------------------------------------------------


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("form", [FLOAT, replace(FLOAT, bits=64)])
def test_not_finite_samples_are_told_and_taken_as_zero(fast: bool, form: AudioFormat) -> None:
    samples = np.array([[0.5, math.nan, math.nan, -0.5], [math.inf, 0.25, -math.inf, 0.0]])
    found = of(samples, form, (2,), fast)
    assert found.not_finite == Runs(4, (Span(0, 1, 1), Span(1, 3, 0), Span(2, 3, 1)))
    assert found.sample_peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert found.dc_offset == pytest.approx(0.25 / 4)


def test_silences_of_1_ms_and_dropouts_with_loud_flanks() -> None:
    line = noise(7, (480_000,)) + 0.001
    line[:100] = line[1000:1047] = line[2000:2048] = line[10_000:34_000] = line[50_000:75_001] = line[-100:] = 0
    line[299_950:300_000] *= np.linspace(1, 0, 50) ** 4
    line[300_000:300_100] = 0
    found = of(line)
    expected = ((0, 100), (2000, 2048), (10_000, 34_000), (50_000, 75_001), (479_900, 480_000))
    spans = tuple((span.start, span.end) for span in found.silences.spans)
    assert {*expected} <= {*spans}
    assert found.silences.count == 6
    assert found.dropouts == Runs(3, (Span(2000, 2048), Span(10_000, 34_000), found.silences.spans[4]))
    assert of(np.stack((line, noise(8, (480_000,)) + 0.6))).silences == Runs()


def test_a_fade_into_silence_is_no_dropout() -> None:
    line = noise(7, (96_000,))
    line[40_000:44_800] *= np.linspace(1, 0, 4800) ** 4
    line[44_800:46_000] = 0
    found = of(line)
    assert (found.silences.count, found.dropouts.count) == (1, 0)


@pytest.mark.parametrize("fast", [False, True])
def test_a_dropout_goes_on_as_it_stopped(fast: bool) -> None:
    line = 0.5 * sine(60, 96_000)
    line[20_000:20_960] = 0
    assert of(line, fast=fast).dropouts.spans == (Span(20_000, 20_960),)
    line[20_960:] *= 0.4
    assert of(line, fast=fast).dropouts == Runs()
    dying = noise(7, (96_000,))
    dying[19_520:20_000] *= np.linspace(1, 0, 480) ** 2
    dying[20_000:20_960] = 0
    assert of(dying, fast=fast).dropouts == Runs()


# ---- one result for every way of reading ----------------------------------------------------------------------


def messy(seed: int, channels: int, frames: int) -> np.ndarray:
    """Noise in loud and quiet stretches, with silence, clips, clicks and NaN in places that depend on the seed."""
    rng = np.random.default_rng(seed)
    made = (
        rng.normal(0, 0.2, (channels, frames))
        * np.repeat(10 ** rng.uniform(-5, 0.3, frames // 2000 + 1), 2000)[:frames]
    )
    made = np.round(np.clip(made, -1, 1) / LSB) * LSB if rng.random() < 0.5 else made
    for value in (0.0, 1.0, -1.0, 0.7, math.nan):
        for at in rng.integers(0, frames, 6):
            made[
                rng.integers(channels) if value else slice(None), at : at + rng.integers(1, 3000 if value == 0 else 6)
            ] = value
    return made.astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 1 << 30),
    st.integers(1, 3),
    st.sampled_from([1, 63, 64, 5000, 100_000, 140_000]),
    st.sampled_from([48_000, 44_100, 8000, 192_000, 11_025]),
    st.lists(st.integers(1, 139_999), max_size=8),
)
def test_cuts_and_kernels_change_nothing(
    monkeypatch_region: None, seed: int, channels: int, frames: int, rate: int, cuts: list[int]
) -> None:
    samples = messy(seed, channels, frames)
    form = replace(FLOAT, sample_rate=rate)
    whole = of(samples, form)
    assert of(samples, form, tuple(cut for cut in cuts if cut < frames)) == whole
    close(of(samples, form, fast=True), whole)


@pytest.fixture(scope="module")
def monkeypatch_region() -> object:
    """Regions so short that a file of a few seconds has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_REGION", 1 << 15)
        yield


@pytest.mark.parametrize(("bits", "encoding"), [(16, "pcm"), (24, "pcm"), (32, "float")])
@pytest.mark.parametrize("fast", [False, True])
def test_a_file_measures_like_its_samples(tmp_path: Path, bits: int, encoding: str, fast: bool) -> None:
    top = 1 << (bits - 1)
    samples = messy(11, 2, 300_000) if encoding == "float" else noise(11, (2, 300_000)) * (top - 1) // 1
    with WavWriter(tmp_path / "a.wav", 48_000, 2, bits, encoding) as out:  # type: ignore[arg-type]
        out.write(samples.astype(np.float32 if encoding == "float" else np.int32))
    file = probe(tmp_path / "a.wav")
    found = levels.measure(file, fast)
    close(found, of(samples if encoding == "float" else samples / top, file.format))
    assert found.words.used_bits == (24 if encoding == "float" else bits)


# ---- what measuring costs -------------------------------------------------------------------------------------


def child(code: str) -> list[str]:
    """What a fresh Python prints, in words."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()


MEMORY = """
import resource, sys
import numpy as np
from stemwright.measure import _numpy, levels
from stemwright.model import AudioFormat

class Endless:
    def __init__(self, blocks): self.blocks = blocks
    def __iter__(self):
        block = np.tile(0.5 * np.sin(np.arange(480_000) / 10).astype(np.float32), (2, 1))
        return (block for _ in range(self.blocks))

def peak(blocks):
    form = AudioFormat("wav", "float", 32, 48_000, 2)
    levels._measured(Endless(blocks), "f32", levels._Pass(form, blocks * 480_000, _numpy))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

short = peak(3)
print(short, peak(30))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource is of POSIX")
def test_memory_does_not_grow_with_length() -> None:
    short, long = map(int, child(MEMORY))
    assert long < short * 1.1


@pytest.mark.parametrize(("fast", "loaded"), [(None, []), (True, ["llvmlite"])])
def test_measuring_loads_neither_scipy_nor_torch(tmp_path: Path, fast: bool | None, loaded: list[str]) -> None:
    """And numba only to compile the kernels once."""
    assert kernels.kernels(True).__name__.endswith("_numba")
    with WavWriter(tmp_path / "a.wav", 48_000, 2, 24) as out:
        out.write(np.ones((2, 1000), np.int32))
    code = (
        "import sys\nfrom pathlib import Path\nfrom stemwright.audio.probe import probe\n"
        f"from stemwright.measure.levels import measure\nmeasure(probe(Path({str(tmp_path / 'a.wav')!r})), {fast})\n"
        "print(*{'numba', 'llvmlite', 'scipy', 'torch', 'soundfile'} & {*sys.modules})"
    )
    assert child(code) == loaded
