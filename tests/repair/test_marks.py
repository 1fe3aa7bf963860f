"""Cue points and loops go where the samples go; what an AIFF marks, a WAV marks too."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from repair.defects import RATE, write
from repair.test_render import FRAMES, noise, treatment
from stemwright.audio.cue import moved_cues
from stemwright.repair import marks
from stemwright.repair.render import render


def smpl(*loops: tuple[int, int], rate: int = RATE) -> bytes:
    head = struct.pack("<9I", 1, 2, round(1e9 / rate), 60, 0, 0, 0, len(loops), 3)
    return (
        head + b"".join(struct.pack("<6I", n, 0, start, last, 0, 0) for n, (start, last) in enumerate(loops)) + b"xyz"
    )


def mark(*markers: tuple[int, int, bytes]) -> bytes:
    made = struct.pack(">H", len(markers))
    for key, frame, name in markers:
        made += struct.pack(">HIB", key, frame, len(name)) + name + bytes((len(name) + 1) % 2)
    return made


def inst(sustain: tuple[int, int, int], release: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    return struct.pack(">bbbbbbh6h", 57, -5, 0, 127, 1, 127, -6, *sustain, *release)


def body(path: Path, name: bytes) -> bytes:
    data = path.read_bytes()
    at = data.index(name, 12)
    return data[at + 8 : at + 8 + struct.unpack_from("<I", data, at + 4)[0]]


def with_chunks(path: Path, *chunks: tuple[bytes, bytes]) -> Path:
    data = path.read_bytes()
    for name, text in chunks:
        data += name + struct.pack(">I", len(text)) + text + bytes(len(text) % 2)
    path.write_bytes(data[:4] + struct.pack(">I", len(data) - 8) + data[8:])
    return path


def test_loops_move_with_the_samples(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", noise(quiet=(50, 40)), odd=((b"smpl", smpl((60, 199), (300, 599))),))
    for head in (100, -20):
        render(treatment(source, head=head, frames=FRAMES + head), tmp_path / "out.wav")
        assert body(tmp_path / "out.wav", b"smpl") == smpl((60 + head, 199 + head), (300 + head, 599 + head))
    render(treatment(source, rate=2 * RATE, frames=2 * FRAMES, lossy=True), tmp_path / "out.wav")
    assert body(tmp_path / "out.wav", b"smpl") == smpl((120, 399), (600, 1199), rate=2 * RATE)


def test_markers_and_loops_of_an_aiff_become_those_of_a_wav(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.aiff", noise().T, RATE, subtype="PCM_24")
    markers = mark((1, 100, b"verse"), (7, 400, b""), (3, 600, b"end!"))
    with_chunks(tmp_path / "in.aiff", (b"MARK", markers), (b"INST", inst((1, 1, 7), (2, 7, 3))))
    render(treatment(tmp_path / "in.aiff", head=50, frames=FRAMES + 50), tmp_path / "out.wav")
    out = tmp_path / "out.wav"
    points = [struct.unpack_from("<II4sIII", body(out, b"cue "), 4 + 24 * n) for n in range(3)]
    assert [(p[0], p[1], p[5]) for p in points] == [(1, 150, 150), (7, 450, 450), (3, 650, 650)]
    assert body(out, b"LIST") == (
        b"adtllabl" + struct.pack("<II", 10, 1) + b"verse\0" + b"labl" + struct.pack("<II", 9, 3) + b"end!\0\0"
    )
    assert body(out, b"inst") == struct.pack("<BbbBBBB", 57, -5, -6, 0, 127, 1, 127)
    loops = [struct.unpack_from("<6I", body(out, b"smpl"), 36 + 24 * n)[:4] for n in range(2)]
    assert loops == [(1, 0, 150, 449), (7, 1, 450, 649)], "the frame before the end marker is the last of the loop"
    read, _ = soundfile.read(out, always_2d=True)
    assert np.array_equal(read.T[:, 50:], noise())


@given(st.binary(max_size=200), st.binary(max_size=40), st.integers(-99, 99))
def test_broken_marks_break_nothing(first: bytes, second: bytes, by: int) -> None:
    def move(frame: int) -> int:
        return frame + by

    for name, made in marks.of_aiff(first, second, move, RATE):
        assert name in (b"cue ", b"LIST", b"inst", b"smpl") and made
    assert len(moved_cues(first, move)) == len(marks.moved_loops(first, move, RATE)) == len(first)
    assert moved_cues(first, lambda frame: frame) == first
