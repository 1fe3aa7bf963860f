"""Samples come out exactly as stored, however they are cut into blocks, and go back in exactly."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from container_matrix import MATRIX
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_wavs import FLOATS, RATE, SAMPLES, chunk, extensible, fmt, pcm, rf64, riff, saved

from stemwright.audio.probe import probe
from stemwright.audio.stream import BLOCK, blocks, open_audio, quantise, raw_blocks, read_all
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


def wav(bits: int, order: str = "<", code: int = 1, body: bytes = b"") -> bytes:
    magic = b"RIFF" if order == "<" else b"RIFX"
    data = chunk(b"data", body or pcm(bits, order), order=order)
    return riff(fmt(bits, code, order=order), data, magic=magic, order=order)


RAW = {  # kind: (file, samples as they stand there)
    "u8": (wav(8), (SAMPLES >> 16) + 128),
    "i16": (wav(16), SAMPLES >> 8),
    "i16 big": (wav(16, ">"), SAMPLES >> 8),
    "i24": (wav(24), SAMPLES),
    "i24 big": (wav(24, ">"), SAMPLES),
    "i32": (wav(32, body=pcm(24, container=32)), SAMPLES << 8),
    "f32": (wav(32, code=3, body=FLOATS.T.astype("<f4").tobytes()), FLOATS),
    "f64 big": (wav(64, ">", 3, FLOATS.T.astype(">f8").tobytes()), FLOATS),
}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("frames", [1, 77, 480, BLOCK])
def test_raw_samples_stand_where_they_lie(tmp_path: Path, name: str, frames: int) -> None:
    data, expected = RAW[name]
    raw = raw_blocks(probe(saved(tmp_path, data)), frames)
    assert raw and raw.kind == name.split()[0]
    owners, found = set(), []
    for block in raw.blocks:
        assert block.shape[0] == 2 and 0 < block.shape[1] <= frames
        owners.add(block.__array_interface__["data"][0])
        found.append(block >> 8 if raw.kind == "i24" else block.copy())
    assert np.array_equal(np.concatenate(found, axis=1), expected)
    assert len(owners) == 1, "the buffer is not used again"


def test_only_plain_samples_are_raw_and_only_those_there(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", FLOATS.T, RATE)
    assert raw_blocks(probe(tmp_path / "a.flac")) is None
    cut = raw_blocks(probe(saved(tmp_path, MATRIX["truncated"][0])))
    assert cut and sum(block.shape[1] for block in cut.blocks) == 3300


def test_a_file_that_is_written_to_while_it_is_read_is_changing(tmp_path: Path) -> None:
    path = saved(tmp_path, wav(24))
    file = probe(path)
    raw = raw_blocks(file, 100)
    for read in (blocks(file, 100), raw.blocks if raw else iter(())):
        next(read)
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1000))
        with pytest.raises(DamagedAudio) as caught:
            list(read)
        assert caught.value.kind == "changing" and caught.value.hint
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DamagedAudio, match="was changed"):
        read_all(file)


@pytest.mark.parametrize(
    ("channels", "rate", "frames"), [(1, 48_000, 1), (32, 48_000, 500), (1024, 8_000, 70_000), (2, 768_000, 900)]
)
def test_odd_shapes_are_read(tmp_path: Path, channels: int, rate: int, frames: int) -> None:
    data = np.arange(channels * frames, dtype="<i4").astype("<i2")
    code = struct.pack("<HHIIHH", 0xFFFE, channels, rate, rate * channels * 2, channels * 2, 16) + extensible(16, 0)
    file = probe(saved(tmp_path, riff(chunk(b"fmt ", code), chunk(b"data", data.tobytes()))))
    assert (file.format.channels, file.format.sample_rate, file.frames, file.damage) == (channels, rate, frames, ())
    made = quantise(read_all(file), 16)
    assert np.array_equal(made.T.reshape(-1), data)


def test_a_sparse_rf64_of_5_gb_is_streamed(tmp_path: Path) -> None:
    frames = 5 * 10**9 // 6
    head = rf64()[:20] + struct.pack("<QQQI", 72 + frames * 6, frames * 6, frames, 0) + rf64()[48:80]
    path = saved(tmp_path, head)
    os.truncate(path, len(head) + frames * 6)
    file = probe(path)
    assert (file.frames, file.damage, file.format.container) == (frames, (), "rf64")
    raw = raw_blocks(file)
    assert raw
    block = next(raw.blocks)
    assert block.shape == (2, BLOCK) and not (block >> 8).any()  # the low byte is the neighbour's
    with open_audio(file) as reader:
        reader.skip(frames - 10)
        assert reader.read(100).shape == (2, 10)
