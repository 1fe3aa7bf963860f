"""Every architecture runs from a pinned file, and every card builds the network whose weights it pins."""

import hashlib

import pytest

from stemwright.errors import SettingsError, WeightsMismatch
from stemwright.separate import Setup, models
from stemwright.separate.families import pymss
from stemwright.separate.models import Member, ModelCard, Terms, WeightsFile

torch = pytest.importorskip("torch")
pytest.importorskip("pymss_core")
library = pytest.importorskip("safetensors.torch")

ROFORMER = {"dim": 16, "depth": 1, "heads": 2, "dim_head": 8, "mlp_expansion_factor": 1}
MDX = {"act": "gelu", "norm": "InstanceNorm", "num_channels": 8, "num_subbands": 4, "num_scales": 2, "scale": [2, 2]}
MDX |= {"num_blocks_per_scale": 1, "growth": 8, "bottleneck_factor": 4}
AUDIO = {"n_fft": 512, "hop_length": 128, "dim_f": 256, "num_channels": 2}
BANDIT = {"in_channel": 1, "band_specs": "musical", "n_bands": 64, "n_sqm_modules": 1, "rnn_type": "GRU"}
TINY = {
    "bs_roformer": ROFORMER,
    "mel_band_roformer": {**ROFORMER, "num_bands": 60, "mlp_hidden_layers": 2},
    "scnet": {"dims": [4, 8, 8, 8], "nfft": 512, "hop_size": 128, "win_size": 512, "num_dplayer": 2},
    "mdx23c": {"audio": AUDIO, "model": MDX},
    "bandit": {**BANDIT, "emb_dim": 16, "rnn_dim": 8, "mlp_dim": 8},
}
SEGMENT = 128 * 63


def made(kind, stems=("a", "b", "c"), data=b"", name="tiny.ckpt", **changed):
    file = WeightsFile(name, len(data), hashlib.sha256(data).hexdigest(), "official", "")
    fields = {"segment": SEGMENT, "settings": TINY[kind], **changed}
    members, terms = (Member("tiny", kind, (file,)),), Terms("free", "test", "here", "2026-01-01")
    return ModelCard("t", "T", "pymss", stems, 44_100, terms=terms, members=members, **fields)


def loaded(tmp_path, kind, stems=("a", "b", "c"), wrap=lambda state: state, name="tiny.ckpt"):
    """A tiny random network, saved to a file and loaded from it."""
    torch.manual_seed(1)
    state = {key: tensor.clone() for key, tensor in pymss.build(made(kind, stems)).state_dict().items()}
    path = tmp_path / name
    library.save_file(state, path) if name.endswith("safetensors") else torch.save(wrap(state), path)
    return pymss.load(made(kind, stems, path.read_bytes(), name), [path], Setup())


def db(a, b):
    return 10 * torch.log10(a.square().sum() / (a - b).square().sum().clamp(min=1e-30)).item()


@pytest.mark.parametrize("stems", [("a", "b", "c"), ("a",)], ids=["three", "one"])
@pytest.mark.parametrize("kind", TINY)
def test_a_network_is_pure_and_rows_do_not_hear_each_other(tmp_path, kind, stems):
    network = loaded(tmp_path, kind, stems)
    heard = torch.randn(3, 2, SEGMENT, generator=torch.Generator().manual_seed(2)) * 0.1
    everything = tuple(range(len(stems)))
    together = network.forward(heard, everything)
    assert together.shape == (3, len(stems), 2, SEGMENT) and together.dtype == torch.float32 and together.std() > 1e-4
    assert torch.equal(together, network.forward(heard, everything))
    assert db(together[1:2], network.forward(heard[1:2], everything)) >= 100
    if len(stems) > 1:
        some = network.forward(heard, (2, 0))
        assert db(together[:, [2, 0]], some) >= 100 > 40 > db(some[:, :1], some[:, 1:])  # the stems do differ


@pytest.mark.parametrize("wrap", [lambda s: {"state": s, "epoch": 3}, lambda s: {"state_dict": s}], ids=["th", "ckpt"])
def test_states_inside_packages_and_safetensors_are_the_same_network(tmp_path, wrap):
    heard = torch.randn(1, 2, SEGMENT)
    plain = loaded(tmp_path, "bs_roformer").forward(heard, (0, 1, 2))
    assert torch.equal(plain, loaded(tmp_path, "bs_roformer", wrap=wrap).forward(heard, (0, 1, 2)))
    assert torch.equal(plain, loaded(tmp_path, "bs_roformer", name="tiny.safetensors").forward(heard, (0, 1, 2)))


class Bomb(str):
    def __reduce__(self):
        return open, (str(self), "w")


def test_a_bomb_or_a_changed_file_runs_nothing(tmp_path):
    path, boom = tmp_path / "tiny.ckpt", tmp_path / "boom"
    torch.save({"state": Bomb(boom)}, path)
    with pytest.raises(WeightsMismatch, match="not loaded"):
        pymss.load(made("scnet", data=path.read_bytes()), [path], Setup())
    with pytest.raises(WeightsMismatch, match="pins"):
        pymss.load(made("scnet", data=b"other"), [path], Setup())
    assert not boom.exists()
    torch.load(path, weights_only=False)["state"].close()
    assert boom.exists()  # it is a real one


def test_weights_of_other_stems_and_settings_that_build_nothing_are_refused(tmp_path):
    loaded(tmp_path, "bandit", ("a", "b"))
    path = tmp_path / "tiny.ckpt"
    with pytest.raises(WeightsMismatch, match="state_dict"):
        pymss.load(made("bandit", ("a", "x"), path.read_bytes()), [path], Setup())
    for wrong in ({"settings": {"dim": 16}}, {"settings": {**ROFORMER, "depht": 2}}):
        with pytest.raises(SettingsError, match="build no bs_roformer"):
            pymss.build(made("bs_roformer", **wrong))
    with pytest.raises(SettingsError, match="128 x"):
        pymss.build(made("mdx23c", segment=9000))


@pytest.mark.parametrize("card", [c for c in models.cards() if c.family == "pymss"], ids=lambda card: card.name)
def test_a_card_builds_the_network_whose_weights_it_pins(card):
    """Each file is as long as the network's tensors (float32 or float16) and a little about every one of them."""
    with torch.device("cpu" if card.name == "bandit_plus" else "meta"):  # BandIt counts its bands as it is built
        state = pymss.build(card).state_dict()
    full = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    for file in card.members[0].files:
        assert any(40 * len(state) < file.bytes - size < 600 * len(state) for size in (full, full // 2))
