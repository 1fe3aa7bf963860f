"""Weights are numbers: tampered files run nothing."""

import hashlib
import io
import json
from fractions import Fraction

import pytest

from fake_engine import fake_card, tiny_hdemucs, tiny_htdemucs
from stemwright.errors import WeightsMismatch
from stemwright.separate import Setup, safeload
from stemwright.separate.families import demucs
from stemwright.separate.models import Member, WeightsFile

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
pytest.importorskip("demucs.apply")
MAKE = {"HTDemucs": tiny_htdemucs, "HDemucs": tiny_hdemucs}


class Bomb:
    """Creates a file when it is unpickled by a careless reader."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def th(network, arguments, **more):
    state = {name: tensor.half() for name, tensor in network.state_dict().items()}
    package = {"klass": type(network), "args": (), "kwargs": arguments, "state": state, **more}
    torch.save(package, buffer := io.BytesIO())
    return buffer.getvalue()


def hub(network, arguments, klass="demucs.htdemucs.HTDemucs"):
    def plain(x):
        return {"_type": "fraction", "numerator": x.numerator, "denominator": x.denominator}

    state = {name: tensor.half().clone() for name, tensor in network.state_dict().items()}
    return safetensors.save(
        state, metadata={"klass": klass, "args": "[]", "kwargs": json.dumps(arguments, default=plain)}
    )


def load(folder, data, name, kind="HTDemucs", pin=None, segment=88_200):
    """The network of a file on disk, by a card that pins it (or `pin`)."""
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(pin or data).hexdigest()
    member = Member("tiny", kind, (WeightsFile(name, len(data), digest, "official", ""),))
    return demucs.load(fake_card(segment, (member,)), (folder / name,), Setup())


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("form", [th, hub])
def test_demucs_files_load_as_they_are(tmp_path, kind, form):
    import numpy as np

    network, arguments = MAKE[kind](seconds=2)
    if form is th:  # real checkpoints carry training settings and numpy scalars beside the state
        data = th(network, {**arguments, "gone": 1}, metrics={"sdr": np.float64(9.0)}, training_args={"lr": 3e-4})
    else:
        data = hub(network, arguments)
    name = "t.th" if form is th else "t.safetensors"
    made = load(tmp_path, data, name, kind)
    assert made.weights == ((name, hashlib.sha256(data).hexdigest()),) and made.fixed is (kind == "HTDemucs")
    x = torch.randn(1, 2, 88_200)
    network.load_state_dict({name: tensor.half() for name, tensor in network.state_dict().items()})
    assert torch.equal(made.forward(x, (0, 1, 2, 3)), network(x))


@pytest.mark.parametrize("pinned", [True, False])
def test_a_pickle_with_code_runs_nothing(tmp_path, pinned):
    network, arguments = tiny_hdemucs(seconds=2)
    data = th(network, arguments, extra=Bomb(tmp_path / "boom"))
    with pytest.raises(WeightsMismatch) as caught:
        load(tmp_path, data, "t.th", "HDemucs", pin=None if pinned else b"other")
    assert not (tmp_path / "boom").exists()
    assert ("pins" in caught.value.message) is not pinned
    with open(tmp_path / "t.th", "rb") as file:  # noqa: PTH123 - the bomb is real:
        torch.load(file, weights_only=False)["extra"].close()
    assert (tmp_path / "boom").exists()


def test_one_changed_byte_is_refused_before_parsing(tmp_path, monkeypatch):
    data = hub(*tiny_htdemucs(seconds=2))
    bad = data[:-1] + bytes([data[-1] ^ 1])
    monkeypatch.setattr(safeload, "safetensors", lambda _: pytest.fail("parsed"))
    with pytest.raises(WeightsMismatch, match="pins"):
        load(tmp_path, bad, "t.safetensors", pin=data)


def test_the_class_comes_from_the_card_never_from_the_file(tmp_path):
    data = hub(*tiny_htdemucs(seconds=2), klass="os.system")
    assert load(tmp_path, data, "t.safetensors").forward(torch.zeros(1, 2, 88_200), (0,)).shape == (1, 1, 2, 88_200)


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}", b"PK\x03\x04 no zip"])
@pytest.mark.parametrize("name", ["t.th", "t.safetensors"])
def test_rubbish_that_is_pinned_is_an_error_of_ours(tmp_path, data, name):
    with pytest.raises(WeightsMismatch, match="not loaded"):
        load(tmp_path, data, name)


def test_a_network_that_is_not_the_cards_is_refused(tmp_path):
    network, arguments = tiny_htdemucs(seconds=2)
    with pytest.raises(WeightsMismatch, match="segment"):
        load(tmp_path, hub(network, arguments), "t.safetensors", segment=44_100)
    with pytest.raises(WeightsMismatch):
        load(tmp_path, hub(network, arguments), "t.safetensors", "HDemucs")
    wrong = {**arguments, "segment": Fraction(2), "sources": ["vocals", "drums", "bass", "other"]}
    with pytest.raises(WeightsMismatch, match="vocals"):
        load(tmp_path, hub(network, wrong), "t.safetensors")
