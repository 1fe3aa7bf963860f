"""A song of any shape becomes files of the same shape that add up to it; whatever stops it leaves nothing."""

import errno
import sys
import tempfile

import numpy as np
import pytest
import soundfile

from fake_engine import STEMS, FakeModel, fake_card
from stemwright.audio.probe import probe
from stemwright.errors import DamagedAudio, DiskFull, OutputError, SettingsError
from stemwright.model import Progress
from stemwright.separate.split import selection, split


def song(folder, rate=44_100, channels=2, seconds=1.3, peak=0.7, subtype="PCM_24", name="song.wav"):
    random = np.random.default_rng(5)
    t = np.arange(round(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * (110 * (c + 1)) * t + c) * np.exp(-3 * (t % 0.25)) for c in range(channels)]
    x = np.array(tones).T + 0.1 * random.normal(size=(len(t), channels))
    soundfile.write(folder / name, x / np.abs(x).max() * peak, rate, subtype=subtype)
    return probe(folder / name)


def outputs(folder, keys=(*STEMS, "mix")):
    return {key: folder / "out" / f"{key}.wav" for key in keys}


def run(*arguments, **options):
    """The result of a split and the progress it reported."""
    steps, work = [], split(*arguments, **options)
    try:
        while True:
            steps.append(next(work))
    except StopIteration as end:
        return end.value, steps


def ints(path, bits=24):
    x, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return x.astype(np.int64) >> (32 - bits)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_stems_sum_to_the_source_at_its_own_rate_and_length(tmp_path, rate, channels):
    source = song(tmp_path, rate, channels)
    result, steps = run(source, FakeModel(), outputs(tmp_path))
    original = ints(source.path)
    parts = {key: ints(path) for key, path in result.files}
    assert {x.shape for x in parts.values()} == {original.shape}
    assert {soundfile.info(path).samplerate for _, path in result.files} == {rate}
    np.testing.assert_array_equal(parts.pop("mix"), original)
    np.testing.assert_array_equal(sum(parts.values()), original)
    assert result.sums and result.gain_db == 0 and result.frames == source.frames
    assert all(isinstance(step, Progress) for step in steps)
    assert [step.done for step in steps if step.step == "write"][-1] == source.frames


def test_residual_is_reported_as_it_was_before_sharing(tmp_path):
    source = song(tmp_path)
    result, _ = run(source, FakeModel(tilt=1.0), outputs(tmp_path))
    rms = np.sqrt((ints(source.path).astype(float) ** 2).mean()) / (1 << 23)
    assert result.residual_dbfs == pytest.approx(20 * np.log10(0.05 * rms), abs=0.01)


def test_mono_is_heard_in_stereo_and_comes_back_as_the_average(tmp_path):
    source = song(tmp_path, channels=1)
    run(source, FakeModel(), outputs(tmp_path, STEMS), sum_exact=False)
    expected = 0.4 * (1 + 0.9) / 2 * ints(source.path)
    assert np.abs(ints(tmp_path / "out" / "drums.wav") - expected).max() <= 1


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_full_scale_source_is_not_clipped_and_needs_no_gain(tmp_path, rate):
    source = song(tmp_path, rate, peak=1.0)
    result, _ = run(source, FakeModel(), outputs(tmp_path))
    assert result.gain_db == 0
    np.testing.assert_array_equal(sum(ints(path) for key, path in result.files if key != "mix"), ints(source.path))


def test_one_common_gain_when_a_stem_would_clip(tmp_path):
    source = song(tmp_path, peak=0.9)
    result, _ = run(source, FakeModel(gains=(1.5, -0.8, 0.2, 0.05), tilt=1.0), outputs(tmp_path))
    parts = {key: ints(path) for key, path in result.files}
    mix = parts.pop("mix")
    assert -4 < result.gain_db < -2
    np.testing.assert_array_equal(sum(parts.values()), mix)
    assert np.abs(mix - ints(source.path) * 10 ** (result.gain_db / 20)).max() <= 0.51
    assert max(np.abs(x).max() for x in parts.values()) >= (1 << 23) - 2


def test_float_source_beyond_full_scale(tmp_path):
    source = song(tmp_path, peak=1.8, subtype="FLOAT")
    result, _ = run(source, FakeModel(), outputs(tmp_path), bits=16)
    parts = {key: ints(path, 16) for key, path in result.files}
    assert result.gain_db == pytest.approx(20 * np.log10(1 / 1.8), abs=0.01)
    np.testing.assert_array_equal(parts.pop("mix"), sum(parts.values()))
    assert {soundfile.info(path).subtype for _, path in result.files} == {"PCM_16"}


def test_a_loud_mix_that_is_not_written_asks_for_no_gain(tmp_path):
    source = song(tmp_path, peak=1.8, subtype="FLOAT")
    assert run(source, FakeModel(), outputs(tmp_path, ("vocals",)))[0].gain_db == 0


def test_two_stems_are_the_stem_and_exactly_the_rest(tmp_path):
    source = song(tmp_path, 48_000)
    keys = selection(fake_card(), two_stems="vocals")
    result, _ = run(source, FakeModel(), outputs(tmp_path, keys))
    assert [key for key, _ in result.files] == ["vocals", "no_vocals"]
    vocals, rest = (ints(path) for _, path in result.files)
    np.testing.assert_array_equal(vocals + rest, ints(source.path))
    assert np.abs(vocals[4800:-4800, 0] - 0.05 * ints(source.path)[4800:-4800, 0]).max() < 0.05 * (1 << 23) * 0.1


def test_a_selection_is_written_as_the_model_gives_it(tmp_path):
    source = song(tmp_path)
    keys = selection(fake_card(), without=("drums", "bass"))
    result, _ = run(source, FakeModel(tilt=1.0), outputs(tmp_path, keys))
    assert keys == ("other", "vocals") and not result.sums and result.residual_dbfs is None
    assert np.abs(ints(tmp_path / "out" / "other.wav") - 0.2 * ints(source.path)).max() <= 1


def test_selections_that_a_model_lacks_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="no stem 'piano'"):
        selection(fake_card(), only=("piano",))
    with pytest.raises(SettingsError):
        run(song(tmp_path), FakeModel(), outputs(tmp_path, ("drums", "piano")))
    with pytest.raises(SettingsError):
        run(song(tmp_path), FakeModel(), outputs(tmp_path, ("drums", "no_drums", "bass", "no_bass")))
    assert selection(fake_card(), only=("vocals", "drums")) == ("drums", "vocals")


def test_the_source_is_never_overwritten(tmp_path):
    source = song(tmp_path)
    with pytest.raises(OutputError, match="overwritten"):
        run(source, FakeModel(), {"drums": source.path})


@pytest.mark.parametrize("step", ["split", "check", "write", "verify"])
def test_interruption_leaves_no_file(tmp_path, step):
    source = song(tmp_path, seconds=8)
    work = split(source, FakeModel(), outputs(tmp_path))
    for progress in work:
        if progress.step == step:
            break
    with pytest.raises(KeyboardInterrupt):
        work.throw(KeyboardInterrupt)
    assert list((tmp_path / "out").glob("*")) == list((tmp_path / "out").glob(".*")) == []


def test_closing_the_generator_leaves_no_file(tmp_path):
    work = split(song(tmp_path), FakeModel(), outputs(tmp_path))
    next(work)
    work.close()
    assert not list((tmp_path / "out").iterdir())


def test_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(dir, buffering):  # noqa: A002
        return open("/dev/full", "r+b", buffering=0)  # noqa: PTH123

    if not sys.platform.startswith("linux"):
        pytest.skip("needs /dev/full")
    source = song(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(DiskFull) as caught:
        run(source, FakeModel(), outputs(tmp_path))
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert not list((tmp_path / "out").iterdir())


def test_a_writer_that_falsifies_is_caught_by_the_self_check(tmp_path):
    from stemwright.audio.wav import WavWriter

    class Off(WavWriter):
        def write(self, samples):
            super().write(samples + (self.path.stem == "bass"))

    source = song(tmp_path)
    with pytest.raises(OutputError, match="add up"):
        run(source, FakeModel(), outputs(tmp_path), make_writer=lambda _, path: Off(path, 44_100, 2))
    assert not list((tmp_path / "out").iterdir())


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    x = np.zeros((1000, 2), np.float32)
    x[500, 1] = np.nan
    soundfile.write(tmp_path / "nan.wav", x, 44_100, subtype="FLOAT")
    with pytest.raises(DamagedAudio, match="no numbers"):
        run(probe(tmp_path / "nan.wav"), FakeModel(), outputs(tmp_path))
