"""What tags say about tempo and key, from every place; nonsense and hostility are told or passed over, never fatal."""

from __future__ import annotations

import random
import struct
import warnings
from contextlib import suppress
from pathlib import Path

import mutagen
import mutagen.wave
import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TBPM, TKEY, TXXX, Encoding
from odd_wavs import FLOATS, RATE, chunk, fmt, pcm, riff, saved, tool
from test_tags import song

from stemwright.audio.chunks import Acid, build_acid, parse_acid
from stemwright.audio.probe import probe
from stemwright.audio.said import AGREED, DISPUTED, parse_bpm, said_by
from stemwright.audio.tagging import Facts, tag_file
from stemwright.errors import InputError
from stemwright.model import Estimate
from stemwright.units import parse_key

DATA = chunk(b"data", pcm(24))


def said(folder: Path, *parts: bytes, name: str = "a.wav"):
    return said_by([probe(saved(folder, riff(fmt(), DATA, *parts), name))])


def id3(folder: Path, *frames: mutagen.id3.Frame, version: int = 3) -> bytes:
    tag = ID3()
    for frame in frames:
        tag.add(frame)
    if version == 3:
        tag.update_to_v23()
    (folder / "tag").write_bytes(b"")
    tag.save(folder / "tag", v2_version=version)
    return chunk(b"id3 ", (folder / "tag").read_bytes())


def ixml(bpm: str = "", note: str = "") -> bytes:
    tempo = f"<STEINBERG><ATTR_LIST><ATTR><NAME>MusicalTempo</NAME><VALUE>{bpm}</VALUE></ATTR></ATTR_LIST></STEINBERG>"
    return chunk(b"iXML", f"<BWFXML><NOTE>{note}</NOTE>{tempo if bpm else ''}</BWFXML>".encode())


def info(name: bytes, text: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(name, text))


def acid(bpm: float) -> bytes:
    return chunk(b"acid", build_acid(Acid(bpm, 16)))


def test_every_place_is_asked(tmp_path: Path) -> None:
    sure = Estimate(128.5, AGREED, "tag")
    for part in (
        id3(tmp_path, TBPM(text="128,5")),
        id3(tmp_path, TBPM(text="128.5 BPM"), version=4),
        id3(tmp_path, TXXX(desc="BPM", text="128.50")),
        ixml("128.5"),
        ixml(note="take 2\n128.5 BPM, key A minor"),
        info(b"IBPM", b"128.5\0"),
        acid(128.5),
    ):
        found = said(tmp_path, part)
        assert (found.bpm, found.warnings) == (sure, ())
    assert said(tmp_path, ixml(note="128.5 BPM, key A minor")).key == Estimate("A minor", AGREED, "tag")
    assert said(tmp_path) == said_by([])


@pytest.mark.parametrize("name", ["a.mp3", "a.aiff", "a.flac", "a.ogg", "a.opus", "a.m4a"])
def test_every_container_is_asked_and_ours_agree_with_themselves(tmp_path: Path, name: str) -> None:
    path = song(tmp_path / name)
    found = said_by([probe(path)])
    assert (found.bpm, found.key) == (Estimate(93.5, AGREED, "tag"), Estimate("A minor", AGREED, "tag"))
    tag_file(path, Facts("T", "Bass", "bass", "A", 87.25, "F# minor"))
    found = said_by([probe(path)])
    assert (found.bpm, found.key, found.warnings) == (
        Estimate(87.25, AGREED, "tag"),
        Estimate("F# minor", AGREED, "tag"),
        (),
    )


@pytest.mark.parametrize("key", ["Am", "A minor", "8A", "a min", "Amin"])
def test_keys_as_people_write_them(tmp_path: Path, key: str) -> None:
    assert said(tmp_path, id3(tmp_path, TKEY(text=key))).key == Estimate("A minor", AGREED, "tag")


def test_contradictions_are_told(tmp_path: Path) -> None:
    tags = id3(tmp_path, TBPM(text="128"), TKEY(text="8A"), TXXX(desc="INITIALKEY", text="F#m"))
    found = said(tmp_path, tags, ixml("64"), acid(120))
    assert found.bpm == Estimate(128, DISPUTED, "tag", (64, 120))
    assert found.key == Estimate("A minor", DISPUTED, "tag", ("F# minor",))
    tempo, key = found.warnings
    assert "disagree about the tempo" in tempo and all(
        text in tempo for text in ("128 (TBPM of a.wav)", "64 (iXML", "120 (acid")
    )
    assert "disagree about the key" in key and "Am" in key and "F#m" in key


def test_stems_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    files = [
        probe(saved(tmp_path, riff(fmt(), DATA, id3(tmp_path, TBPM(text=bpm))), name))
        for name, bpm in (("Kick.wav", "120"), ("Snare.wav", "120.2"), ("Bass.wav", "121"), ("Pad.wav", "fast"))
    ]
    found = said_by(files)
    assert found.bpm == Estimate(120, DISPUTED, "tag", (121,)), "120.2 may be what was rounded to 120"
    nonsense, dispute = found.warnings
    assert nonsense == "the TBPM 'fast' of Pad.wav is no tempo and is passed over"
    assert dispute.endswith("120 (TBPM of Kick.wav), 121 (TBPM of Bass.wav); the first is taken")


@pytest.mark.parametrize(
    "text",
    [
        "fast",
        "0",
        "999",
        "NaN",
        "inf",
        "-inf",
        "-1",
        "1e9",
        "1e2",
        "12 0",
        "19.99",
        "400.1",
        "１２０",
        "0x78",
        "120/60",
        ".",
    ],
)
def test_nonsense_is_told_and_passed_over(tmp_path: Path, text: str) -> None:
    found = said(tmp_path, id3(tmp_path, TBPM(encoding=Encoding.UTF16, text=text), TKEY(text="H minor")), ixml(text))
    assert (found.bpm, found.key) == (None, None)
    assert len(found.warnings) >= 2 and all("passed over" in sentence for sentence in found.warnings)
    with pytest.raises(ValueError, match="no tempo"):
        parse_bpm(text)


def test_a_hundred_files_of_one_nonsense_are_one_sentence(tmp_path: Path) -> None:
    file = probe(saved(tmp_path, riff(fmt(), DATA, id3(tmp_path, TBPM(text="fast\n\x1b[31m")))))
    (sentence,) = said_by([file] * 100).warnings
    assert sentence.startswith("the TBPM 'fast") and "99 more files" in sentence and sentence.isprintable()


@pytest.mark.parametrize("bpm", [float("nan"), float("inf"), -120.0, 1e9, 999.0, 1e-30])
def test_an_acid_chunk_of_nonsense(tmp_path: Path, bpm: float) -> None:
    found = said(tmp_path, acid(bpm))
    assert found.bpm is None and len(found.warnings) == 1
    assert said(tmp_path, acid(0)).warnings == () and said(tmp_path, chunk(b"acid", b"short")).warnings == ()


def test_an_ixml_of_ten_megabytes_is_passed_over(tmp_path: Path) -> None:
    body = b"<BWFXML><NOTE>" + b"100 BPM\n" * (10 << 17) + b"</NOTE></BWFXML>"
    path = saved(tmp_path, riff(fmt(), DATA, chunk(b"iXML", body), id3(tmp_path, TBPM(text="90"))))
    found = said_by([probe(path)])
    assert found.bpm == Estimate(90, AGREED, "tag")
    assert found.warnings == ("the iXML of a.wav is passed over: it is too large or no XML",)
    tag_file(path, Facts("T", bpm=90.0))
    assert path.stat().st_size < 10_000 and probe(path).metadata.ixml == "fine"


def test_info_in_the_encodings_of_its_writers(tmp_path: Path) -> None:
    for data in ("Björk".encode("latin-1"), "Björk".encode(), "Björk".encode("utf-16")):
        file = probe(saved(tmp_path, riff(fmt(), DATA, info(b"IART", data + b"\0\0"))))
        assert file.tag("artist") == "Björk"
    file = probe(saved(tmp_path, riff(fmt(), DATA, info(b"IART", b"\xff\xfe\x00\xd8"), info(b"INAM", b"\xc3\x28"))))
    assert file.tag("title") == "Ã("


def test_id3_of_every_version_and_encoding(tmp_path: Path) -> None:
    for version in (3, 4):
        for encoding in (Encoding.LATIN1, Encoding.UTF16, Encoding.UTF16BE, Encoding.UTF8):
            tag = id3(
                tmp_path, TBPM(encoding=encoding, text="93.5"), TKEY(encoding=encoding, text="8A"), version=version
            )
            found = said(tmp_path, tag)
            assert found.bpm == Estimate(93.5, AGREED, "tag") and found.key == Estimate("A minor", AGREED, "tag")
    old = b"TBP" + b"\0\0\5" + b"\0" + b"93.5" + b"TKE" + b"\0\0\3" + b"\0" + b"Am"  # ID3v2.2
    found = said(tmp_path, chunk(b"id3 ", b"ID3\2\0\0" + struct.pack(">I", len(old)) + old))
    assert (found.bpm, found.key) == (Estimate(93.5, AGREED, "tag"), Estimate("A minor", AGREED, "tag"))
    bad = b"TBPM" + struct.pack(">IH", 6, 0) + b"\3\xff\xfe\xfa90"
    assert said(tmp_path, chunk(b"id3 ", b"ID3\4\0\0" + struct.pack(">I", len(bad)) + bad)).bpm is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
@example("128,5\0")
def test_any_text_is_a_tempo_or_none(text: str) -> None:
    with suppress(ValueError):
        assert 20 <= parse_bpm(text) <= 400


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_an_acid_chunk_or_none(data: bytes) -> None:
    assert (parse_acid(data) is None) == (len(data) < 24)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([b"id3 ", b"iXML", b"LIST", b"acid", b"bext"]), st.binary(max_size=200))
def test_no_chunk_can_break_it(tmp_path_factory: pytest.TempPathFactory, name: bytes, body: bytes) -> None:
    folder = tmp_path_factory.mktemp("said")
    body = {b"LIST": b"INFO", b"id3 ": b"ID3\4\0\0\0\0\1\0"}.get(name, b"") + body
    said(folder, chunk(name, body))
    tag_file(folder / "a.wav", Facts("T", bpm=90.0, key="A minor"))
    found = said_by([probe(folder / "a.wav")])
    assert found.bpm and found.bpm.value == 90 and probe(folder / "a.wav").tag("key") == "Am"


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.mp3", "a.flac", "a.ogg", "a.m4a"])
def test_fifty_mutations_of_each_container(tmp_path: Path, name: str) -> None:
    if name == "a.wav":
        soundfile.write(tmp_path / name, FLOATS.T, RATE, "PCM_24")
    else:
        song(tmp_path / name, front=b"\x89PNG")
    facts = Facts("Tune", "Bass", "bass", "Björk", 93.5, "A minor", session_rate=RATE)
    tag_file(tmp_path / name, facts, acid=True)
    whole = (tmp_path / name).read_bytes()
    dice = random.Random(name)
    told = 0
    for number in range(50):
        data = bytearray(whole)
        start = 0 if number % 2 else max(0, len(data) - 4000)
        for _ in range(dice.choice((1, 4, 30))):
            data[min(len(data) - 1, start + dice.randrange(4000))] = dice.choice((0, 0xFF, dice.randrange(256)))
        path = saved(
            tmp_path, bytes(data[: dice.choice((len(data), len(data), dice.randrange(1, len(data))))]), f"m{name}"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mutagen's and the decoders' own, about what was broken on purpose
            try:
                found = said_by([probe(path)])
            except InputError as error:  # no longer audio
                assert error.hint
                continue
        told += bool(found.bpm)
        assert found.bpm is None or 20 <= found.bpm.value <= 400
        assert found.key is None or parse_key(found.key.value) == found.key.value
    least = 0 if name == "a.ogg" else 3  # every page of an Ogg file has a checksum
    assert told > least, "many mutations leave something to be read"


def test_ffmpeg_and_others_write_what_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros(RATE), RATE)
    for name in ("a.flac", "a.m4a", "a.mp3"):
        tool(
            "ffmpeg",
            "-v",
            "error",
            "-i",
            tmp_path / "in.wav",
            "-metadata",
            "TBPM=93.5",
            "-metadata",
            "BPM=93.5",
            tmp_path / name,
        )
    assert said_by([probe(tmp_path / "a.flac")]).bpm == Estimate(93.5, AGREED, "tag")
    assert said_by([probe(tmp_path / "a.mp3")]).bpm == Estimate(93.5, AGREED, "tag")
