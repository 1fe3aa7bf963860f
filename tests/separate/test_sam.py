"""The SAM-Audio adapter, on a stand-in for Meta's package.

Signatures and shapes are those of facebookresearch/sam-audio at 68b48d4: sam_audio/processor.py (`__call__`, `Batch`),
model/model.py (`separate`, `align_inputs`) and model/base.py (`_from_pretrained`).
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from stemwright.errors import MissingExtra, SettingsError, WeightsMismatch, WeightsUnavailable
from stemwright.separate import Setup
from stemwright.separate.models import card

torch = pytest.importorskip("torch")
constants = pytest.importorskip("huggingface_hub.constants")
from stemwright.separate.families import sam  # noqa: E402

CARD, seen = card("sam_audio_small"), []
ASKED = Setup(prompt="car honking", spans=((18.0, 22.5), (30.0, 31.0)))


class Processor:
    audio_hop_length, from_pretrained = 1920, classmethod(lambda cls, model_name_or_path: cls())

    def __call__(self, descriptions, audios, anchors=None, masked_videos=None):
        seen.append((descriptions, anchors))
        return SimpleNamespace(to=lambda _: torch.stack([audio.mean(0) for audio in audios])[:, None])


class Model(torch.nn.Module):
    proj, vision_encoder = SimpleNamespace(in_features=768), SimpleNamespace(model="1.2 GB")

    @classmethod
    def _from_pretrained(
        cls, *, model_id, cache_dir, force_download, proxies, resume_download, local_files_only, token, **more
    ):
        assert constants.HF_HUB_OFFLINE and set(more) == {"span_predictor", "text_ranker", "visual_ranker"}
        if (error := (Path(model_id) / "checkpoint.pt").read_text()) != "fine":
            raise OSError(error) if "T5" in error else RuntimeError(error)
        return cls()

    def separate(self, batch, noise=None, ode_opt=None, reranking_candidates=1, predict_spans=False):
        assert noise.shape == (len(batch), batch.shape[-1] // 1920, 256) and not self.vision_encoder.model
        target = batch[:, 0] * 0.25 + noise[:, :1, 0] * 1e-3
        return SimpleNamespace(target=list(target), residual=list(batch[:, 0] - target))


@pytest.fixture
def checkpoint(monkeypatch, tmp_path):  # in the hub's cache, with the package in place
    monkeypatch.setitem(sys.modules, "sam_audio", SimpleNamespace(SAMAudio=Model, SAMAudioProcessor=Processor))
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path / "store"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name, text in (("refs/main", "c0ffee"), ("snapshots/c0ffee/checkpoint.pt", "fine")):
        file = tmp_path / "models--facebook--sam-audio-small" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return file


def test_channels_are_heard_one_by_one_and_repeat_whatever_the_batch(checkpoint):
    network, heard = sam.load(CARD, (), ASKED), torch.randn(3, 2, CARD.segment)
    torch.testing.assert_close((made := network.forward(heard, (0, 1))).sum(1), heard)
    torch.testing.assert_close(made[:, 0], heard * 0.25, atol=0.01, rtol=0)  # each channel at its place
    assert torch.equal(network.forward(heard[1:], (1,)), made[1:, 1:])
    assert torch.equal(network.placed(heard, (1,), (0, 20 * 48_000, 41 * 48_000)), made[:, 1:])
    anchors = [[("+", 18.0, 20.0)], [("+", 0.0, 2.5), ("+", 10.0, 11.0)], [("-", 0.0, 20.0)]]
    assert seen[-1] == (["car honking"] * 6, [one for one in anchors for _ in range(2)]) and seen[0][1] is None


def test_what_is_missing_is_said_in_one_line(checkpoint, monkeypatch):
    def told(error, message, setup=ASKED):
        with pytest.raises(error, match=message) as caught:
            sam.load(CARD, (), setup)
        assert "\n" not in caught.value.message and not constants.HF_HUB_OFFLINE
        return caught.value.hint

    told(SettingsError, "what to listen for", Setup(prompt=" "))
    checkpoint.write_text("cannot load T5\nis there a network?")
    assert "hf download t5-base" in told(WeightsUnavailable, "cannot load T5")
    checkpoint.write_text("Missing keys: ['proj.weight']")
    told(WeightsMismatch, "Missing keys")
    checkpoint.unlink()
    assert "https://huggingface.co/facebook/sam-audio-small" in told(WeightsUnavailable, r"no checkpoint\.pt")
    checkpoint.with_name("sam_audio.py").write_text("raise OSError('libc10_cuda.so: cannot open\\nsecond line')")
    monkeypatch.delitem(sys.modules, "sam_audio")
    monkeypatch.syspath_prepend(str(checkpoint.parent))
    told(MissingExtra, r"here: libc10_cuda\.so: cannot open$")
