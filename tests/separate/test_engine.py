"""One resident network for many songs: the same numbers whatever else is heard; what stops one stops no other."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from fake_engine import STEMS, fake_card, free, heard, network, tiny
from stemwright.errors import StemwrightError
from stemwright.separate import Mix, Setup
from stemwright.separate import engine as module
from stemwright.separate.engine import Engine
from support import REPOSITORY

torch = pytest.importorskip("torch")
RATE = 44_100


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def noise(seconds, seed=1):
    return np.random.default_rng(seed).normal(0, 0.2, (2, round(seconds * RATE))).astype(np.float32)


def opened(engine, song, stems=STEMS, **how):
    return engine.separate(Mix(lambda: iter([song]), song.shape[1]), stems, (0.0, 1.0), **how)


def short(forward, batch=None, segment=1000, **more):
    return Engine(network(forward, fake_card(segment), **more), batch=batch)


def same(x, wanted, gain=1.0):
    return gain * x[:, None].repeat(1, len(wanted), 1, 1)


def like(made, song):
    return np.abs(np.asarray(made) - song).max() < 1e-6


def test_a_songs_samples_do_not_depend_on_what_else_is_in_the_batch():
    pytest.importorskip("demucs.apply")
    songs = [noise(5, 1), noise(6.3, 2), noise(1, 3)]
    alone = [heard(tiny(batch=3)[0], song) for song in songs]
    engine, _ = tiny(batch=3)
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda song: heard(engine, song), songs))
    asked = [opened(engine, song) for song in songs]
    begun = [next(song) for song in asked]  # what the first leaves waiting shares a batch with the second
    mixed = [torch.cat([first, *song], -1) for first, song in zip(begun, asked, strict=True)]
    assert all(map(torch.equal, alone, together)) and all(map(torch.equal, alone, mixed))


@pytest.mark.parametrize("other", ["stems", "length"])
def test_a_song_never_waits_for_one_that_sleeps(other):
    """Segments that cannot share a batch with those before them are heard all the same."""
    engine = short(same, batch=3, fixed=False)
    sleeping = opened(engine, noise(0.07), overlap=0)  # 4 segments: a batch, and one that waits
    next(sleeping)
    song, stems = (noise(0.02), STEMS[:1]) if other == "stems" else (noise(0.01), STEMS)
    made = []
    thread = Thread(target=lambda: made.append(heard(engine, song, stems)), daemon=True)
    thread.start()
    thread.join(20)
    assert made and like(made[0][0], song)


def test_a_song_that_is_stopped_leaves_the_engine_usable():
    engine, song = free(tilt=1.0), noise(9)
    left = [opened(engine, noise(20)) for _ in range(3)]
    for one in left:
        next(one)
    left[0].close()
    with pytest.raises(KeyboardInterrupt):
        left[1].throw(KeyboardInterrupt)
    left.clear()  # the third is simply forgotten
    assert like(heard(engine, song, ("drums",))[0], np.float32(0.4) * song)


def test_what_goes_wrong_reaches_every_song_and_the_next_ones_are_heard():
    gains = []
    engine = short(lambda x, wanted: same(x, wanted, gains[0]), batch=8)
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(heard, engine, noise(0.05, seed)) for seed in range(3)]
        assert [type(one.exception()) for one in asked] == [IndexError] * 3
    gains.append(1.0)
    assert like(heard(engine, noise(0.05))[0], noise(0.05))


def test_only_doubtful_segments_are_heard_again(monkeypatch):
    asked = []

    def exact(x, wanted):
        asked.append(len(x))
        return same(x, wanted, 2.0)

    monkeypatch.setattr(module, "doubtful", lambda x, made: x.abs().amax((1, 2)) > 10)
    song = noise(6000 / RATE)
    song[:, 4500] = 20
    made = heard(short(same, batch=2, exact=exact), song, ("drums",), overlap=0)[0]
    assert like(made, song * np.repeat([1, 1, 1, 1, 2, 1], 1000))
    assert asked == [2]


def scarce(limit, sizes):
    def forward(x, wanted):
        sizes.append(len(x))
        if len(x) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return same(x, wanted)

    return forward


def test_a_batch_too_large_is_halved_and_stays_so_until_one_is_too_much():
    sizes = []
    engine = short(scarce(1, sizes), batch=4)
    for _ in range(2):
        assert like(heard(engine, noise(0.1), overlap=0)[0], noise(0.1))
    assert sizes == [4, 2, 1, 1, 1, 1, 1] + [1] * 5
    assert engine.remarks == [f"memory was short: batches of {n} from then on" for n in (2, 1)]
    with pytest.raises(StemwrightError, match="not enough memory for fake") as caught:
        heard(short(scarce(0, []), batch=2), noise(0.1))
    assert "smaller model" in caught.value.hint


def test_when_one_segment_is_too_much_the_cpu_takes_over(monkeypatch):
    """The meta device stands in for a GPU; stems are kept on the CPU, as it holds no samples."""
    sizes, setups = [], []

    def load(card, paths, setup):
        setups.append((paths, setup))
        return network(same, card)

    monkeypatch.setattr(module, "family", lambda _: SimpleNamespace(load=load))
    tried = module.Network(fake_card(1000), Setup("meta", "fast", "the choir"), (), (), scarce(0, sizes))
    engine = Engine(tried, (Path("w.th"),), batch=2)
    engine.device = "cpu"
    assert like(heard(engine, noise(0.1), overlap=0)[0], noise(0.1))
    assert sizes == [2, 1] and setups == [((Path("w.th"),), Setup("cpu", "exact", "the choir"))]
    assert "the CPU took over" in engine.remarks[-1]


LIMITED = """
import re, resource, sys
import torch
from fake_engine import heard, tiny
torch.set_num_threads(1)
x = torch.randn(2, 12 * 44100, generator=torch.Generator().manual_seed(1))
expected = heard(tiny(batch=1)[0], x)
engine, _ = tiny(batch=8)
used = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 2**20, -1))
made = heard(engine, x)
snr = 10 * torch.log10(expected.square().sum() / (made - expected).square().sum())
print(engine.batch, float(snr), engine.remarks)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on memory that is kept")
def test_with_a_real_limit_on_memory_the_song_is_still_finished():
    pytest.importorskip("demucs.apply")
    path = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY / 'tests'}", "PATH": "", "MKL_NUM_THREADS": "1"}
    # How much a batch of eight takes differs by processor: the limit is lowered until it bites.
    for limit_mib in (600, 480, 390, 310, 250, 200):
        command = [sys.executable, "-c", LIMITED, str(limit_mib)]
        done = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
        if done.returncode == -signal.SIGSEGV:
            continue  # it bit inside torch, where nobody looks whether there was memory
        assert done.returncode == 0, done.stderr
        batch, snr, remarks = done.stdout.split(maxsplit=2)
        assert float(snr) >= 120
        if "memory was short" in remarks:
            break
    assert 1 <= int(batch) < 8 and "memory was short" in remarks


def test_shifts_are_fixed_and_averaged():
    def ramp(x, wanted):
        return same(x * torch.linspace(0.5, 1.5, x.shape[-1]), wanted)

    song, engine = noise(0.2), short(ramp)
    plain, three = heard(engine, song), heard(engine, song, shifts=3)
    assert torch.equal(three, heard(short(ramp, batch=3), song, shifts=3))
    assert torch.equal(plain, heard(engine, song, shifts=1)) and not like(three, plain.numpy())
    delays = (0, 250, 500)  # thirds of the stride of 750 frames
    runs = [heard(engine, np.pad(song, ((0, 0), (late, 0))))[..., late:] for late in delays]
    assert three.shape == plain.shape and like(three, (sum(runs) / 3).numpy())


@pytest.mark.parametrize("frames", [1, 999, 1001, 10_000])
def test_shifts_change_nothing_for_a_network_that_does_not_mind(frames):
    song = noise(frames / RATE)
    assert like(heard(short(same, fixed=False, batch=2), song, STEMS[:1], shifts=3)[0], song)


def test_a_model_is_loaded_once(monkeypatch):
    loads = []
    family = SimpleNamespace(load=lambda card, *_: loads.append(card.name) or network(same, card))
    monkeypatch.setattr(module, "family", lambda _: family)
    module.resident.cache_clear()
    assert module.resident("htdemucs", (), Setup()) is module.resident("htdemucs", (), Setup())
    module.resident.cache_clear()
    assert loads == ["htdemucs"]
