"""Segments and overlap-add give demucs's own numbers, in bounded memory."""

from functools import cache

import numpy as np
import pytest

from fake_engine import heard, tiny
from stemwright.measure.sdr import sdr
from stemwright.separate.overlap import cut, overlap_add

torch = pytest.importorskip("torch")
apply = pytest.importorskip("demucs.apply")

KINDS = ("HTDemucs", "HDemucs")
RATE = 44_100


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def noise(seconds):
    return torch.randn(2, round(seconds * RATE), generator=torch.Generator().manual_seed(1))


@cache
def theirs(kind, seconds, whole=False):
    network = tiny(kind)[1][0]
    return apply.apply_model(network, noise(seconds)[None], shifts=0, overlap=0.25, split=not whole)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [1.1, 3.3, 7])
def test_batch_1_is_bit_equal_to_demucs(kind, seconds):
    assert torch.equal(heard(tiny(kind)[0], noise(seconds)), theirs(kind, seconds))


@pytest.mark.parametrize("kind", KINDS)
def test_batches_differ_by_less_than_120_db(kind):
    assert sdr(theirs(kind, 7).numpy(), heard(tiny(kind, batch=3)[0], noise(7)).numpy()) > 120


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_within_one_segment_goes_through_once(kind):
    assert sdr(theirs(kind, 1.8, whole=True).numpy(), heard(tiny(kind)[0], noise(1.8)).numpy()) > 140


@pytest.mark.parametrize("frames", [1, 37, 74, 75, 100, 101, 149, 150, 151, 399, 400, 1000])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.9])
def test_every_frame_comes_back_once_whatever_the_blocks(frames, whole, overlap):
    x = torch.arange(1, frames + 1, dtype=torch.float32).repeat(2, 1)
    for block in (7, 64, 5000):
        segments = list(cut((b.numpy() for b in x.split(block, dim=1)), frames, 100, overlap, whole=whole))
        assert {s.audio.shape[1] for s in segments} == {100} or not whole
        answers = ((s, torch.from_numpy(np.stack([s.audio, 2 * s.audio]))) for s in segments)
        made = torch.cat(list(overlap_add(answers, frames, 100, overlap)), dim=-1)
        np.testing.assert_allclose(made.numpy(), torch.stack([x, 2 * x]).numpy(), rtol=1e-6)


def test_memory_does_not_grow_with_the_song():
    silence = (np.zeros((2, 500), np.float32) for _ in range(200))
    answers = ((s, torch.from_numpy(s.audio)[None]) for s in cut(silence, 100_000, 1000, 0.25))
    held = [piece.untyped_storage().size() // 8 for piece in overlap_add(answers, 100_000, 1000, 0.25)]
    assert max(held) <= 2000
    assert sum(h > 0 for h in held) == len(held) == 134
