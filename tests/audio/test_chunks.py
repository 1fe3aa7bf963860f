"""bext and iXML: what is written can be read, by us and by others, and what is hostile is not believed."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from odd_wavs import chunk, rf64, riff

from stemwright.audio.chunks import Bext, build_bext, build_ixml, parse_bext, parse_ixml
from stemwright.audio.riff import walk

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(ASCII, ASCII, st.integers(0, (1 << 64) - 1), ASCII)
def test_bext_round_trip(description: str, originator: str, time_reference: int, history: str) -> None:
    bext = Bext(description, originator, "ref", "2025-01-02", "03:04:05", time_reference, history)
    body = build_bext(bext)
    assert len(body) == 602 + len(history)
    read = parse_bext(body)
    assert read and read.originator == originator[:32]
    assert (read.description, read.time_reference, read.coding_history) == (description, time_reference, history)
    assert (read.date, read.clock) == ("2025-01-02", "03:04:05")


def test_bext_says_now_in_ascii_and_is_not_read_when_short() -> None:
    body = build_bext(Bext("Größe"))
    assert body.startswith(b"Gr??e\0")
    assert re.fullmatch(rb"\d{4}-\d\d-\d\d\d\d:\d\d:\d\d", body[320:338])
    assert parse_bext(body[:347]) is None


@given(st.text(), st.text(), st.floats(20, 400))
def test_ixml_is_well_formed_whatever_the_title(project: str, track: str, tempo: float) -> None:
    body = build_ixml(project=project, track=track, channels=2, sample_rate=48_000, bits=24, tempo=tempo, note="key Am")
    root = etree.fromstring(body)
    assert [name.text[-2:] for name in root.iterfind("TRACK_LIST/TRACK/NAME")] == [" L", " R"]
    assert (root.findtext("SPEED/FILE_SAMPLE_RATE"), root.findtext("SPEED/AUDIO_BIT_DEPTH")) == ("48000", "24")
    read = parse_ixml(body + b"\0")
    assert float(read["bpm"]) == pytest.approx(tempo, rel=1e-9) and read["note"] == "key Am"
    if project.isprintable() and project.strip():
        assert read["project"] == project.strip()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"no xml", b"<BWFXML><PROJECT>", b"\xff\xfe\0", b"<BWFXML>" + b" " * (1 << 20) + b"</BWFXML>"),
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><BWFXML><PROJECT>&a;</PROJECT></BWFXML>',
    ],
)
def test_hostile_ixml_says_nothing(body: bytes) -> None:
    assert parse_ixml(body) is None


@given(st.binary(max_size=300), st.sampled_from([b"RIFF", b"RIFX", b"RF64", b"FORM"]))
def test_walk_stays_inside_the_file(body: bytes, magic: bytes) -> None:
    data = riff(chunk(b"ds64", body[:40]), chunk(b"data", b"", 0xFFFFFFFF), body, magic=magic)
    for found in walk(io.BytesIO(data), len(data)):
        assert 20 <= found.offset <= len(data)
        assert 0 <= found.present <= min(found.size, len(data) - found.offset)


def test_walk_takes_64_bit_sizes_from_ds64() -> None:
    data = rf64()
    assert [(c.name, c.size) for c in walk(io.BytesIO(data), len(data))] == [
        (b"ds64", 28),
        (b"fmt ", 16),
        (b"data", 2880),
    ]
