"""Whether the samples are still those of which a file states the MD5: `MD5 ` chunk of BWF MetaEdit, STREAMINFO of FLAC.

Both are taken of the samples alone, so tags may change without harm (RFC 9639, 8.2).
"""

from __future__ import annotations

import hashlib

import numpy as np

from stemwright.audio.stream import blocks, quantise
from stemwright.model import AudioFile, Damage
from stemwright.safety import reading

_PIECE = 1 << 20


def verify_md5(file: AudioFile) -> Damage | None:
    """Damage of kind "md5" when the checksum is wrong; None when it is right or the file has none. Reads everything.

    Raises DamagedAudio when the file stops early, NotFoundInput or InputError when it cannot be read.
    """
    with reading(file.path):
        stated, found = _flac(file) if file.format.container == "flac" else _chunk(file)
    if not any(stated) or found in (stated, stated[::-1]):  # BWF MetaEdit reads its chunk as a little-endian number
        return None
    return Damage("md5", f"the file states the MD5 {stated.hex()}, its samples have {found.hex()}")


def _chunk(file: AudioFile) -> tuple[bytes, bytes]:
    """The checksum of the chunk, and that of the samples; empty without one."""
    places = {chunk.name: chunk for chunk in reversed(file.chunks)}
    if "MD5 " not in places or "data" not in places or places["MD5 "].bytes < 16:
        return b"", b""
    digest = hashlib.md5(usedforsecurity=False)
    with file.path.open("rb") as source:
        source.seek(places["MD5 "].offset)
        stated = source.read(16)
        source.seek(places["data"].offset)
        left = places["data"].bytes
        while left and (piece := source.read(min(left, _PIECE))):
            digest.update(piece)
            left -= len(piece)
    return stated, digest.digest()


def _flac(file: AudioFile) -> tuple[bytes, bytes]:
    with file.path.open("rb") as source:
        head = source.read(42)
    if head[:4] != b"fLaC" or not any(head[26:]) or not 0 < file.format.bits <= 24:
        return b"", b""
    digest = hashlib.md5(usedforsecurity=False)
    size = (file.format.bits + 7) // 8
    for block in blocks(file):
        samples = np.ascontiguousarray(quantise(block, file.format.bits).T, "<i4")
        digest.update(samples.view(np.uint8).reshape(-1, 4)[:, :size].tobytes())
    return head[26:], digest.digest()
