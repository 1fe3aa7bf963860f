"""What a file says about itself comes out as it stands there, right or wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_wavs import chunk, fmt, pcm, riff, saved
from test_damage import BIG, aiff, ssnd

from stemwright.audio.chunks import build_ixml
from stemwright.audio.probe import probe
from stemwright.model import Metadata

DATA = chunk(b"data", pcm(24))


def bext(
    version: int = 1, umid: bytes = b"", loudness: tuple[int, ...] = (), date: bytes = b"2025-01-02", text: bytes = b"x"
) -> bytes:
    head = text.ljust(256, b"\0") + b"Pro Tools".ljust(64, b"\0") + date.ljust(10, b"\0") + b"10:11:12"
    levels = struct.pack("<5h", *loudness) if loudness else bytes(10)
    return chunk(b"bext", head + struct.pack("<QH", 99, version) + umid.ljust(64, b"\0") + levels + bytes(180))


def read(folder: Path, *parts: bytes) -> Metadata:
    return probe(saved(folder, riff(*parts, fmt(), DATA))).metadata


def test_bext_as_it_stands(tmp_path: Path) -> None:
    found = read(tmp_path, bext(2, b"\1\2", (-2300, 500, 0x7FFF, 0, 0), b"02.01.25", "Größe".encode()))
    assert (found.bext_bytes, found.bext_version, found.originator) == (602, 2, "Pro Tools")
    assert (found.date, found.clock) == ("02.01.25", "10:11:12")
    assert (found.loudness_lufs, found.true_peak_dbtp) == (-23.0, None)
    assert found.umid.startswith("0102") and len(found.umid) == 128
    plain = read(tmp_path, bext(loudness=(-2300, 0, 0, 0, 0)))
    assert (plain.umid, plain.loudness_lufs, plain.description) == ("", None, "x")
    short = read(tmp_path, chunk(b"bext", b"half"))
    assert (short.bext_bytes, short.description, short.date) == (4, "half", "")
    assert read(tmp_path) == Metadata()


def test_ixml_is_fine_broken_or_absent(tmp_path: Path) -> None:
    body = build_ixml(project="P", track="T", channels=1, sample_rate=44_100, bits=16, tempo=99.5, note="n")
    found = read(tmp_path, chunk(b"iXML", body))
    assert found.ixml == "fine" and dict(found.ixml_facts) == {
        "project": "P",
        "track": "T",
        "note": "n",
        "bpm": "99.5",
        "sample_rate": "44100",
        "bits": "16",
        "channels": "1",
    }
    for bad in (b"", b"<BWFXML>", b"<!DOCTYPE x><BWFXML/>", b"<BWFXML>" + b" " * (1 << 20) + b"</BWFXML>"):
        assert read(tmp_path, chunk(b"iXML", bad)).ixml == "broken"


def test_list_info_and_the_text_chunks_of_aiff(tmp_path: Path) -> None:
    info = b"INFO" + chunk(b"ISFT", b"odd") + chunk(b"INAM", b"Tune\0") + chunk(b"ICRD", b"2025-01-02")
    assert read(tmp_path, chunk(b"LIST", info)).info_facts == (("date", "2025-01-02"), ("title", "Tune"))
    named = aiff(chunk(b"NAME", b"Tune", order=">"), chunk(b"AUTH", b"Nina", order=">"), ssnd(BIG))
    file = probe(saved(tmp_path, named, "a.aif"))
    assert file.metadata.info_facts == file.tags == (("artist", "Nina"), ("title", "Tune"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"from C:\\Users\\Anna\\Song.ptx", "C:\\Users\\Anna\\Song.ptx"),
        (b"see /Users/anna/Music/Song.als", "/Users/anna/Music/Song.als"),
        (b"file:///home/anna/a.wav", "file:///home/anna/a.wav"),
        (b"\\\\server\\share\\a.wav", "\\\\server\\share\\a.wav"),
        (b"http://example.org/home A=PCM,F=48000 1/2 b:c", ""),
    ],
)
def test_private_paths(tmp_path: Path, text: bytes, told: str) -> None:
    assert read(tmp_path, bext(text=text)).private == ((f"bext: {told}",) if told else ())


def test_private_places(tmp_path: Path) -> None:
    place = b"<BWFXML><LOCATION><LOCATION_GPS> 52.52, 13.405 </LOCATION_GPS></LOCATION></BWFXML>"
    assert read(tmp_path, chunk(b"iXML", place)).private == ("iXML: 52.52, 13.405",)


@given(st.lists(st.tuples(st.sampled_from([b"bext", b"iXML", b"LIST", b"_PMX", b"id3 "]), st.binary(max_size=700))))
def test_no_chunk_can_break_it(tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[bytes, bytes]]) -> None:
    chunks = [chunk(name, body) for name, body in parts]
    file = probe(saved(tmp_path_factory.getbasetemp(), riff(*chunks, fmt(), DATA), "odd chunks.wav"))
    assert file.frames == 480 and file.damage == ()
    assert [each.name for each in file.chunks[:-2]] == [name.decode() for name, _ in parts]
