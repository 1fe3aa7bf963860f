"""Broken headers give facts or a house error: no traceback, no hang, no memory out of proportion.

STEMWRIGHT_FUZZ=5000 makes a long run, STEMWRIGHT_FUZZ_SEED another one.
"""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.audio.chunks import Bext, build_ixml
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks
from stemwright.audio.wav import WavWriter, is_whole, replace_chunks
from stemwright.errors import DamagedAudio, InputError, StemwrightError

COUNT = int(os.environ.get("STEMWRIGHT_FUZZ", "300"))
SEED = int(os.environ.get("STEMWRIGHT_FUZZ_SEED", "1"))
EDGES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
MOST_BYTES = 64 << 20


def seeds(folder: Path) -> list[bytes]:
    """Small valid files of the containers whose headers we or libsndfile walk."""
    rng = np.random.default_rng(3)
    samples = rng.integers(-(1 << 23), 1 << 23, (2, 300), dtype=np.int32)
    ixml = build_ixml(project="P", track="T", channels=2, sample_rate=48_000, bits=24, tempo=120.0, note="n")
    found = []
    for limit in (0xFFFFFFFF, 10):
        with WavWriter(folder / "seed", 48_000, 2, bext=Bext(), ixml=ixml, channel_mask=3, riff_limit=limit) as out:
            out.write(samples)
        found.append((folder / "seed").read_bytes())
    for container, subtype in (
        ("AIFF", "PCM_24"),
        ("AIFF", "FLOAT"),
        ("FLAC", "PCM_16"),
        ("CAF", "PCM_24"),
        ("W64", "PCM_16"),
    ):
        memory = io.BytesIO()
        soundfile.write(memory, (samples / (1 << 23)).T, 48_000, subtype=subtype, format=container)
        found.append(memory.getvalue())
    return found


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes, most of them in the header."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, max(1, min(len(changed), 1100 if rng.random() < 0.2 else 130))))
        kind = rng.integers(0, 6)
        if kind == 0:
            changed[at : at + 1] = bytes([rng.integers(0, 256)])
        elif kind in (1, 2):
            changed[at : at + 4] = struct.pack("<I" if kind == 1 else ">I", EDGES[rng.integers(0, len(EDGES))])
        elif kind == 3:
            del changed[at : at + int(rng.integers(1, 40))]
        elif kind == 4:
            changed[at:at] = changed[: int(rng.integers(1, 60))]
        else:
            del changed[int(rng.integers(0, len(changed) + 1)) :]
    return bytes(changed)


@pytest.mark.parametrize("part", range(10))
def test_broken_headers_give_facts_or_house_errors(tmp_path: Path, part: int) -> None:
    rng = np.random.default_rng([SEED, part])
    valid = seeds(tmp_path)
    path = tmp_path / "a.wav"
    for number in range(COUNT // 10):
        data = mutated(valid[number % len(valid)], rng)
        path.write_bytes(data)
        tracemalloc.start()
        try:
            file = probe(path)
            assert file.frames >= 0 and file.format.channels > 0 and 0 < file.format.sample_rate <= 1_536_000
            total = 0
            for block in blocks(file, 4096):
                assert block.dtype == np.float32 and block.shape[0] == file.format.channels
                total += block.shape[1]
            assert total == file.frames
            if is_whole(path):
                replace_chunks(path, {b"iXML": b"<BWFXML/>"})
                assert probe(path).frames == file.frames
        except InputError as error:
            assert error.hint
        except StemwrightError as error:
            pytest.fail(f"{type(error).__name__} for a bad input: {data!r}")
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MOST_BYTES, f"{peak} bytes for {data!r}"


def test_a_flac_that_claims_months_ends_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros((4800, 2)), 48_000)
    data = bytearray(path.read_bytes())
    data[21] |= 15
    data[22:26] = b"\xff" * 4
    path.write_bytes(data)
    file = probe(path)
    assert file.frames == (1 << 36) - 1
    with pytest.raises(DamagedAudio, match="stops after"):
        for _ in blocks(file):
            pass
