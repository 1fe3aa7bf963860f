"""Beat This!: our spectrogram and windows against the package's own, with random weights; what is refused."""

import hashlib
import importlib.util
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.errors import MissingExtra, SettingsError, UnknownName, WeightsMismatch, WeightsUnavailable, WrongOption
from stemwright.separate import beats, models, plan, weights

torch = pytest.importorskip("torch")
CARD = models.card("beat_this")
SMALL = replace(CARD, settings={"transformer_dim": 128})
"""As the authors' small0, which is quicker."""
ASKED = {"sample_rate": 22_050, "n_fft": 1024, "hop_length": 441, "f_min": 30, "f_max": 11_000, "n_mels": 128}
ASKED |= {"mel_scale": "slaney", "normalized": "frame_length", "power": 1}


def result(generator):
    try:
        while True:
            next(generator)
    except StopIteration as end:
        return end.value


@pytest.fixture
def inference(monkeypatch):
    """The package's own inference; what it asks of torchaudio is compared with ASKED and answered by us."""
    pytest.importorskip("beat_this.model.beat_tracker")

    def mel(**asked):
        assert asked == ASKED
        return SimpleNamespace(to=lambda _: lambda audio: torch.expm1(beats.spectrogram(audio)).T / 1000)

    stub = SimpleNamespace(transforms=SimpleNamespace(MelSpectrogram=mel))
    monkeypatch.setitem(sys.modules, "torchaudio", stub)
    for name in ("beat_this.preprocessing", "beat_this.inference"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("beat_this.inference")


@pytest.fixture
def checkpoint(monkeypatch, tmp_path):
    """Puts a checkpoint as the package's authors write them into the store, and its pin onto the card."""
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path))

    def put(state):
        package = {
            "state_dict": {f"model.{key}": value for key, value in state.items()},
            "hyper_parameters": SMALL.settings,
        }
        path = tmp_path / CARD.members[0].files[0].name
        torch.save(package, path)
        data = path.read_bytes()
        file = replace(CARD.members[0].files[0], bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        card = replace(SMALL, members=(replace(CARD.members[0], files=(file,)),))
        monkeypatch.setattr(models, "card", lambda _: card)
        monkeypatch.setattr(models, "cards", lambda: (card,))
        return path

    return put


def test_the_spectrogram_is_torchaudios() -> None:
    n = np.arange(22_050) / 22_050
    sweep = 0.3 * np.sin(2 * np.pi * (100 * n + 2000 * n**2)) + 0.05 * np.sin(2 * np.pi * 7000 * n) * (n > 0.5)
    made = beats.spectrogram(torch.from_numpy(sweep.astype(np.float32))).numpy()
    assert made.shape == (51, 128)
    # What MelSpectrogram(**ASKED) of torchaudio 2.11 and log1p(1000 x) give.
    at = [(0, 0), (0, 5), (10, 20), (25, 60), (30, 116), (50, 127), (50, 90)]
    theirs = [6.940485, 5.918464, 0.270293, 1.216825, 0.002732, 2.984522, 8.298771]
    np.testing.assert_allclose([made[place] for place in at], theirs, atol=1e-4)
    assert made.sum() == pytest.approx(4062.318, abs=0.05)


def test_audio_to_curves_is_the_packages_own(inference, checkpoint) -> None:
    torch.manual_seed(1)
    path = checkpoint(beats.build(SMALL).state_dict())
    audio = (0.1 * np.random.default_rng(2).standard_normal(4 * 22_050)).astype(np.float32)
    theirs = torch.stack(inference.Audio2Frames(str(path))(audio, 22_050)).sigmoid().numpy()
    beat, downbeat = result(beats.hearing("beat_this")(audio))
    assert beat.rate == downbeat.rate == 50 and len(beat.values) == len(audio) // 441 + 1
    np.testing.assert_allclose(downbeat.values, theirs[1], atol=1e-5)
    np.testing.assert_allclose(beat.values, np.maximum(theirs[0] - theirs[1], 0), atol=1e-5)


def test_the_network_is_as_large_as_the_file_that_is_pinned(inference) -> None:
    with torch.device("meta"):
        state = beats.build(CARD).state_dict()
    assert 0 < CARD.bytes - sum(value.numel() * value.element_size() for value in state.values()) < 50_000


@settings(deadline=None, max_examples=60)
@given(count=st.one_of(st.integers(1, 200), st.sampled_from([27, 28, 29, 30, 40, 41, 56, 57])))
def test_windows_are_cut_and_joined_as_in_the_package(count: int) -> None:
    packaged = pytest.importorskip("beat_this.model.beat_tracker") and _package_windows()
    spectra = torch.rand(count, 3, generator=torch.Generator().manual_seed(count))

    def network(window):  # every value depends on its place in the window and on all that is in there
        total = window.sum(-1) * torch.arange(1, window.shape[1] + 1) + window.sum()
        return {"beat": total, "downbeat": -2 * total}

    theirs = packaged(spectra, 40, 6, "keep_first", network)
    ours = result(beats.logits(network, spectra, 40))
    torch.testing.assert_close(ours, torch.stack([theirs["beat"], theirs["downbeat"]]))


def _package_windows():
    """`split_predict_aggregate`, whose module wants torchaudio at its top for something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio", SimpleNamespace())
        return importlib.import_module("beat_this.inference").split_predict_aggregate


def test_what_is_missing_or_wrong_is_told(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path))
    assert beats.names() == ("beat_this",) and not weights.status(CARD).ready
    with pytest.raises(UnknownName, match="htdemucs"):
        beats.hearing("htdemucs")
    with pytest.raises(WrongOption, match="makes no stems") as caught:
        plan.of_model("beat_this")
    assert "--beats beat_this" in caught.value.hint
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "beat_this" else found(name))
    with pytest.raises(MissingExtra, match="beat_this") as missing:
        beats.hearing("beat_this")
    assert "stemwright[beats]" in missing.value.hint


def test_weights_that_are_not_there_or_do_not_fit(inference, checkpoint) -> None:
    path = checkpoint({"task_heads.beat_downbeat_lin.bias": torch.zeros(2)})
    with pytest.raises(WeightsMismatch, match="loading state_dict"):
        beats.hearing("beat_this")
    path.unlink()
    with pytest.raises(WeightsUnavailable) as caught:
        beats.hearing("beat_this")
    assert caught.value.hint == "stemwright models pull beat_this"
    path.write_bytes(bytes(models.card("beat_this").bytes))
    with pytest.raises(WeightsMismatch, match="not one that the card"):
        beats.hearing("beat_this")


@pytest.mark.parametrize(
    "change", [{"settings": {"dim": 3}}, {"settings": None}, {"sample_rate": 44_100}, {"segment": 9}], ids=str
)
def test_a_card_of_ones_own_that_builds_nothing(inference, change) -> None:
    with pytest.raises(SettingsError, match="beat_this") as caught:
        beats.build(replace(CARD, **change))
    assert "templates/models/beat_this.toml" in caught.value.hint
