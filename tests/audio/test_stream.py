"""Samples come out exactly as stored, however they are cut into blocks, and go back in exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from wavs import FLOATS, RATE, SAMPLES, chunk, fmt, pcm, rf64, riff, saved

from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, open_audio, quantise, read_all
from stemwright.errors import DamagedAudio, NotFoundInput

LOSSLESS = "aiff:PCM_24 aiff:FLOAT flac:PCM_16 flac:PCM_24 caf:PCM_24 caf:ALAC_16 w64:PCM_24 au:PCM_24 rf64:FLOAT"


@pytest.mark.parametrize("kind", LOSSLESS.split())
def test_lossless_containers_are_exact(tmp_path: Path, kind: str) -> None:
    container, subtype = kind.split(":")
    path = tmp_path / f"a.{container}"
    source = FLOATS if not subtype.endswith("16") else ((SAMPLES >> 8) / 32768).astype(np.float32)
    soundfile.write(path, source.T, RATE, format=container.upper(), subtype=subtype)
    file = probe(path)
    float_or_bits = (32, "float") if subtype == "FLOAT" else (int(subtype[-2:]), "pcm")
    assert (file.format.container, file.format.bits, file.format.encoding) == (container, *float_or_bits)
    assert (file.frames, file.format.sample_rate) == (480, RATE)
    assert np.array_equal(read_all(file), source)


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 600), name=st.sampled_from(["a.wav", "a.flac", "b.wav"]))
def test_block_size_does_not_matter(tmp_path_factory: pytest.TempPathFactory, size: int, name: str) -> None:
    path = tmp_path_factory.mktemp("blocks") / name
    if name == "b.wav":
        path.write_bytes(rf64())
    else:
        soundfile.write(path, FLOATS.T, RATE, subtype="PCM_24")
    cut = list(blocks(probe(path), size))
    assert all(block.shape == (2, size) for block in cut[:-1]) and cut[-1].dtype == np.float32
    assert np.array_equal(np.concatenate(cut, axis=1), FLOATS)


def test_after_the_end_comes_nothing(tmp_path: Path) -> None:
    with open_audio(probe(saved(tmp_path, riff(fmt(), chunk(b"data", pcm(24)))))) as reader:
        assert [reader.read(400).shape[1] for _ in range(4)] == [400, 80, 0, 0]


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_that_shrinks_or_changes_meanwhile_is_damaged(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, FLOATS.T, RATE, subtype="PCM_24")
    file = probe(path)
    soundfile.write(path, FLOATS[:, :100].T, RATE, subtype="PCM_24")
    with pytest.raises(DamagedAudio):
        read_all(file)
    soundfile.write(path, FLOATS[0], RATE, subtype="PCM_24")
    with pytest.raises(DamagedAudio, match="was changed"):
        read_all(file)
    path.write_bytes(b"gone")
    with pytest.raises(DamagedAudio):
        read_all(file)
    path.unlink()
    with pytest.raises(NotFoundInput):
        read_all(file)


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_file(tmp_path: Path) -> None:
    file = probe(saved(tmp_path, rf64()))
    with pytest.raises(OSError, match="mine"), open_audio(file):
        raise OSError("mine")


@given(st.lists(st.integers(-(1 << 23), (1 << 23) - 1), min_size=1), st.sampled_from([16, 24]))
def test_every_sample_of_16_and_24_bits_survives_float32(samples: list[int], bits: int) -> None:
    exact = np.array([samples], np.int32) >> (24 - bits)
    assert np.array_equal(quantise((exact / (1 << (bits - 1))).astype(np.float32), bits), exact)


@given(st.floats(width=32), st.sampled_from([16, 24, 32]))
def test_quantise_rounds_half_to_even_and_clamps(value: float, bits: int) -> None:
    top = 1 << (bits - 1)
    expected = 0 if np.isnan(value) else top if value == np.inf else -top if value == -np.inf else round(value * top)
    assert quantise(np.full((1, 1), value, np.float32), bits)[0, 0] == max(-top, min(top - 1, expected))


def test_quantise_at_the_edges() -> None:
    halves = np.array([[0.5, 1.5, 2.5, -0.5, -1.5]], np.float32) / (1 << 23)
    assert quantise(halves).tolist() == [[0, 2, 2, 0, -2]]
    assert quantise(np.array([[1.0, -1.0, 7.0]], np.float32), 16).tolist() == [[32767, -32768, 32767]]
