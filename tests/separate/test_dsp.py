"""Networks without weights: what they promise about sums, silence and lag, and how well they hear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.errors import SettingsError
from stemwright.measure.sdr import sdr
from stemwright.separate import Setup
from stemwright.separate.models import ModelCard, Terms, card

torch = pytest.importorskip("torch")
from stemwright.separate.families import dsp  # noqa: E402

RATE = 44_100
KINDS = ("phantom_centre", "mid_side", "hpss")


def stems(kind: str, mix: np.ndarray) -> np.ndarray:
    """Both stems of a mix `[2, frames]`, as `[2, 2, frames]`."""
    heard = torch.from_numpy(mix.astype(np.float32))[None]
    return dsp.load(card(kind), (), Setup()).forward(heard, (0, 1))[0].numpy()


def notes(seed: int, hz: float, per_second: int, decay: float, frames: int = 12 * RATE) -> np.ndarray:
    """A line of plucked notes with eight partials."""
    draw, made = np.random.default_rng(seed), np.zeros(frames)
    for start in range(0, frames - RATE, RATE // per_second):
        t = np.arange(min(int(2 * decay * RATE), frames - start)) / RATE
        pitch = hz * 2 ** (draw.integers(0, 24) / 12)
        wave = sum(np.sin(2 * np.pi * pitch * k * t + draw.uniform(0, 6)) * 0.6**k for k in range(1, 9))
        made[start : start + len(t)] += wave * np.exp(-t / decay)
    return made / np.abs(made).max()


def hits(seed: int, frames: int = 12 * RATE) -> np.ndarray:
    """Kick and snare in turn, four a second."""
    draw, made, t = np.random.default_rng(seed), np.zeros(frames), np.arange(RATE // 5) / RATE
    kick, snare = np.sin(2 * np.pi * (50 + 150 * np.exp(-t * 30)) * t), 0.5 * draw.standard_normal(len(t))
    for beat, start in enumerate(range(0, frames - RATE, RATE // 4)):
        made[start : start + len(t)] += (snare if beat % 2 else kick) * np.exp(-t * 18)
    return made / np.abs(made).max()


def test_phantom_centre_hears_the_centre_of_a_stereo_mix() -> None:
    centre = np.tile(0.25 * hits(0) + 0.2 * notes(1, 110, 2, 0.4) + 0.2 * notes(2, 55, 1, 0.5), (2, 1))
    guitar, keys = 0.5 * notes(3, 220, 3, 0.3), 0.5 * notes(4, 330, 4, 0.25)
    pad = 0.125 * np.stack([notes(5, 165, 1, 1.2), notes(6, 165, 1, 1.2)])
    beat = np.exp(-((np.arange(centre.shape[1]) / RATE * 8) % 1) * 9)
    hats = 0.075 * beat * np.random.default_rng(1).standard_normal(len(beat))
    sides = np.stack([0.4 * guitar + 0.08 * keys + 0.18 * hats, 0.08 * guitar + 0.4 * keys + 0.9 * hats]) + pad
    mix = centre + sides
    made = stems("phantom_centre", mix)
    assert sdr(centre, made[0]) >= 11
    assert sdr(sides, made[1]) >= 9
    assert sdr(centre, stems("mid_side", mix)[0]) < 6  # the mask is worth more than 5 dB
    assert sdr(centre[:, :-1], made[0][:, 1:]) < sdr(centre, made[0])  # no lag


def test_hpss_tells_notes_from_hits() -> None:
    lasting, striking = np.tile(notes(1, 220, 1, 3.0), (2, 1)), np.tile(hits(0), (2, 1))
    made = stems("hpss", lasting + striking)
    assert sdr(lasting, made[0]) > sdr(lasting, lasting + striking) + 6
    assert sdr(striking, made[1]) > sdr(striking, lasting + striking) + 6


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(8192, 20_000), level=st.floats(1e-6, 1.0))
def test_stems_sum_to_the_mix(kind: str, seed: int, frames: int, level: float) -> None:
    mix = (level * np.random.default_rng(seed).standard_normal((2, frames))).astype(np.float32)
    np.testing.assert_allclose(stems(kind, mix).sum(axis=0), mix, atol=1e-6 * level, rtol=1e-6)


@pytest.mark.parametrize("kind", ["phantom_centre", "mid_side"])
def test_mono_is_all_centre_up_to_its_edges(kind: str) -> None:
    mono = np.tile(np.random.default_rng(3).standard_normal(10_000), (2, 1))
    first, second = stems(kind, mono)
    np.testing.assert_allclose(first, mono, atol=2e-6)
    assert np.abs(second).max() < 2e-6


@pytest.mark.parametrize("kind", KINDS)
def test_silence_stays_silence(kind: str) -> None:
    assert not stems(kind, np.zeros((2, 9000))).any()


def test_a_card_of_an_unknown_kind_is_refused() -> None:
    wrong = ModelCard("mine", "Mine", "dsp", ("a", "b"), 0, 4096, Terms("", "", "", ""), settings={"kind": "magic"})
    with pytest.raises(SettingsError, match="magic"):
        dsp.load(wrong, (), Setup())
