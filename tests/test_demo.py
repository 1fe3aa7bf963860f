"""The demo song: reproducible, exact, and really at the tempo, in the key and on the melody that it claims."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stemwright.audio.folder import read_stems
from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.demo import BPM, KEY, MELODY, DemoSong, compose, write_demo
from stemwright.measure.song import measure_song
from stemwright.units import db

RATE = 44_100


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> DemoSong:
    return write_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def stems(song: DemoSong) -> dict[str, np.ndarray]:
    return {role: read_all(probe(path)) for role, path in song.stems.items()}


def test_same_bytes_every_time(song: DemoSong, tmp_path: Path) -> None:
    again = write_demo(tmp_path)
    assert again.mix.read_bytes() == song.mix.read_bytes()
    assert all(again.stems[role].read_bytes() == path.read_bytes() for role, path in song.stems.items())


def test_files_are_a_delivery(song: DemoSong) -> None:
    found = read_stems(song.mix.parent)
    assert {stem.role: stem.file.path for stem in found.stems} == song.stems
    assert found.mix and found.mix.file.path == song.mix
    for stem in found.everything:
        assert (stem.file.format.bits, stem.file.format.sample_rate, stem.file.format.channels) == (24, RATE, 2)
        assert stem.file.frames == 16 * RATE


def test_mix_is_the_exact_sum(song: DemoSong, stems: dict[str, np.ndarray]) -> None:
    total = sum(stem.astype(np.float64) for stem in stems.values())
    assert np.array_equal(total, read_all(probe(song.mix)).astype(np.float64))


def test_levels(song: DemoSong, stems: dict[str, np.ndarray]) -> None:
    for samples in (*stems.values(), read_all(probe(song.mix))):
        assert db(float(np.abs(samples).max())) <= -1
        assert db(float(np.sqrt(np.mean(samples**2)))) > -30
        assert db(float(np.abs(samples[:, -RATE // 100 :]).max())) < -60, "the last sound is cut off"
        assert abs(samples.mean()) < 1e-3


def test_tempo_and_key_are_what_is_claimed(song: DemoSong) -> None:
    measuring = measure_song((probe(song.mix),))
    with pytest.raises(StopIteration) as done:
        while True:
            next(measuring)
    measured = done.value.value
    assert measured.bpm.value == pytest.approx(BPM, abs=0.05)
    assert measured.key.value == KEY
    assert measured.downbeat_frame < RATE // 100


def test_voice_sings_the_melody(stems: dict[str, np.ndarray]) -> None:
    for beat, length, note, _ in MELODY:
        if length < 1:
            continue
        middle = int((beat + 0.55 * length) * 60 / BPM * RATE)
        measured = 69 + 12 * np.log2(_pitch(stems["vocals"][0, middle - 4410 : middle + 4410]) / 440)
        assert measured == pytest.approx(note, abs=0.6), f"beat {beat}"


def _pitch(samples: np.ndarray) -> float:
    """Hz of the highest peak of the autocorrelation between 130 and 400 Hz."""
    spectrum = np.fft.rfft(samples * np.hanning(len(samples)), 2 * len(samples))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)
    low, high = RATE // 400, RATE // 130
    return RATE / (low + int(np.argmax(correlation[low:high])))


def test_voice_has_vowels(stems: dict[str, np.ndarray]) -> None:
    """Between the formants of "i" (290 and 1870 Hz) there is a gap where "a" (650 and 1080 Hz) is loudest."""

    def middle_band(beat: float) -> float:
        at = int(beat * 60 / BPM * RATE)
        power = np.abs(np.fft.rfft(stems["vocals"][0, at : at + 8192] * np.hanning(8192))) ** 2
        hertz = np.fft.rfftfreq(8192, 1 / RATE)
        return float(power[(hertz > 600) & (hertz < 1300)].sum() / power.sum())

    assert middle_band(29) > 10 * middle_band(2.7)


def test_any_sample_rate() -> None:
    assert {block.shape for block in compose(48_000).values()} == {(2, 16 * 48_000)}
