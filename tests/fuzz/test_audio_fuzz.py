"""Broken headers give facts or a house error: no traceback, no hang, no memory out of proportion.

The work is done in child processes that may not have more than 1 GB of address space. STEMWRIGHT_FUZZ=20000 makes a
long run, STEMWRIGHT_FUZZ_SEED another one.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.audio.checksum import verify_md5
from stemwright.audio.chunks import Bext, build_ixml
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, raw_blocks
from stemwright.audio.wav import WavWriter, is_whole, replace_chunks
from stemwright.errors import DamagedAudio, InputError

COUNT = int(os.environ.get("STEMWRIGHT_FUZZ", "1500"))
SEED = int(os.environ.get("STEMWRIGHT_FUZZ_SEED", "1"))
PARTS = 5
EDGES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
MOST_BYTES = 64 << 20
"""Of Python and numpy for files of a few kB."""
ADDRESS_SPACE = 1 << 30
CONTAINERS = "AIFF:PCM_24 AIFF:FLOAT AIFF:PCM_16 FLAC:PCM_16 FLAC:PCM_24 CAF:PCM_24 W64:PCM_16 AU:PCM_16 OGG:VORBIS"


def seeds(folder: Path) -> list[bytes]:
    """Small valid files of the containers whose headers we or libsndfile walk; every other one is WAV or RF64."""
    rng = np.random.default_rng(3)
    samples = rng.integers(-(1 << 23), 1 << 23, (2, 300), dtype=np.int32)
    ixml = build_ixml(project="P", track="T", channels=2, sample_rate=48_000, bits=24, tempo=120.0, note="n")
    own, others = [], []
    for limit, mask in ((0xFFFFFFFF, 3), (10, 0)):
        path = folder / "seed"
        with WavWriter(
            path, 48_000, 2, bext=Bext(), channel_mask=mask, riff_limit=limit, chunks=[(b"iXML", ixml)]
        ) as out:
            out.write(samples)
        replace_chunks(path, {b"LIST": b"INFOINAM\4\0\0\0Tune", b"MD5 ": bytes(range(16)), b"odd ": b"odd"})
        own.append(path.read_bytes())
    for container, subtype in (kind.split(":") for kind in CONTAINERS.split()):
        memory = io.BytesIO()
        soundfile.write(memory, (samples / (1 << 23)).T, 48_000, subtype=subtype, format=container)
        others.append(memory.getvalue())
    return [each for index, other in enumerate(others) for each in (own[index % 2], other)]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes, most of them in the header: bits, sizes, cuts, doubled and swapped pieces."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, max(1, min(len(changed), 1100 if rng.random() < 0.2 else 130))))
        kind = rng.integers(0, 9)
        if kind == 0:
            changed[at : at + 1] = bytes([rng.integers(0, 256)])
        elif kind in (1, 2):
            changed[at : at + 4] = struct.pack("<I" if kind == 1 else ">I", EDGES[rng.integers(0, len(EDGES))])
        elif kind == 3:
            del changed[at : at + int(rng.integers(1, 40))]
        elif kind == 4:
            changed[at:at] = changed[: int(rng.integers(1, 60))]
        elif kind == 5:
            del changed[int(rng.integers(0, len(changed) + 1)) :]
        elif kind == 6 and changed:
            changed[at % len(changed)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 7:
            changed[at : at + 8] = struct.pack("<Q", EDGES[rng.integers(0, len(EDGES))] << int(rng.integers(0, 33)))
        else:  # the first chunk of the file, or what looks like it, moves behind the rest
            size = 8 + int.from_bytes(changed[16:20], "little") % 700
            changed[12:] = changed[12 + size :] + changed[12 : 12 + size]
    return bytes(changed)


def attempt(path: Path) -> None:
    """All that reads a header, on one file; raises whatever is not a house error."""
    try:
        file = probe(path)
        assert file.frames >= 0 and file.format.channels > 0 and 0 < file.format.sample_rate <= 1_536_000
        assert all(damage.detail for damage in file.damage) and file.bytes == path.stat().st_size
        total = 0
        for block in blocks(file, 4096):
            assert block.dtype == np.float32 and block.shape[0] == file.format.channels
            total += block.shape[1]
        assert total == file.frames
        raw = raw_blocks(file, 1000)
        assert raw is None or sum(block.shape[1] for block in raw.blocks) == total
        verify_md5(file)
        if is_whole(path):
            replace_chunks(path, {b"iXML": b"<BWFXML/>"})
            assert probe(path).frames == file.frames
    except InputError as error:
        assert error.hint


def main(part: int) -> None:
    """The child: ends in the traceback of the first file that goes wrong, which it quotes."""
    rng = np.random.default_rng([SEED, part])
    with tempfile.TemporaryDirectory() as folder:
        valid = seeds(Path(folder))
        path = Path(folder) / "a.wav"
        for number in range(COUNT // PARTS):
            data = mutated(valid[number % len(valid)], rng)
            path.write_bytes(data)
            tracemalloc.start()
            try:
                attempt(path)
                peak = tracemalloc.get_traced_memory()[1]
                assert peak < MOST_BYTES, f"{peak} bytes"
            except BaseException as error:
                raise AssertionError(data.hex()) from error
            finally:
                tracemalloc.stop()


@pytest.mark.skipif(os.name == "nt", reason="no limit of the address space")
@pytest.mark.parametrize("part", range(PARTS))
def test_broken_headers_give_facts_or_house_errors(part: int) -> None:
    import resource

    limited = lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__, str(part)],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=60 + COUNT / 10,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-9000:]


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


if __name__ == "__main__":
    main(int(sys.argv[1]))
