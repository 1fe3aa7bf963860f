"""demucs's bags in the engine; cards, devices, and what is missing."""

import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fake_engine import fake_card, heard, tiny
from stemwright.errors import MissingExtra, SettingsError
from stemwright.separate import choose_device, family, kinds, models

torch = pytest.importorskip("torch")
apply = pytest.importorskip("demucs.apply")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def noise(seconds=7.0):
    return np.random.default_rng(3).normal(0.03, 0.2, (2, round(seconds * 44_100))).astype(np.float32)


def test_a_bag_gives_what_demucs_gives():
    engine, networks = tiny(shares=((1, 0, 1, 0.5), (0, 1, 1, 2)), normalise=True)
    x = noise()
    wav = torch.from_numpy(x)
    mean, std = wav.mean(0).mean(), wav.mean(0).std() + 1e-8  # as demucs.api.Separator.separate_tensor does
    bag = apply.BagOfModels(networks, [list(m.weights) for m in engine.network.card.members], segment=2)
    expected = (apply.apply_model(bag, ((wav - mean) / std)[None], shifts=0)[0] * std + mean).numpy()
    made = heard(engine, x, statistics=(float(mean), float(std))).numpy()
    assert 10 * np.log10((expected**2).sum() / ((made - expected) ** 2).sum()) > 120
    only = heard(engine, x, ("vocals", "bass"), statistics=(float(mean), float(std)))
    np.testing.assert_allclose(only, made[[3, 1]], atol=1e-6)


def test_members_that_do_not_matter_are_not_run_and_silence_stays_silent():
    engine, networks = tiny(shares=((1, 0, 0, 0), (0, 1, 1, 1)))
    calls = []
    networks[0].register_forward_hook(lambda *_: calls.append(1))
    heard(engine, noise(2), ("vocals",))
    assert not calls
    heard(engine, noise(2), ("drums",))
    assert calls
    silence = heard(tiny(normalise=True)[0], np.zeros((2, 60_000), np.float32), statistics=(0.0, 1e-8))
    assert silence.isfinite().all() and silence.abs().max() < 1e-6


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device() == choose_device("cpu") == "cpu"
    for absent in ("cuda", "mps", "tpu"):
        with pytest.raises(SettingsError, match=absent) as caught:
            choose_device(absent)
        assert caught.value.hint == "use one of: auto, cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == choose_device("cuda") == "cuda"


def test_a_card_without_a_family_or_its_packages_is_refused(monkeypatch):
    with pytest.raises(SettingsError, match="no family 'demox'") as caught:
        family(replace(fake_card(), family="demox"))
    assert "demucs" in caught.value.hint
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "demucs" else object())
    with pytest.raises(MissingExtra, match="demucs") as caught:
        family(fake_card())
    assert "pip install 'stemwright[split]'" in caught.value.hint


def test_cards_have_a_family_and_pins_that_agree():
    cards = models.cards()
    assert {"htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx_extra"} <= {card.name for card in cards}
    assert {card.family for card in cards if card.stems} <= set(kinds())
    files = {(card.family, file.name, file.sha256) for card in cards for m in card.members for file in m.files}
    assert len({name for _, name, _ in files}) == len({digest for _, _, digest in files}) == len(files)
    for kind, name, digest in files:  # demucs's own names carry the first digits of the sha256
        assert kind != "demucs" or not name.endswith(".th") or digest.startswith(name[9:17])
    assert all(card.terms.text and card.terms.source and card.terms.date for card in cards)


def test_cards_agree_with_demucs():
    import yaml
    from demucs import pretrained

    known = pretrained._parse_remote_files(pretrained.REMOTE_ROOT / "files.txt")
    for card in (card for card in models.cards() if card.family == "demucs"):
        bag = yaml.safe_load((pretrained.REMOTE_ROOT / f"{card.name}.yaml").read_text())
        assert [member.signature for member in card.members] == bag["models"]
        assert [list(member.weights) for member in card.members if member.weights] == bag.get("weights", [])
        assert card.segment == bag.get("segment", 7.8) * card.sample_rate and card.normalise
        assert {file.url for m in card.members for file in m.files if file.source == "official"} <= set(known.values())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("segment = 343980", "segment = 0"), "segment"),
        (('"8726e21a', '"8726'), "not pinned"),
        (('name = "955717e8-8', 'name = "../955717e8-8'), "plain file name"),
        (('signature = "955717e8"', 'signature = "955717e8"\nweights = [0, 1, 1, 1]'), "no member makes drums"),
        (('source = "hub"', 'source = "torrent"'), "torrent"),
    ],
)
def test_a_wrong_card_is_refused(tmp_path, change, complaint):
    good = models.resources.find("models", "htdemucs").read_text()
    (tmp_path / "bad.toml").write_text(good.replace(*change))
    with pytest.raises(SettingsError, match=complaint):
        models.card(str(tmp_path / "bad.toml"))


def test_importing_the_package_never_imports_torch():
    code = (
        "import sys, stemwright.separate as s; s.kinds(); sys.exit('torch' in sys.modules or 'demucs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
