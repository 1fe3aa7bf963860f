"""A whole set measured: levels in place, damage told, and nothing left running."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured import close

from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.measure import across as room
from stemwright.measure import levels, sets
from stemwright.model import Progress, Song, Stem, StemSet
from stemwright.units import db


def write(path: Path, samples: np.ndarray) -> Stem:
    with WavWriter(path, 48_000, len(samples), 32, "float") as out:
        out.write(samples.astype(np.float32))
    return Stem(probe(path), "other", path.stem)


def run(stems: StemSet) -> tuple[list[Progress], StemSet]:
    measuring, seen = sets.measure_set(stems), []
    while True:
        try:
            seen.append(next(measuring))
        except StopIteration as end:
            return seen, end.value


def test_measure_set_fills_all_levels_in_place(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 600_000))
    stems = tuple(write(tmp_path / f"{gain}.wav", noise * gain) for gain in (0.1, 0.5, 1.0))
    mix = write(tmp_path / "mix.wav", noise * 0.7)
    seen, done = run(StemSet(Song("Song", 48_000), stems, mix))
    done_bytes = [step.done for step in seen if step.step == "measure"]
    assert len(done_bytes) == 4
    assert done_bytes[-1] == sum(stem.file.bytes for stem in (*stems, mix))
    assert [stem.name for stem in done.stems] == ["0.1", "0.5", "1.0"]
    for stem in done.everything:
        close(stem.levels, levels.measure(stem.file, fast=False))
        assert stem.levels is not None
    assert done.mix is not None
    assert replace(done.mix, levels=None) == mix


@pytest.mark.parametrize(("seconds", "many_reads"), [(0.01, 10_000), (3, 10_000), (20, 10_000), (20, 0)])
def test_the_peak_of_the_sum_is_that_of_the_samples(
    tmp_path: Path, seconds: float, many_reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files of other lengths and channels, in columns of one cell and of more; of a sum that is never read whole."""
    monkeypatch.setattr("stemwright.measure.tallies._FINE", 12)
    monkeypatch.setattr(room, "MANY_READS", many_reads)
    rng, frames = np.random.default_rng(4), round(seconds * 48_000)
    sounds = {"a": rng.normal(0, 0.4, (2, frames)), "b": rng.normal(0, 0.4, (1, frames // 2))}
    sounds["c"] = 0.7 * np.sin(np.arange(frames - 7) / 500) * np.array([[1.0], [-0.5]])
    total = np.zeros((2, frames), np.float32)
    for sound in sounds.values():
        total[:, : sound.shape[1]] += sound.astype(np.float32)
    click = write(tmp_path / "click.wav", rng.normal(0, 0.3, (1, frames)))
    stems = (*(write(tmp_path / f"{n}.wav", sound) for n, sound in sounds.items()), replace(click, role="click"))
    read: list[int] = []
    side_by_side = room.side_by_side
    monkeypatch.setattr(
        room, "side_by_side", lambda tracks, spans: (read.extend(n for _, n in spans), side_by_side(tracks, spans))[1]
    )
    for some in (stems, stems[:3]):
        read.clear()
        _, done = run(StemSet(Song("Song", 48_000), some))
        assert done.across
        assert done.across.sum_peak_dbfs == pytest.approx(db(float(np.abs(total).max())), abs=1e-6)
    if seconds == 20:
        assert sum(read) < frames / 2


@pytest.mark.parametrize("which", ["stem", "mix"])
def test_a_file_that_stops_in_the_middle_moves_to_unreadable(tmp_path: Path, which: str) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (1, 10_000))
    good, bad = write(tmp_path / "good.wav", noise), write(tmp_path / "bad.wav", noise)
    data = bad.file.path.read_bytes()
    bad.file.path.write_bytes(data[: len(data) // 2])
    stems = (
        StemSet(Song("Song", 48_000), (good, bad)) if which == "stem" else StemSet(Song("Song", 48_000), (good,), bad)
    )
    _, done = run(stems)
    assert [stem.name for stem in done.everything] == ["good"]
    (lost,) = done.unreadable
    assert lost.path == bad.file.path
    assert lost.kind in ("damaged", "changing")
    assert str(tmp_path) not in lost.reason


def test_a_set_can_be_left_half_measured(tmp_path: Path) -> None:
    stems = tuple(write(tmp_path / f"{index}.wav", np.zeros((1, 1000))) for index in range(5))
    measuring = sets.measure_set(StemSet(Song("Song", 48_000), stems))
    threads = threading.active_count()
    next(measuring)
    measuring.close()
    assert threading.active_count() == threads
