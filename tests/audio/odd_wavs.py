"""WAV files byte by byte, as odd as they come; the well-formed ones hold `SAMPLES`."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

RATE = 48_000
SAMPLES = np.random.default_rng(7).integers(-(1 << 23), 1 << 23, (2, 480), dtype=np.int32)
"""24-bit, [channels, frames]."""
FLOATS = (SAMPLES / (1 << 23)).astype(np.float32)


def pcm(bits: int, order: str = "<", container: int = 0) -> bytes:
    """SAMPLES at `bits` a sample (lowest bits dropped), left-justified in `container` bits."""
    container = container or bits
    if container == 8:
        return ((SAMPLES >> 16) + 128).T.astype(np.uint8).tobytes()
    wide = (SAMPLES >> (24 - min(bits, 24))).astype(np.int64).T << (container - min(bits, 24))
    data = wide.astype(f"{order}i8").tobytes()
    keep = slice(0, container // 8) if order == "<" else slice(8 - container // 8, 8)
    return np.frombuffer(data, np.uint8).reshape(-1, 8)[:, keep].tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None, order: str = "<", pad: bool = True) -> bytes:
    size = len(body) if size is None else size
    return struct.pack(f"{order}4sI", name, size) + body + b"\0" * (pad and len(body) % 2)


def fmt(
    bits: int = 24, code: int = 1, channels: int = 2, extra: bytes = b"", order: str = "<", align: int = 0
) -> bytes:
    align = align or channels * bits // 8
    head = struct.pack(f"{order}HHIIHH", code, channels, RATE, RATE * align, align, bits)
    return chunk(b"fmt ", head + extra, order=order)


def extensible(valid: int, mask: int = 3, code: int = 1) -> bytes:
    return struct.pack("<HHIH", 22, valid, mask, code) + bytes.fromhex("000000001000800000aa00389b71")


def riff(*parts: bytes, magic: bytes = b"RIFF", size: int | None = None, order: str = "<") -> bytes:
    body = b"WAVE" + b"".join(parts)
    return struct.pack(f"{order}4sI", magic, len(body) if size is None else size) + body


def rf64(magic: bytes = b"RF64") -> bytes:
    data = pcm(24)
    wide = chunk(b"ds64", struct.pack("<QQQI", 4 + 36 + 24 + 8 + len(data), len(data), 480, 0))
    return riff(wide, fmt(), chunk(b"data", data, 0xFFFFFFFF), magic=magic, size=0xFFFFFFFF)


def saved(folder: Path, data: bytes, name: str = "a.wav") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def tool(*argv: object) -> None:
    """Run a program of the system to make an input; the test is skipped where there is none."""
    if not shutil.which(str(argv[0])):
        pytest.skip(f"{argv[0]} is not installed")
    subprocess.run([str(part) for part in argv], check=True, capture_output=True, timeout=60)
