"""A song of any shape becomes files of the same shape that add up to it; whatever stops it leaves nothing."""

import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import soundfile

from fake_engine import GAINS, STEMS, fake_card, free, network
from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.audio.wav import WavWriter
from stemwright.errors import DamagedAudio, DiskFull, OutputError, SettingsError, StemwrightError
from stemwright.separate.engine import Engine
from stemwright.separate.plan import Node, Plan, narrow, of_model, with_residual
from stemwright.separate.proof import Lag
from stemwright.separate.split import Manner, split
from support import REPOSITORY

torch = pytest.importorskip("torch")
WHOLE, RATE = of_model("htdemucs"), 44_100
SHARED = {stem: gain + 0.05 * gain**0.5 / sum(g**0.5 for g in GAINS) for stem, gain in zip(STEMS, GAINS, strict=True)}
"""Of the free network's stems, when the 0.05 of the mix that it leaves over are shared."""
TWO = narrow(WHOLE, two_stems="vocals")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and /dev/full")


def song(folder, rate=RATE, channels=2, seconds=1.3, peak=0.7, subtype="PCM_24"):
    t = np.arange(round(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * (110 * (c + 1)) * t + c) * np.exp(-3 * (t % 0.25)) for c in range(channels)]
    x = np.array(tones).T + 0.1 * np.random.default_rng(5).normal(size=(len(t), channels))
    soundfile.write(folder / "song.wav", x / np.abs(x).max() * peak, rate, subtype=subtype)
    return probe(folder / "song.wav")


def begin(source, folder, engine=None, plan=WHOLE, keys=None, writer=WavWriter, **manner):
    paths = {key: folder / "out" / f"{key}.wav" for key in keys or (*plan.stems, "mix")}
    bits, channels = manner.get("bits", 24), 1 if manner.get("stereo") == "mono" else source.format.channels

    def make(_, path):
        return writer(path, source.format.sample_rate, channels, bits, "float" if bits == 32 else "pcm")

    engine = engine or free()
    return split(source, plan, {node.model: engine for node in plan.nodes}, paths, make, Manner(**manner))


def run(*arguments, **options):
    """The result of a split, its files as integers (or floats), and the progress it reported."""
    steps, work = [], begin(*arguments, **options)
    try:
        while True:
            steps.append(next(work))
    except StopIteration as end:
        return end.value, {key: ints(path, options.get("bits", 24)) for key, path in end.value.files}, steps


def ints(path, bits=24):
    """`[frames, channels]`."""
    samples = read_all(probe(path)).T
    return samples if bits == 32 else (samples.astype(float) * (1 << (bits - 1))).astype(np.int64)


def closes(parts, whole=None):
    """Without one step of difference: the mix is `whole`, and the stems add up to it."""
    mix = parts.pop("mix")
    np.testing.assert_array_equal(sum(parts.values()), mix)
    np.testing.assert_array_equal(mix, mix if whole is None else whole)


def near(part, expected, steps):
    return part.shape == expected.shape and np.abs(part - expected).max() <= steps


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("subtype", "peak"), [("PCM_16", 1.0), ("PCM_24", 1.0), ("FLOAT", 0.99)])
def test_stems_sum_to_the_source_at_its_own_rate_and_length(tmp_path, rate, channels, subtype, peak):
    source = song(tmp_path, rate, channels, peak=peak, subtype=subtype)
    result, parts, steps = run(source, tmp_path)
    assert {x.shape for x in parts.values()} == {(source.frames, channels)}
    assert {soundfile.info(path).samplerate for _, path in result.files} == {rate}
    assert result.sums and result.gain_db == 0 and result.frames == source.frames
    assert {s.step: s.done for s in steps} == {s.step: s.total for s in steps}
    assert list(dict.fromkeys(s.step for s in steps)) == ["split", "write", "verify"]
    closes(parts, quantise(read_all(source)).T)


@pytest.mark.parametrize("kind", ["flac", "mp3", "ogg", "m4a"])
def test_every_format_gives_the_exact_length_without_delay(tmp_path, kind):
    wav, path = song(tmp_path, peak=0.99, seconds=3), tmp_path / f"song.{kind}"
    if kind != "m4a":
        soundfile.write(path, read_all(wav).T, RATE)
    elif shutil.which("ffmpeg"):
        subprocess.run(["ffmpeg", "-v", "error", "-i", wav.path, "-b:a", "256k", path], check=True)
    else:
        pytest.skip("needs ffmpeg")
    result, parts, _ = run(probe(path), tmp_path)
    assert result.frames == wav.frames and {len(x) for x in parts.values()} == {wav.frames}
    lag = Lag()
    lag.add(torch.from_numpy(parts["mix"].T.astype(np.float32)), torch.from_numpy(read_all(wav)))
    assert lag.frames() == 0 and np.abs(parts["mix"]).max() < 1 << 23
    closes(parts)


@pytest.mark.parametrize(("bits", "subtype"), [(16, "PCM_16"), (24, "PCM_24"), (32, "FLOAT")])
def test_bits(tmp_path, bits, subtype):
    source = song(tmp_path)
    result, parts, _ = run(source, tmp_path, bits=bits)
    assert {soundfile.info(path).subtype for _, path in result.files} == {subtype} and result.sums is (bits < 32)
    if bits < 32:
        closes(parts, quantise(read_all(source), bits).T)
    else:
        assert near(parts.pop("mix"), ints(source.path, 32), 0) and near(
            sum(parts.values()), ints(source.path, 32), 1e-6
        )


def test_mono_comes_back_as_the_average_and_dual_mono_stays_dual_mono(tmp_path):
    source = song(tmp_path, channels=1)
    drums = run(source, tmp_path, share=False)[1]["drums"]
    assert near(drums, 0.4 * (1 + 0.9) / 2 * ints(source.path), 1)
    soundfile.write(tmp_path / "dual.wav", read_all(source).T.repeat(2, 1), RATE, subtype="PCM_24")
    result, parts, _ = run(probe(tmp_path / "dual.wav"), tmp_path)
    assert result.dual_mono and all((part[:, 0] == part[:, 1]).all() for part in parts.values())
    closes(parts)


@pytest.mark.parametrize("mode", ["mid_sides", "left_right", "mono"])
def test_stereo_modes_hear_otherwise_and_add_up_too(tmp_path, mode):
    source = song(tmp_path)
    plain, parts = (run(source, tmp_path, free(tilt=1.0), stereo=way)[1] for way in ("stereo", mode))
    for key in parts:
        assert near(parts[key], plain[key].mean(axis=1, keepdims=True) if mode == "mono" else plain[key], 2.5)
    closes(parts)
    if mode != "mono":
        tilted = run(source, tmp_path, stereo=mode)[1]
        assert not near(tilted["drums"], run(source, tmp_path)[1]["drums"], 1000)
        closes(tilted, ints(source.path))


def test_a_stretch_is_the_same_stretch_of_the_whole_and_the_source_is_kept(tmp_path):
    source, engine = song(tmp_path, seconds=6), free(card=fake_card(20_000))
    whole = run(source, tmp_path, engine)[1]
    for start, frames in ((100_001, 70_003), (0, 5000), (250_000, None)):
        result, parts, _ = run(source, tmp_path, engine, start=start, frames=frames)
        end = source.frames if frames is None else start + frames
        assert result.frames == end - start
        # four roundings of half a step meet in the loudest stem, in either run
        assert all(near(part, whole[key][start:end], 4) for key, part in parts.items())
        closes(parts, ints(source.path)[start:end])
    with pytest.raises(SettingsError, match="nothing at that place"):
        run(source, tmp_path, start=source.frames)
    with pytest.raises(OutputError, match="overwritten"):
        next(split(source, WHOLE, {"htdemucs": engine}, {"drums": source.path}, WavWriter))


def test_one_common_gain_when_a_stem_would_clip(tmp_path):
    source = song(tmp_path, peak=0.9)
    result, parts, _ = run(source, tmp_path, free((1.5, -0.8, 0.2, 0.05), tilt=1.0))
    assert -4 < result.gain_db < -2
    assert near(parts["mix"], ints(source.path) * 10 ** (result.gain_db / 20), 0.51)
    assert max(np.abs(x).max() for x in parts.values()) >= (1 << 23) - 2
    closes(parts)


def test_a_loud_mix_asks_for_a_gain_only_when_it_is_written(tmp_path):
    source = song(tmp_path, peak=1.8, subtype="FLOAT")
    result, parts, _ = run(source, tmp_path, bits=16)
    assert result.gain_db == pytest.approx(20 * np.log10(1 / 1.8), abs=0.01)
    closes(parts)
    assert run(source, tmp_path, plan=narrow(WHOLE, only=("vocals",)), keys=("vocals",))[0].gain_db == 0


def test_two_stems_are_the_stem_and_exactly_the_rest(tmp_path):
    source = song(tmp_path, 48_000)
    result, parts, _ = run(source, tmp_path, free(tilt=1.0), TWO)
    assert list(parts) == ["vocals", "instrumental", "mix"] and result.residual_dbfs is None
    assert near(parts["vocals"][4800:-4800], 0.05 * ints(source.path)[4800:-4800], 0.005 * (1 << 23))
    closes(parts, ints(source.path))


def test_a_selection_is_written_as_the_model_gives_it(tmp_path):
    source, plan = song(tmp_path), narrow(WHOLE, without=("drums", "bass"))
    result, parts, _ = run(source, tmp_path, free(tilt=1.0), plan)
    assert list(parts) == ["other", "vocals", "mix"] and not result.sums and result.residual_dbfs is None
    assert near(parts["other"], 0.2 * ints(source.path), 1)
    result, parts, _ = run(source, tmp_path, free(tilt=1.0), keys=("vocals", "drums"))
    assert not result.sums and near(parts["drums"], SHARED["drums"] * ints(source.path), 0.001 * (1 << 23))


def test_unshared_stems_are_as_the_network_makes_them_and_the_residual_is_told(tmp_path):
    source = song(tmp_path)
    (raw, parts, _), (shared, _, _) = (run(source, tmp_path, free(tilt=1.0), share=share) for share in (False, True))
    assert all(near(parts[key], gain * ints(source.path), 1) for key, gain in zip(STEMS, GAINS, strict=True))
    rms = np.sqrt((read_all(source).astype(float) ** 2).mean())
    assert raw.residual_dbfs == shared.residual_dbfs == pytest.approx(20 * np.log10(0.05 * rms), abs=0.01)
    assert shared.sums and not raw.sums


@pytest.mark.parametrize(("how", "key", "gain"), [("file", "residual", 0.05), ("other", "other", 0.25)])
def test_a_residual_of_its_own_or_in_other(tmp_path, how, key, gain):
    whole = ints(song(tmp_path).path)
    _, parts, _ = run(probe(tmp_path / "song.wav"), tmp_path, free(tilt=1.0), with_residual(WHOLE, how))
    assert near(parts[key], gain * whole, 3) and near(parts["bass"], 0.3 * whole, 3)
    closes(parts, whole)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("keep", ["all", "rest", "part"])
def test_a_stem_can_be_split_further(tmp_path, rate, keep):
    source = song(tmp_path, rate)
    given = {f"d_{s}": s for s in (STEMS if keep == "all" else ("bass",))}
    second = Node("mdx_extra", given, "drums", "d_rest" if keep == "rest" else "")
    plan = Plan((*WHOLE.nodes, second), ("bass", "other", "vocals", *second.outputs))
    result, parts, steps = run(source, tmp_path, free(tilt=1.0), plan)
    assert result.sums is (keep != "part") and steps[-1].done == source.frames
    drums, bass = SHARED["drums"] * ints(source.path), SHARED["bass"] if keep == "all" else 0.3
    bass = bass * drums
    inside = slice(2000, -2000)  # a resampler rings at the ends
    assert near(parts["d_bass"][inside], bass[inside], 20 if rate == RATE else 0.01 * (1 << 23))
    if keep != "part":
        closes(parts, ints(source.path))


def empty(folder):
    return not (folder / "out").exists() or not list((folder / "out").iterdir())


@pytest.mark.parametrize("step", ["split", "write", "verify"])
@pytest.mark.parametrize("how", ["interrupt", "close"])
def test_stopping_leaves_no_file(tmp_path, step, how):
    work = begin(song(tmp_path, seconds=8), tmp_path)
    next(progress for progress in work if progress.step == step)
    if how == "close":
        work.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            work.throw(KeyboardInterrupt)
    assert empty(tmp_path)


@linux
def test_full_disk_leaves_no_file(tmp_path, monkeypatch):
    source, disk = song(tmp_path), open("/dev/full", "r+b", buffering=0)  # noqa: PTH123, SIM115
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: disk)
    with pytest.raises(DiskFull):
        run(source, tmp_path)
    assert empty(tmp_path) and disk.closed


class Falsifies(WavWriter):
    def write(self, samples):
        super().write(samples + (self.path.stem == "bass"))


class FailsAtLast(WavWriter):
    def __exit__(self, *about):
        if self.path.stem == "bass":
            about = DiskFull, DiskFull("the disk is full"), None
        super().__exit__(*about)
        if about[1]:
            raise about[1]


@pytest.mark.parametrize(("writer", "error"), [(Falsifies, "add up"), (FailsAtLast, "disk is full")])
def test_a_bad_writer_leaves_no_file(tmp_path, writer, error):
    with pytest.raises(OutputError, match=error):
        run(song(tmp_path), tmp_path, writer=writer)
    assert empty(tmp_path)


@pytest.mark.parametrize("plan", [WHOLE, TWO, narrow(WHOLE, only=("vocals", "bass"))], ids=("all", "rest", "only"))
@pytest.mark.parametrize("late", [100, -3])
def test_a_network_that_delays_is_caught(tmp_path, late, plan):
    engine = Engine(network(lambda x, wanted: 0.25 * x.roll(late, -1)[:, None].repeat(1, len(wanted), 1, 1)))
    with pytest.raises(StemwrightError, match=f"come {late} frames late"):
        run(song(tmp_path), tmp_path, engine, plan, plan.stems)
    assert empty(tmp_path)


def test_a_low_tone_with_a_phase_is_no_delay():
    t = torch.arange(65_536) / RATE
    for hz, level in ((45, 0.03), (40, 0.06), (110, 0.02)):
        heard = torch.sin(2 * torch.pi * hz * t)[None]
        lag = Lag()
        lag.add(heard + level * torch.cos(2 * torch.pi * hz * t), heard)
        assert lag.frames() == 0


@pytest.mark.parametrize("bits", [24, 32])
@pytest.mark.parametrize("plan", [WHOLE, TWO, narrow(WHOLE, only=("vocals",))], ids=("all", "rest", "only"))
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_samples_that_are_no_numbers_are_never_written(tmp_path, bits, plan, wrong):
    def forward(x, wanted):
        made = 0.25 * x[:, None].repeat(1, len(wanted), 1, 1)
        made[..., 100] = wrong
        return made

    with pytest.raises(StemwrightError, match="no numbers"):
        run(song(tmp_path), tmp_path, Engine(network(forward)), plan, plan.stems, bits=bits)
    assert empty(tmp_path)


def test_a_stem_a_hair_beyond_full_scale_lowers_nothing(tmp_path):
    source = song(tmp_path, peak=1.0)
    top = float(np.abs(read_all(source)).max())
    result, parts, _ = run(source, tmp_path, free(((1 + 3 * 2**-23) / top, 0, 0, 0), tilt=1.0))
    assert result.gain_db == 0
    closes(parts)


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    soundfile.write(tmp_path / "nan.wav", [[0.1, 0.1], [0.1, np.nan]], RATE, subtype="FLOAT")
    with pytest.raises(DamagedAudio, match="no numbers"):
        run(probe(tmp_path / "nan.wav"), tmp_path)


MEMORY = """
import re, sys
from pathlib import Path
from test_split import *
torch.set_num_threads(1)
block = quantise(np.random.default_rng(1).normal(0, 0.1, (2, 20 * RATE)), 16)
folder, engine = Path(sys.argv[1]), free()
for minutes in (1, 6):
    with WavWriter(folder / "song.wav", RATE, 2, 16) as out:
        for _ in range(3 * minutes):
            out.write(block)
    Path("/proc/self/clear_refs").write_text("5")
    for _ in begin(probe(folder / "song.wav"), folder, engine, TWO):
        pass
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@linux
def test_memory_is_flat(tmp_path, record_property):
    path = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY / 'tests'}:{REPOSITORY / 'tests/separate'}"}
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    short, long = (int(kilobytes) / 1024 for kilobytes in done.stdout.split())
    record_property("peak_rss_mb", str({"1 min": short, "6 min": long}))
    assert long - short < 15
