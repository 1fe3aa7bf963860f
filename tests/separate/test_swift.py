"""Faster networks say the same: bit for bit when settled, within a stated distance when lowered."""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from fake_engine import tiny_hdemucs, tiny_htdemucs

torch = pytest.importorskip("torch")
pytest.importorskip("demucs.apply")

from stemwright.separate import precision  # noqa: E402
from stemwright.separate.families import _swift as swift  # noqa: E402


def noise(batch, frames, seed=0):
    return torch.randn(batch, 2, frames, generator=torch.Generator().manual_seed(seed))


def snr(truth, x):
    return float(10 * torch.log10(truth.double().square().mean() / (truth - x).double().square().mean()))


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(2)


@pytest.mark.parametrize("make", [tiny_htdemucs, tiny_hdemucs])
def test_settled_networks_keep_every_bit(make):
    stock, swifter = make()[0], make()[0]
    swift.settle(swifter, "cpu")
    with torch.no_grad():
        for batch, frames in ((1, 66_150), (2, 66_150), (1, 4000), (1, 66_150)):
            heard = noise(batch, frames, frames)
            assert torch.equal(swifter(heard), stock(heard))


def test_settled_htdemucs_keeps_every_bit_at_any_length():
    stock, swifter = tiny_htdemucs()[0], tiny_htdemucs()[0]
    stock.use_train_segment = swifter.use_train_segment = False
    swift.settle(swifter, "cpu")
    with torch.no_grad():
        for frames in (44_100, 30_001, 44_100):
            assert torch.equal(swifter(noise(1, frames)), stock(noise(1, frames)))


def test_only_the_one_network_changes():
    network, other, heard = tiny_htdemucs()[0], tiny_htdemucs()[0], noise(1, 44_100)
    with torch.no_grad():
        before = other(heard)
        swift.settle(network, "cpu")
        swift.lower(network, "bf16", "cpu")
        assert not torch.equal(network(heard), before)
        assert torch.equal(other(heard), before)


def test_a_lowered_transformer_stays_near(record_property):
    stock, swifter = (tiny_htdemucs()[0].crosstransformer for _ in range(2))
    swift.lower(SimpleNamespace(crosstransformer=swifter), "bf16", "cpu")
    heard = noise(2, 64 * 8 * 40).view(4, 64, 8, 40), noise(2, 64 * 160).view(4, 64, 160)
    with torch.no_grad():
        pairs = list(zip(stock(*heard), swifter(*heard), strict=True))
    record_property("snr_db", str([snr(truth, made) for truth, made in pairs]))
    for truth, made in pairs:
        assert made.dtype == torch.float32
        assert 45 < snr(truth, made) < 100  # bf16 indeed


def test_tf32_is_set_and_put_back():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    for allowed in (True, False):
        with swift._tf32(allowed):
            assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == allowed
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


def test_attention_alone_keeps_120_db(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: torch.no_grad())
    stock, swifter, heard = tiny_htdemucs()[0], tiny_htdemucs()[0], noise(1, 66_150)
    swift.lower(swifter, "bf16", "cpu")
    with torch.no_grad():
        assert snr(stock(heard), swifter(heard)) > 120


def test_a_deep_copy_runs_itself():
    network, heard = tiny_htdemucs()[0], noise(1, 44_100)
    swift.settle(network, "cpu")
    swift._within(network, nullcontext)
    with torch.no_grad():
        before = network(heard)
        other = copy.deepcopy(network)
        for parameter in other.parameters():
            parameter.zero_()
        assert not torch.equal(other(heard), before)
        assert torch.equal(network(heard), before)


def test_doubtful_segments():
    music = noise(4, 40_000) * 0.1
    made = music[:, None].repeat(1, 4, 1, 1)
    music[1] = 0
    music[1, :, 20_000:20_030] = 0.9
    made[2, 3, 1, 7] = float("nan")
    made[3, 0, 0, 0] = float("inf")
    assert precision.doubtful(music, made).tolist() == [False, True, True, True]
    silence = torch.zeros(1, 2, 1000)
    assert precision.doubtful(silence, silence[:, None]).tolist() == [False]


def test_asking_for_bf16_never_raises(monkeypatch):
    assert precision.supports_bf16() in (True, False)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert precision.supports_bf16() is False


@pytest.mark.weights
@pytest.mark.skipif(not precision.supports_bf16(), reason="this CPU only emulates bf16")
def test_bf16_on_genuine_weights(genuine_weights, singing_44, record_property):
    from stemwright.separate import models
    from stemwright.separate.families.demucs import _network, _read

    card, path = models.card("htdemucs"), genuine_weights[0]
    stock = _network(card, card.members[0], *_read(path.read_bytes(), path.suffix))
    mix, vocals = (torch.from_numpy(x)[:, :343_980] for x in singing_44)
    mean, std = mix.mean(), mix.mean(0).std()
    swifter = copy.deepcopy(stock)
    swift.settle(swifter, "cpu")
    swift.lower(swifter, "bf16", "cpu")
    with torch.no_grad():
        exact, made = (network(((mix - mean) / std)[None]) for network in (stock, swifter))
    change = snr(vocals, made[0, 3] * std + mean) - snr(vocals, exact[0, 3] * std + mean)
    record_property("snr_db_and_sdr_change_db", str((snr(exact, made), change)))
    assert snr(exact, made) >= 60
    assert abs(change) <= 0.02
