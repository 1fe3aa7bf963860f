"""What `probe` says of whole, odd and broken files, and that the samples are those that were stored."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from odd_wavs import FLOATS, RATE, SAMPLES, chunk, extensible, fmt, pcm, rf64, riff, saved

from stemwright.audio.probe import majority_rate, probe, require_whole
from stemwright.audio.stream import read_all
from stemwright.errors import DamagedAudio, InputError, NotAudio, NotFoundInput, StemwrightError, UnreadableAudio

DATA = chunk(b"data", pcm(24))
F32 = FLOATS.T.astype("<f4").tobytes()
BEXT = bytes(338) + struct.pack("<QH", (3 << 32) + 5, 1) + bytes(254)

# name: (file, expected samples, bits, encoding)
WHOLE = {
    "8": (riff(fmt(8), chunk(b"data", pcm(8))), (SAMPLES >> 16) / 128, 8, "pcm"),
    "16": (riff(fmt(16), chunk(b"data", pcm(16))), (SAMPLES >> 8) / 32768, 16, "pcm"),
    "24": (riff(fmt(), DATA), FLOATS, 24, "pcm"),
    "32": (riff(fmt(32), chunk(b"data", pcm(24, container=32))), FLOATS, 32, "pcm"),
    "f32": (riff(fmt(32, 3), chunk(b"data", F32)), FLOATS, 32, "float"),
    "f64": (riff(fmt(64, 3), chunk(b"data", FLOATS.T.astype("<f8").tobytes())), FLOATS, 64, "float"),
    "big16": (
        riff(fmt(16, order=">"), chunk(b"data", pcm(16, ">"), order=">"), magic=b"RIFX", order=">"),
        (SAMPLES >> 8) / 32768,
        16,
        "pcm",
    ),
    "big24": (
        riff(fmt(order=">"), chunk(b"data", pcm(24, ">"), order=">"), magic=b"RIFX", order=">"),
        FLOATS,
        24,
        "pcm",
    ),
    "extensible": (riff(fmt(code=0xFFFE, extra=extensible(24)), DATA), FLOATS, 24, "pcm"),
    "extensible float": (riff(fmt(32, 0xFFFE, extra=extensible(32, code=3)), chunk(b"data", F32)), FLOATS, 32, "float"),
    "24 in 32": (
        riff(fmt(32, 0xFFFE, extra=extensible(24)), chunk(b"data", pcm(24, container=32))),
        FLOATS,
        24,
        "pcm",
    ),
    "rf64": (rf64(), FLOATS, 24, "pcm"),
    "bw64": (rf64(b"BW64"), FLOATS, 24, "pcm"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_layout_is_read_exactly(tmp_path: Path, name: str) -> None:
    data, expected, bits, encoding = WHOLE[name]
    file = probe(saved(tmp_path, data))
    assert (file.format.sample_rate, file.format.channels, file.frames) == (RATE, 2, 480)
    assert (file.format.bits, file.format.encoding, file.damage) == (bits, encoding, ())
    assert file.format.container == (name if name in ("rf64", "bw64") else "wav")
    assert np.array_equal(read_all(file), expected.astype(np.float32))


ODD = {  # name: (file, frames, damage kind, lost frames)
    "truncated": (riff(fmt(), DATA)[:-600], 380, "truncated", 100),
    "streamed": (riff(fmt(), chunk(b"data", pcm(24), 0xFFFFFFFF), size=0xFFFFFFFF), 480, "streamed", 0),
    "streamed by sox": (riff(fmt(), chunk(b"data", pcm(24), 0x7FFFF000 // 6 * 6)), 480, "streamed", 0),
    "size never written": (riff(fmt(), chunk(b"data", pcm(24), 0)), 480, "zero-size", 0),
    "odd tail": (riff(fmt(), chunk(b"data", pcm(24) + b"\1\2")), 480, "odd-tail", 0),
    "two data chunks": (riff(fmt(), chunk(b"data", pcm(24)[:60]), DATA), 10, "second-data", 0),
    "fmt after data": (riff(DATA, fmt()), 480, "fmt-late", 0),
    "bext after data": (riff(fmt(), DATA, chunk(b"bext", BEXT)), 480, "bext-late", 0),
    "two fmt chunks": (riff(fmt(), fmt(), DATA), 480, "second-fmt", 0),
    "odd junk without pad": (riff(chunk(b"JUNK", bytes(27), pad=False), fmt(), DATA), 480, "no-pad", 0),
    "unknown odd chunk without pad": (
        riff(fmt(), DATA, chunk(b"abcd", b"xyz", pad=False), DATA[:0] + chunk(b"wxyz", b"")),
        480,
        "no-pad",
        0,
    ),
    "trailing garbage": (riff(fmt(), DATA) + b"garbage" * 9, 480, "trailing", 0),
    "trailing bytes": (riff(fmt(), DATA) + bytes(5), 480, "trailing", 0),
    "a chunk is cut off": (riff(fmt(), DATA, chunk(b"LIST", bytes(90), 400)), 480, "chunk-short", 0),
    "wrong riff size": (riff(fmt(), DATA, size=100), 480, "riff-size", 0),
    "no byte rate": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, 1, 6, 24)), DATA), 480, "byte-rate", 0),
    "no block alignment": (
        riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, 1, 0, 24)), DATA),
        480,
        "byte-rate",
        0,
    ),
    "alignment of one channel": (
        riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, RATE * 6, 3, 24)), DATA),
        480,
        "byte-rate",
        0,
    ),
    "header of a lost recording": (riff(fmt(), chunk(b"data", b"", 2880)), 0, "truncated", 480),
}


@pytest.mark.parametrize("name", ODD)
def test_damage_is_named_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    data, frames, kind, lost = ODD[name]
    file = probe(saved(tmp_path, data))
    assert (file.frames, [(d.kind, d.lost_frames) for d in file.damage]) == (frames, [(kind, lost)])
    assert np.array_equal(read_all(file), FLOATS[:, :frames])
    assert any(letter.isdigit() for letter in file.damage[0].detail)
    if kind == "truncated":
        with pytest.raises(DamagedAudio):
            require_whole(file)
    else:
        require_whole(file)


@pytest.mark.parametrize("after", [b"", chunk(b"LIST", b"INFOIART\x04\0\0\0Nina"), chunk(b"bext", BEXT)])
def test_no_samples_is_no_damage(tmp_path: Path, after: bytes) -> None:
    file = probe(saved(tmp_path, riff(fmt(), chunk(b"data", b""), after)))
    assert (file.frames, file.damage, read_all(file).shape) == (0, (), (2, 0))


def test_chunks_become_facts(tmp_path: Path) -> None:
    info = b"INFO" + chunk(b"INAM", b"Tune\0") + chunk(b"IART", "Nína\0".encode())
    ixml = b"<BWFXML><ATTR><NAME>MusicalTempo</NAME><VALUE>93.5</VALUE></ATTR></BWFXML>"
    parts = (fmt(code=0xFFFE, extra=extensible(24, mask=0x33)), DATA, chunk(b"bext", BEXT), chunk(b"LIST", info))
    file = probe(saved(tmp_path, riff(*parts, chunk(b"iXML", ixml))))
    assert (file.start_frame, file.format.channel_mask) == ((3 << 32) + 5, 0x33)
    assert file.tags == (("artist", "Nína"), ("bpm", "93.5"), ("title", "Tune"))
    assert (file.tag("bpm"), file.tag("key")) == ("93.5", "")


BROKEN = {
    "empty": (b"", NotAudio),
    "text": (b"hello world " * 99, NotAudio),
    "ffconcat": (b"ffconcat version 1.0\nfile neighbour.wav\n", NotAudio),
    "zeros": (bytes(4096), NotAudio),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), NotAudio),
    "no fmt": (riff(DATA), DamagedAudio),
    "no data": (riff(fmt()), DamagedAudio),
    "half a fmt": (riff(chunk(b"fmt ", b"\1\0\2\0")), DamagedAudio),
    "no channels": (riff(fmt(channels=0, align=6), DATA), DamagedAudio),
    "align contradicts": (riff(fmt(32, 3, align=5), DATA), DamagedAudio),
    "4 GHz": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 4_000_000_000, 0, 6, 24)), DATA), DamagedAudio),
    "head only": (b"RIFF\0\0\0\0WAVE", DamagedAudio),
    "mp3 in wav": (riff(fmt(16, 0x55), chunk(b"data", b"\xff\xfb" * 2000)), DamagedAudio),
    "half a flac": (b"fLaC\0\0\0\x22" + bytes(9), DamagedAudio),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_audio_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    data, kind = BROKEN[name]
    soundfile.write(tmp_path / "neighbour.wav", FLOATS.T, RATE)
    with pytest.raises(kind) as caught:
        probe(saved(tmp_path, data))
    assert "a.wav" in caught.value.message and caught.value.hint and type(caught.value) is kind


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "gone.wav")
    for name, kind in (
        (".", InputError),
        ("pipe.wav", InputError),
        ("dangling.wav", NotFoundInput),
        ("x", NotFoundInput),
    ):
        with pytest.raises(kind):
            probe(tmp_path / name)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, riff(fmt(), DATA))
    path.chmod(0)
    with pytest.raises(InputError, match=r"a\.wav"):
        probe(path)


def test_a_hundred_thousand_chunks_are_not_walked(tmp_path: Path) -> None:
    flood = chunk(b"JUNK", b"") * 100_000
    with pytest.raises(DamagedAudio):
        probe(saved(tmp_path, riff(flood, fmt(), DATA)))


def test_the_rate_of_most_files_wins_and_the_higher_of_a_tie(tmp_path: Path) -> None:
    made = []
    for number, rate in enumerate((44_100, 48_000, 44_100, 48_000, 96_000)):
        soundfile.write(tmp_path / f"{number}.wav", FLOATS.T, rate)
        made.append(probe(tmp_path / f"{number}.wav"))
    assert (majority_rate(tuple(made[:3])), majority_rate(tuple(made))) == (44_100, 48_000)


def test_real_files_are_read_whole_or_refused(shared: Path) -> None:
    read = compared = 0
    for path in sorted(p for name in ("exports", "malformed") for p in (shared / "material" / name).rglob("*.*")):
        if not path.is_file():
            continue
        try:
            file = probe(path)
        except StemwrightError as error:
            assert isinstance(error, (NotAudio, DamagedAudio, UnreadableAudio)) and error.hint, path
            continue
        try:
            samples = read_all(file)
        except DamagedAudio:
            continue
        assert samples.shape == (file.format.channels, file.frames), path
        read += 1
        try:
            truth = soundfile.read(path, dtype="float32", always_2d=True)[0].T
        except soundfile.LibsndfileError:
            continue
        if "24bit-4byte" not in path.name:  # 24 bits at the wrong end of 32: readers disagree
            assert np.array_equal(samples, truth, equal_nan=True), path
            compared += 1
    assert read >= 75 and compared >= 70  # not vacuous
