"""Segments and overlap-add give demucs's own numbers, in bounded memory."""

from functools import lru_cache

import numpy as np
import pytest

from fake_engine import tiny_hdemucs, tiny_htdemucs
from stemwright.separate.overlap import cut, overlap_add

torch = pytest.importorskip("torch")
apply = pytest.importorskip("demucs.apply")

RATE = 44_100
NETWORKS = {"HTDemucs": (tiny_htdemucs, 343_980), "HDemucs": (tiny_hdemucs, 220_500)}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    torch.set_num_threads(1)
    make, segment = NETWORKS[request.param]
    return make()[0], segment


def noise(seconds):
    return torch.randn(2, round(seconds * RATE), generator=torch.Generator().manual_seed(1))


@lru_cache(maxsize=4)
def theirs(network, seconds):
    return apply.apply_model(network, noise(seconds)[None], shifts=0, overlap=0.25)[0]


def ours(network, segment, x, batch=1, block=50_000):
    blocks = (b.numpy() for b in x.split(block, dim=1))
    segments = cut(blocks, x.shape[1], segment, whole=hasattr(network, "valid_length"))
    return torch.cat(list(overlap_add(network, segments, x.shape[1], segment, batch=batch)), dim=-1)


def snr_db(reference, x):
    return 10 * torch.log10(reference.pow(2).sum() / (x - reference).pow(2).sum()).item()


@pytest.mark.parametrize("seconds", [3, 7.9, 20])
def test_batch_1_is_bit_equal_to_demucs(network, seconds):
    net, segment = network
    assert torch.equal(ours(net, segment, noise(seconds)), theirs(net, seconds))


def test_batches_differ_by_less_than_120_db(network):
    net, segment = network
    assert snr_db(theirs(net, 20), ours(net, segment, noise(20), batch=3)) > 120


def test_a_clip_within_one_segment_goes_through_once(network):
    net, segment = network
    x = noise(0.9 * segment / RATE)
    assert snr_db(apply.apply_model(net, x[None], shifts=0, split=False)[0], ours(net, segment, x)) > 140


@pytest.mark.parametrize("frames", [1, 37, 74, 75, 100, 101, 149, 150, 151, 399, 400, 1000])
@pytest.mark.parametrize("whole", [True, False])
def test_every_frame_comes_back_once_whatever_the_blocks(frames, whole):
    x = torch.arange(1, frames + 1, dtype=torch.float32).repeat(2, 1)

    def identity(heard):
        assert heard.shape[-1] == 100 or not whole
        return torch.stack([heard, 2 * heard], dim=1)

    for block in (7, 64, 5000):
        segments = cut((b.numpy() for b in x.split(block, dim=1)), frames, 100, whole=whole)
        made = torch.cat(list(overlap_add(identity, segments, frames, 100, batch=2)), dim=-1)
        np.testing.assert_allclose(made.numpy(), torch.stack([x, 2 * x]).numpy(), rtol=1e-6)


def test_memory_does_not_grow_with_the_song():
    def blocks():
        for _ in range(200):
            yield np.zeros((2, 500), np.float32)

    def forward(heard):
        return heard[:, None]

    pieces = overlap_add(forward, cut(blocks(), 100_000, 1000), 100_000, 1000)
    held = [piece.untyped_storage().size() // 8 for piece in pieces]
    assert max(held) <= 2000
    assert sum(h > 0 for h in held) == len(held) == 134
