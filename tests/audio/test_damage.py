"""Damage is named with numbers and every sample that is there is read: the matrix, AIFF, Ogg, W64, AU, CAF."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from container_matrix import MATRIX, PCM, SIGNAL
from odd_wavs import FLOATS, RATE, SAMPLES, chunk, fmt, pcm, riff, saved

from stemwright.audio.checksum import verify_md5
from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.errors import DamagedAudio, InputError, StemwrightError
from stemwright.model import AudioFile


def kinds(file: AudioFile) -> tuple[str, ...]:
    assert all(any(letter.isdigit() for letter in damage.detail) for damage in file.damage)
    return tuple(damage.kind for damage in file.damage)


def test_the_matrix_has_25_files() -> None:
    assert len(MATRIX) == 25


@pytest.mark.parametrize("name", MATRIX)
def test_the_container_matrix(tmp_path: Path, name: str) -> None:
    data, frames, damage = MATRIX[name]
    path = saved(tmp_path, data)
    if isinstance(frames, str):
        with pytest.raises(InputError) as caught:
            probe(path)
        assert caught.value.kind == frames
        return
    file = probe(path)
    assert (file.frames, kinds(file), file.bytes) == (frames, damage, len(data))
    samples = read_all(file)
    assert samples.shape == (2, frames)
    if "NaN" not in name:
        assert np.array_equal(samples, np.tile(SIGNAL[:frames] / np.float32(1 << 23), (2, 1)).astype(np.float32))


def test_a_header_says_what_the_container_holds(tmp_path: Path) -> None:
    wide = probe(saved(tmp_path, MATRIX["24 in 32"][0])).format
    assert (wide.bits, wide.container_bits, wide.extensible) == (24, 32, True)
    plain = probe(saved(tmp_path, MATRIX["odd JUNK without pad"][0]))
    assert (plain.format.container_bits, plain.format.extensible) == (0, False)
    assert [(each.name, each.offset, each.bytes) for each in plain.chunks] == [
        ("JUNK", 20, 27),
        ("fmt ", 55, 16),
        ("data", 79, len(PCM)),
    ]


def aiff(
    *parts: bytes, bits: int = 24, frames: int = 480, codec: bytes = b"", rate: bytes = b"\x40\x0e\xbb\x80"
) -> bytes:
    """FORM with a COMM chunk in front."""
    comm = struct.pack(">hIh", 2, frames, bits) + rate.ljust(10, b"\0") + (codec and codec + b"\0\0")
    body = (b"AIFC" if codec else b"AIFF") + b"".join((chunk(b"COMM", comm, order=">"), *parts))
    return struct.pack(">4sI", b"FORM", len(body)) + body


def ssnd(samples: bytes, size: int | None = None, offset: int = 0) -> bytes:
    body = struct.pack(">II", offset, 0) + bytes(offset) + samples
    return chunk(b"SSND", body, None if size is None else size + 8, order=">")


BIG = pcm(24, ">")
AIFF = {  # name: (file, frames, damage, samples' resolution)
    "plain": (aiff(ssnd(BIG)), 480, (), 24),
    "16": (aiff(ssnd(pcm(16, ">")), bits=16), 480, (), 16),
    "8": (aiff(ssnd((SAMPLES >> 16).T.astype(np.int8).tobytes()), bits=8), 480, (), 8),
    "20 in 24": (aiff(ssnd(BIG), bits=20), 480, (), 24),
    "32": (aiff(ssnd(pcm(24, ">", 32)), bits=32), 480, (), 24),
    "little endian": (aiff(ssnd(pcm(16)), bits=16, codec=b"sowt"), 480, (), 16),
    "float": (aiff(ssnd(FLOATS.T.astype(">f4").tobytes()), bits=32, codec=b"fl32"), 480, (), 24),
    "double": (aiff(ssnd(FLOATS.T.astype(">f8").tobytes()), bits=64, codec=b"FL64"), 480, (), 24),
    "offset": (aiff(ssnd(BIG, offset=10)), 480, (), 24),
    "SSND first": (aiff(ssnd(BIG))[:12] + ssnd(BIG) + aiff()[12:], 480, (), 24),
    "cut": (aiff(ssnd(BIG))[:-606], 379, ("truncated",), 24),
    "COMM too large": (aiff(ssnd(BIG), frames=500), 480, ("truncated",), 24),
    "COMM too small": (aiff(ssnd(BIG), frames=470), 470, ("odd-tail",), 24),
    "streamed by sox": (aiff(ssnd(BIG, 0x7F000000), frames=0x7F000000 // 6), 480, ("streamed",), 24),
    "never completed": (aiff(ssnd(BIG, 0), frames=0), 480, ("zero-size",), 24),
    "no samples": (aiff(frames=0), 0, (), 24),
    "garbage": (aiff(ssnd(BIG)) + b"\0garbage", 480, ("trailing",), 24),
}


@pytest.mark.parametrize("name", AIFF)
def test_aiff(tmp_path: Path, name: str) -> None:
    data, frames, damage, bits = AIFF[name]
    file = probe(saved(tmp_path, data, "a.aif"))
    assert (file.frames, kinds(file)) == (frames, damage)
    assert (file.format.container, file.format.sample_rate, file.format.channels) == ("aiff", RATE, 2)
    expected = (SAMPLES >> (24 - bits)) / np.float32(1 << (bits - 1))
    assert np.array_equal(read_all(file), expected[:, :frames].astype(np.float32))


@pytest.mark.parametrize("data", [aiff(), aiff(ssnd(BIG), rate=b"\xff" * 10), b"FORM\0\0\0\4AIFF"])
def test_aiff_of_which_nothing_can_be_read(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedAudio, match=r"a\.wav"):
        probe(saved(tmp_path, data))


@pytest.mark.parametrize("kind", ["w64", "au", "caf"])
def test_containers_with_which_libsndfile_is_silently_content(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, FLOATS.T, RATE, subtype="PCM_24")
    assert probe(path).damage == ()
    os.truncate(path, path.stat().st_size - 600)
    file = probe(path)
    assert kinds(file) == ("truncated",) and file.frames + file.damage[0].lost_frames == 480
    assert np.array_equal(read_all(file), FLOATS[:, : file.frames]) and file.frames >= 370


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_stream_without_its_end(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.1, 480_000), RATE, format="OGG", subtype=subtype)
    whole = path.read_bytes()
    assert probe(path).damage == ()
    for cut in (len(whole) // 2, whole.rindex(b"OggS")):
        path.write_bytes(whole[:cut])
        assert kinds(probe(path)) == ("truncated",)


def test_checksums_of_the_samples(tmp_path: Path) -> None:
    import hashlib

    right = hashlib.md5(pcm(24)).digest()
    for stated, good in ((right, True), (right[::-1], True), (bytes(16), True), (b"0123456789abcdef", False)):
        path = saved(tmp_path, riff(fmt(), chunk(b"data", pcm(24)), chunk(b"MD5 ", stated)))
        damage = verify_md5(probe(path))
        assert damage is None if good else damage and damage.kind == "md5" and right.hex() in damage.detail
    assert verify_md5(probe(saved(tmp_path, riff(fmt(), chunk(b"data", pcm(24)))))) is None
    for subtype in ("PCM_16", "PCM_24"):
        path = tmp_path / "a.flac"
        soundfile.write(path, FLOATS.T, RATE, subtype=subtype)
        assert verify_md5(probe(path)) is None
        data = bytearray(path.read_bytes())
        data[30] ^= 1
        damage = verify_md5(probe(saved(tmp_path, bytes(data), "a.flac")))
        assert damage and damage.kind == "md5"


REAL = {  # name: frames; where readers disagree, why these are right
    "24bit_missing_padding.wav": 1,  # one odd frame at the end of the file: only its pad byte is missing
    "test-8000Hz-le-3ch-5S-24bit-inconsistent.wav": 5,  # 4 bytes a frame cannot be: byte rate and width agree on 9
    "test-44100Hz-le-1ch-4bytes-early-eof.wav": 236,  # ffprobe repeats the header's 4410; 944 bytes are there
    "control.caf": 176_400,  # ffprobe counts whole ALAC packets; the packet table says how much of the last is sound
    "4bit-imaadpcm-8kHz-noBext-mono.wav": 53_025,  # 105 blocks of 505; ffprobe believes the fact chunk's 53499
    "pcmwaveformat-24bit-4byte-48kHz-stereo.wav": 2,  # its samples stand in the lower bytes, against WAVEFORMATEX
    "nonstandard-01.wav": 1,
    "rect_24bit_nods64.wav": 22_050,  # RF64 without ds64, whose data size is right all the same; ffprobe gives up
    "RIFX-16bit-mono.wav": 48_000,
    "umid.wav": 44_100,
    "A101_1_1.WAV": 240_239,
}


def test_real_files_have_the_frames_that_are_there(shared: Path) -> None:
    """Every file of the exports and of the malformed ones: no traceback, and libsndfile's frames where it reads it."""
    seen, agreed = set(), 0
    for path in sorted(p for name in ("exports", "malformed") for p in (shared / "material" / name).rglob("*")):
        if not path.is_file():
            continue
        try:
            file = probe(path)
        except StemwrightError as error:
            assert isinstance(error, InputError) and error.hint
            continue
        kinds(file)
        assert file.bytes == path.stat().st_size and file.frames == REAL.get(path.name, file.frames)
        seen.add(path.name)
        try:
            assert soundfile.info(path).frames == file.frames, path
            agreed += 1
        except soundfile.LibsndfileError:
            continue
    assert seen >= REAL.keys() and agreed >= 75
