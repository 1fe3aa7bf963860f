"""The demucs engine: normalisation, bags, memory, devices."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from fake_engine import STEMS, fake_card, tiny_hdemucs
from stemwright.errors import MissingExtra, SettingsError, StemwrightError
from stemwright.model import Progress
from stemwright.separate import Mix, choose_device, engines, models, require
from stemwright.separate.models import Member

torch = pytest.importorskip("torch")
apply = pytest.importorskip("demucs.apply")


def mix(seconds=7.0, level=0.2, offset=0.03):
    x = np.random.default_rng(3).normal(offset, level, (2, round(seconds * 44_100))).astype(np.float32)
    return x, Mix(lambda: np.array_split(x, 7, axis=1), x.shape[1])


def loaded(shares):
    from stemwright.separate.demucs import Demucs

    torch.set_num_threads(1)
    members = tuple(Member(f"m{i}", "HDemucs", (), share) for i, share in enumerate(shares))
    networks = tuple(tiny_hdemucs(seed)[0] for seed in range(len(shares)))
    return Demucs(fake_card(220_500, members), "cpu", (), (), networks)


def run(model, heard, stems=STEMS):
    items = list(model.separate(heard, stems))
    blocks = [item for item in items if not isinstance(item, Progress)]
    assert {block.dtype for block in blocks} == {np.dtype(np.float32)}
    return np.concatenate(blocks, axis=2), [item for item in items if isinstance(item, Progress)]


def test_a_bag_gives_what_demucs_gives():
    model = loaded([(1, 0, 1, 0.5), (0, 1, 1, 2)])
    x, heard = mix()
    wav = torch.from_numpy(x)
    mean, std = wav.mean(0).mean(), wav.mean(0).std() + 1e-8  # as demucs.api.Separator.separate_tensor does
    bag = apply.BagOfModels(list(model.networks), [list(m.weights) for m in model.card.members], segment=5)
    expected = (apply.apply_model(bag, ((wav - mean) / std)[None], shifts=0)[0] * std + mean).numpy()
    made, progress = run(model, heard)
    assert 10 * np.log10((expected**2).sum() / ((made - expected) ** 2).sum()) > 120
    assert progress[-1].done == progress[-1].total == 7.0
    assert [p.done for p in progress] == sorted(p.done for p in progress)
    only, _ = run(model, heard, ("vocals", "bass"))
    np.testing.assert_allclose(only, made[[3, 1]], atol=1e-6)


def test_members_that_do_not_matter_are_not_run():
    model = loaded([(1, 0, 0, 0), (0, 1, 1, 1)])
    calls = []
    model.networks[0].register_forward_hook(lambda *_: calls.append(1))
    run(model, mix(3)[1], ("vocals",))
    assert not calls
    run(model, mix(3)[1], ("drums",))
    assert calls


def test_silence_stays_silence():
    silent = np.zeros((2, 60_000), np.float32)
    made, _ = run(loaded([()]), Mix(lambda: [silent], 60_000))
    assert np.isfinite(made).all() and np.abs(made).max() < 1e-6


def test_statistics_in_one_pass():
    from stemwright.separate.demucs import mono_statistics

    x, heard = mix()
    mono = x.astype(np.float64).mean(axis=0)
    assert mono_statistics(heard) == pytest.approx((mono.mean(), mono.std(ddof=1)), rel=1e-6)


def test_a_batch_too_large_is_halved_and_stays_so():
    from stemwright.separate.demucs import halving

    sizes = []

    def forward(x):
        sizes.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x * 2

    patient = halving(forward)
    x = torch.arange(8.0)[:, None]
    assert torch.equal(patient(x), x * 2) and torch.equal(patient(x), x * 2)
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]

    def never(_):
        raise torch.OutOfMemoryError

    with pytest.raises(StemwrightError, match="not enough memory") as caught:
        halving(never)(x)
    assert "--device cpu" in caught.value.hint


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


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingExtra, match="torch") as caught:
        require()
    assert "pip install 'stemwright[split]'" in caught.value.hint


def test_cards_have_an_engine_and_add_up():
    cards = models.cards()
    assert {"htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx_extra"} <= {card.name for card in cards}
    assert {card.engine for card in cards} <= set(engines())
    files = [file for card in cards for member in card.members for file in member.files]
    assert len({file.name for file in files}) == len({file.sha256 for file in files}) == len(files)
    for file in files:  # demucs's own names carry the first digits of the sha256
        assert not file.name.endswith(".th") or file.sha256.startswith(file.name[9:17])
    assert all(card.terms.text and card.terms.source and card.terms.date for card in cards)


def test_cards_agree_with_demucs():
    import yaml
    from demucs import pretrained

    known = pretrained._parse_remote_files(pretrained.REMOTE_ROOT / "files.txt")
    for card in models.cards():
        bag = yaml.safe_load((pretrained.REMOTE_ROOT / f"{card.name}.yaml").read_text())
        assert [member.signature for member in card.members] == bag["models"]
        assert [list(member.weights) for member in card.members if member.weights] == bag.get("weights", [])
        assert card.segment == bag.get("segment", 7.8) * card.sample_rate
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
        "import sys, stemwright.separate as s; s.engines(); sys.exit('torch' in sys.modules or 'demucs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
