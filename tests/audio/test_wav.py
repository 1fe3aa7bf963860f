"""What `WavWriter` writes is what was given, to us and to libsndfile; what it cannot finish is never there."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from odd_wavs import FLOATS, RATE, SAMPLES, chunk, fmt, pcm, rf64, riff, saved

from stemwright.audio.chunks import Bext, build_ixml
from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.audio.tags import stem_id3
from stemwright.audio.take import take
from stemwright.audio.wav import WavWriter, is_whole, replace_chunks
from stemwright.errors import NotFoundInput, OutputError

IXML = build_ixml(project="Song", track="Kick", channels=2, sample_rate=RATE, bits=24, tempo=93.5, note="")
BEXT = Bext(time_reference=(5 << 32) + 7)
TAGS = {"bext": BEXT, "chunks": [(b"iXML", IXML), (b"id3 ", stem_id3([("artist", "Me")], None))]}


@settings(max_examples=40, deadline=None)
@given(
    bits=st.sampled_from([16, 24, 32]),
    channels=st.integers(1, 6),
    lengths=st.lists(st.integers(0, 40), max_size=4),
    tags=st.booleans(),
    limit=st.sampled_from([0xFFFFFFFF, 10]),
)
@example(bits=24, channels=1, lengths=[3], tags=True, limit=0xFFFFFFFF)
def test_written_is_read(
    tmp_path_factory, bits: int, channels: int, lengths: list[int], tags: bool, limit: int
) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    rng = np.random.default_rng(sum(lengths))
    encoding = "float" if bits == 32 else "pcm"
    with WavWriter(path, RATE, channels, bits, encoding, riff_limit=limit, **(TAGS if tags else {})) as out:
        given_ = [rng.integers(-(1 << (min(bits, 24) - 1)), 1 << (min(bits, 24) - 1), (channels, n), dtype=np.int32)
                  for n in lengths]  # fmt: skip
        if bits == 32:
            given_ = [(block / 100).astype(np.float32) for block in given_]
        for block in given_:
            out.write(block)
    whole = np.concatenate([np.zeros((channels, 0)), *given_], axis=1)
    truth = whole.astype(np.float32) if bits == 32 else (whole / (1 << (bits - 1))).astype(np.float32)
    file = probe(path)
    assert (file.frames, file.format.bits, file.format.encoding, file.damage) == (sum(lengths), bits, encoding, ())
    assert file.format.container == ("wav" if limit > 10 else "rf64")
    assert file.start_frame == (BEXT.time_reference if tags else None)
    assert file.tags == ((("artist", "Me"), ("bpm", "93.5")) if tags else ())
    assert np.array_equal(read_all(file), truth)
    assert np.array_equal(soundfile.read(path, dtype="float32", always_2d=True)[0].T, truth)
    head = path.read_bytes()
    assert len(head) % 2 == 0 and is_whole(path) == bool(sum(lengths))
    stated = struct.unpack_from("<Q", head, 20)[0] if limit == 10 else struct.unpack_from("<I", head, 4)[0]
    assert stated == len(head) - 8


def test_channel_mask_is_kept(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "a.wav", RATE, 6, channel_mask=0x3F) as out:
        out.write(np.zeros((6, 5), np.int32))
    assert probe(tmp_path / "a.wav").format.channel_mask == 0x3F


@pytest.mark.parametrize(
    "samples",
    [
        np.full((2, 1), 1 << 23, np.int32),
        np.full((2, 1), -(1 << 23) - 1, np.int32),
        FLOATS,
        np.zeros((1, 3), np.int32),
        np.zeros(3, np.int32),
    ],
)
def test_wrong_samples_leave_nothing_and_spare_the_old_file(tmp_path: Path, samples: np.ndarray) -> None:
    old = saved(tmp_path, b"old")
    for path in (old, tmp_path / "new.wav"):
        with pytest.raises(ValueError), WavWriter(path, RATE, 2) as out:
            out.write(SAMPLES)
            out.write(samples)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.wav", b"old")]


def test_only_what_can_be_written_exactly_is_offered(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20-bit pcm"):
        WavWriter(tmp_path / "a.wav", RATE, 2, 20)
    with pytest.raises(ValueError, match="float32"), WavWriter(tmp_path / "a.wav", RATE, 2, 32, "float") as out:
        out.write(SAMPLES)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_no_file_is_an_output_error(tmp_path: Path) -> None:
    saved(tmp_path, b"a file", "folder")
    with pytest.raises(OutputError), WavWriter(tmp_path / "folder" / "a.wav", RATE, 2):
        pytest.fail("was opened")


@pytest.mark.parametrize(
    "data", [riff(fmt(), chunk(b"data", pcm(24)[:-3]), chunk(b"iXML", b"<a/>")), rf64(), rf64(b"BW64")]
)
def test_another_ixml_changes_nothing_else(tmp_path: Path, data: bytes) -> None:
    path = saved(tmp_path, data)
    before = read_all(probe(path))
    replace_chunks(path, {b"iXML": IXML})
    replace_chunks(path, {b"iXML": IXML})
    file = probe(path)
    assert np.array_equal(read_all(file), before) and file.tag("bpm") == "93.5"
    assert path.read_bytes().count(b"iXML") == 1
    stated = struct.unpack_from("<Q", path.read_bytes(), 20)[0] if data[:1] in b"B" or data[:2] == b"RF" else None
    assert stated in (None, path.stat().st_size - 8)
    truth = soundfile.read(path, dtype="float32", always_2d=True)[0].T if data[:4] != b"BW64" else before
    assert np.array_equal(truth, before)


@pytest.mark.parametrize(
    "data",
    [
        riff(fmt(), chunk(b"data", pcm(24), 0xFFFFFFFF)),
        riff(fmt(), chunk(b"data", pcm(24), 0)),
        riff(fmt(order=">"), chunk(b"data", pcm(24, ">"), order=">"), magic=b"RIFX", order=">"),
        riff(fmt(), chunk(b"data", pcm(24)), magic=b"RF64"),
    ],
)
def test_take_writes_odd_files_anew_with_every_sample(tmp_path: Path, data: bytes) -> None:
    path = saved(tmp_path, data)
    assert not is_whole(path) or data[:4] == b"RIFX"
    with pytest.raises(ValueError, match="no whole WAV"):
        replace_chunks(path, {b"iXML": IXML})
    assert take(probe(path), tmp_path / "b.wav") == "WAV unpacked to 24-bit WAV, bit-exact" or data[:4] == b"RF64"
    replace_chunks(tmp_path / "b.wav", {b"iXML": IXML})
    assert np.array_equal(read_all(probe(tmp_path / "b.wav")), FLOATS) and path.read_bytes() == data


def test_take_copies_whole_files_and_keeps_start_width_and_kind(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "a.wav", RATE, 2, bext=BEXT, chunks=[(b"iXML", IXML)]) as out:
        out.write(SAMPLES)
    assert take(probe(tmp_path / "a.wav"), tmp_path / "b.wav") == "copied byte by byte"
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    for suffix, subtype, kept in (
        ("flac", "PCM_16", 16),
        ("aiff", "PCM_24", 24),
        ("aiff", "FLOAT", 32),
        ("wav", "PCM_U8", 8),
    ):
        path = tmp_path / f"c.{suffix}"
        soundfile.write(path, FLOATS.T, RATE, subtype=subtype)
        file = probe(path)
        take(file, tmp_path / "d.wav")
        taken = probe(tmp_path / "d.wav")
        assert taken.format.bits == kept and np.array_equal(read_all(taken), read_all(file))
    gone = probe(path)
    path.unlink()
    with pytest.raises(NotFoundInput):
        take(gone, tmp_path / "e.wav")
    assert not (tmp_path / "e.wav").exists()
