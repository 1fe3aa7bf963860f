"""The container matrix: 25 well-formed, odd and broken WAV files, on which eight libraries disagree.

Truth: 4800 frames, 3300 in the truncated one. A case is (file, frames or the Unreadable kind, kinds of damage). Of two
`data` chunks RIFF allows the first, of 100 frames; ffmpeg and MediaInfo take the last, libsndfile refuses the file. Of
24 bits in 32 ffprobe makes 6400 floats; the specification puts them into the upper three bytes.
"""

from __future__ import annotations

import struct

import numpy as np
from odd_wavs import chunk, extensible, fmt, riff

FRAMES = 4800
SIGNAL = (np.sin(np.arange(FRAMES) * 0.05) * 4e6).astype("<i4")
_WIDE = np.repeat(SIGNAL[:, None], 2, axis=1)
PCM = _WIDE.view(np.uint8).reshape(FRAMES, 2, 4)[..., :3].tobytes()
_DATA = chunk(b"data", PCM)
_FMT = fmt()
_BEXT = bytes(320) + b"2025-01-0210:11:12" + struct.pack("<QH", 172_800_000, 1) + bytes(254) + b"A=PCM,T=test\r\n"
_OPEN = chunk(b"data", PCM, 0xFFFFFFFF)


def _wide(magic: bytes, size: int) -> bytes:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", size, len(PCM), FRAMES, 0))
    return riff(ds64, _FMT, _OPEN, magic=magic, size=0xFFFFFFFF)


MATRIX: dict[str, tuple[bytes, int | str, tuple[str, ...]]] = {
    "plain": (riff(_FMT, _DATA), FRAMES, ()),
    "bext": (riff(chunk(b"bext", _BEXT), _FMT, _DATA), FRAMES, ()),
    "bext after data": (riff(_FMT, _DATA, chunk(b"bext", _BEXT)), FRAMES, ("bext-late",)),
    "odd JUNK without pad": (riff(chunk(b"JUNK", bytes(27), pad=False), _FMT, _DATA), FRAMES, ("no-pad",)),
    "truncated": (riff(_FMT, _DATA)[:-9000], 3300, ("truncated",)),
    "data size 0xFFFFFFFF": (riff(_FMT, _OPEN, size=0xFFFFFFFF), FRAMES, ("streamed",)),
    "data size 0": (riff(_FMT, chunk(b"data", PCM, 0)), FRAMES, ("zero-size",)),
    "no samples": (riff(_FMT, chunk(b"data", b"")), 0, ()),
    "empty": (b"", "empty", ()),
    "RIFF size": (riff(_FMT, _DATA, size=100), FRAMES, ("riff-size",)),
    "two data": (riff(_FMT, chunk(b"data", PCM[:600]), _DATA), 100, ("second-data",)),
    "extensible": (riff(fmt(code=0xFFFE, extra=extensible(24)), _DATA), FRAMES, ()),
    "24 in 32": (
        riff(fmt(32, 0xFFFE, extra=extensible(24)), chunk(b"data", (_WIDE << 8).tobytes())),
        FRAMES,
        (),
    ),
    "odd tail": (riff(_FMT, chunk(b"data", PCM + b"\1\2")), FRAMES, ("odd-tail",)),
    "RF64": (_wide(b"RF64", 4 + 36 + 24 + 8 + len(PCM)), FRAMES, ()),
    "RF64 with riffSize 0": (_wide(b"RF64", 0), FRAMES, ("riff-size",)),
    "BW64": (_wide(b"BW64", 4 + 36 + 24 + 8 + len(PCM)), FRAMES, ()),
    "BW64 with riffSize 0": (_wide(b"BW64", 0), FRAMES, ("riff-size",)),
    "float with NaN": (
        riff(fmt(32, 3), chunk(b"data", np.full((FRAMES, 2), np.nan, "<f4").tobytes())),
        FRAMES,
        (),
    ),
    "MP3 in WAV": (riff(fmt(16, 0x55), chunk(b"data", b"\xff\xfb" * 2000)), "damaged", ()),
    "text": (b"hello world" * 100, "not-audio", ()),
    "iXML": (riff(chunk(b"iXML", b"<BWFXML><PROJECT>S</PROJECT></BWFXML>"), _FMT, _DATA), FRAMES, ()),
    "garbage behind": (riff(_FMT, _DATA) + b"garbage" * 50, FRAMES, ("trailing",)),
    "fmt after data": (riff(_DATA, _FMT), FRAMES, ("fmt-late",)),
    "byte rate": (
        riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 48_000, 1, 6, 24)), _DATA),
        FRAMES,
        ("byte-rate",),
    ),
}
