"""What is written stands where other readers look for it, and nothing else of a file changes."""

from __future__ import annotations

import errno
import re
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import mutagen
import mutagen.aiff
import mutagen.mp3
import mutagen.wave
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import APIC, PRIV, TBPM, TSRC, TXXX
from odd_wavs import FLOATS, RATE, SAMPLES, chunk, fmt, pcm, rf64, riff, saved, tool
from test_tags import FRONT, song

from stemwright.audio import riff as walker
from stemwright.audio.chunks import Acid, Bext, parse_acid, parse_ixml
from stemwright.audio.probe import probe
from stemwright.audio.tagging import NOTE, Facts, facts_of, tag_file
from stemwright.audio.tags import Cover, read_cover, read_tags
from stemwright.audio.wav import WavWriter
from stemwright.errors import DiskFull, InputError, OutputError
from stemwright.model import Estimate, Song

FACTS = Facts(
    title="Tune", name="Lead Vocal", role="vocals.lead", artist="Björk", bpm=93.51, key="A# minor", meter=(3, 4),
    session_rate=96_000, tags=(("album", "LP"), ("date", "1995-06-13"), ("track", "3"), ("isrc", "GB-AYE-12-34567")),
)  # fmt: skip


def chunks(path: Path) -> list[tuple[bytes, bytes]]:
    with path.open("rb") as file:
        return [(c.name, walker.body(file, c, 1 << 26)) for c in walker.walk(file, path.stat().st_size)]


def made(path: Path, limit: int = 0xFFFFFFFF) -> Path:
    with WavWriter(path, RATE, 2, bext=Bext("old", time_reference=172_800_000), riff_limit=limit) as out:
        out.write(SAMPLES)
    return path


def test_a_wav_read_by_wavinfo_and_mutagen(tmp_path: Path) -> None:
    wavinfo = pytest.importorskip("wavinfo")
    path = made(tmp_path / "a.wav")
    tag_file(path, FACTS, acid=True)
    read = wavinfo.WavInfoReader(str(path), info_encoding="utf-8")
    assert read.bext.description == "Tune - Lead Vocal, 93.51 BPM, key Bb minor"
    assert (read.bext.originator, read.bext.time_reference) == ("stemwright", 172_800_000)
    assert (read.info.title, read.info.artist, read.info.product) == ("Tune - Lead Vocal", "Björk", "LP")
    assert (read.info.created_date, read.info.source) == ("1995-06-13", None)  # INFO's ISRC is no ISRC
    assert read.info.comment == "93.51 BPM, key Bb minor, stem vocals.lead"
    assert read.ixml.project == "Tune" and [track.name for track in read.ixml.track_list] == [
        "Lead Vocal L",
        "Lead Vocal R",
    ]
    id3 = mutagen.wave.WAVE(path).tags
    assert id3.version == (2, 3, 0)
    said = {name: str(id3[name]) for name in ("TIT2", "TPE1", "TALB", "TBPM", "TKEY", "TSRC", "TXXX:STEM")}
    wanted = ("Tune - Lead Vocal", "Björk", "LP", "93.51", "Bbm", "GB-AYE-12-34567", "vocals.lead")
    assert tuple(said.values()) == wanted
    assert str(id3["TXXX:SESSION_RATE"]) == "96000"
    assert read.adm is None and b">ISRC:GBAYE1234567<" in dict(chunks(path))[b"axml"]
    assert struct.unpack("<IHHfIHHf", dict(chunks(path))[b"acid"])[:2] == (6, 70)


def test_a_wav_read_by_ffprobe_and_ourselves(tmp_path: Path) -> None:
    tool("ffprobe", "-version")
    path = made(tmp_path / "a.wav")
    tag_file(path, replace(FACTS, cover=Cover("image/png", FRONT)), acid=True)
    wanted = ("-show_entries", "stream=codec_name:format_tags=title,artist,album,TBPM,TKEY", "-of", "csv=p=0")
    shown = subprocess.check_output(["ffprobe", "-v", "error", *wanted, path], encoding="utf-8").split()
    assert " ".join(shown[:2]) == "pcm_s24le png"
    assert all(text in " ".join(shown) for text in ("Björk", "Tune - Lead Vocal", "LP"))
    file = probe(path)
    assert file.damage == () and (file.tag("bpm"), file.tag("key"), file.tag("stem")) == ("93.51", "Bbm", "vocals.lead")
    assert dict(file.metadata.ixml_facts)["bpm"] == "93.51" and read_cover(path) == Cover("image/png", FRONT)
    acid = parse_acid(dict(chunks(path))[b"acid"])
    assert acid == Acid(93.51, 0, 70, (3, 4))


def test_acid_counts_the_beats_and_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with WavWriter(path, RATE, 1) as out:
        out.write(np.zeros((1, 8 * RATE), np.int32))
    tag_file(path, Facts("T", bpm=120.0))
    assert b"acid" not in dict(chunks(path))
    tag_file(path, Facts("T", bpm=120.0), acid=True)
    assert parse_acid(dict(chunks(path))[b"acid"]) == Acid(120.0, 16, None, (4, 4))
    tag_file(path, Facts("T", bpm=90.0))
    assert parse_acid(dict(chunks(path))[b"acid"]) == Acid(120.0, 16, None, (4, 4)), "not asked: left as it is"


IXML = (
    b"<BWFXML><SCENE>12A</SCENE><TAKE>3</TAKE><TAPE>R7</TAPE><NOTE>best take\n100 BPM, key C major</NOTE>"
    b"<USER>mine</USER><TRACK_LIST><TRACK_COUNT>2</TRACK_COUNT><TRACK><NAME>a</NAME><FUNCTION>LEFT</FUNCTION></TRACK>"
    b"<TRACK><NAME>b</NAME></TRACK></TRACK_LIST></BWFXML>"
)
INFO = chunk(b"IENG", b"Nina\0") + chunk(b"IENG", b"Otto\0") + chunk(b"INAM", b"Old\0") + chunk(b"ICMT", b"hands off\0")
CUE = struct.pack("<III4sIII", 1, 1, 9, b"data", 0, 0, 9)


@pytest.mark.parametrize("wide", [False, True])
def test_everything_else_of_a_wav_stays(tmp_path: Path, wide: bool) -> None:
    id3 = mutagen.id3.ID3()
    for frame in (TBPM(text="100"), TXXX(desc="BPM", text="100"), TXXX(desc="mood", text="sad"), TSRC(text="X")):
        id3.add(frame)
    id3.add(PRIV(owner="me", data=b"\0\1"))
    id3.add(APIC(type=3, mime="image/png", data=FRONT))
    id3.save(tmp_path / "tag", v2_version=4)
    bext = b"by Pro Tools".ljust(256, b"\0") + b"Pro Tools".ljust(346, b"\1") + b"A=PCM\r\n\0"
    kept = [(b"cue ", CUE), (b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0x\0")), (b"odd ", b"123")]
    parts = [chunk(*each) for each in kept] + [
        chunk(b"LIST", b"INFO" + INFO), chunk(b"iXML", IXML), chunk(b"ID3 ", (tmp_path / "tag").read_bytes())
    ]  # fmt: skip
    base = rf64() if wide else riff(fmt(), chunk(b"data", pcm(24)))
    at = base.index(b"fmt ")
    path = saved(tmp_path, base[:at] + chunk(b"bext", bext) + base[at:] + b"".join(parts))
    kept.append((b"bext", bext))
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q" if wide else "<I", data, 20 if wide else 4, len(data) - 8)
    path.write_bytes(data)
    before = [each for each in chunks(path) if each in kept or each[0] in (b"fmt ", b"data")]
    tag_file(path, replace(FACTS, tags=()))
    after = chunks(path)
    assert [
        each for each in after if each[0] in (b"bext", b"cue ", b"odd ", b"fmt ", b"data") or each in kept
    ] == before
    assert probe(path).damage == () and [name for name, _ in after].count(b"ID3 ") == 0
    ixml = dict(after)[b"iXML"]
    for text in (b"<SCENE>12A<", b"<TAPE>R7<", b"<USER>mine<", b"<FUNCTION>LEFT<", b"<TAKE>3<"):
        assert text in ixml
    assert parse_ixml(ixml)["note"] == "best take\n93.51 BPM, key Bb minor, stem vocals.lead"
    info = next(body for name, body in after if name == b"LIST" and body[:4] == b"INFO")
    assert b"Nina" in info and b"Otto" in info and b"hands off" in info and b"Old" not in info and b"93.51" in info
    tag = mutagen.id3.ID3(saved(tmp_path, dict(after)[b"id3 "], "tag2"))
    assert [tag[name] for name in ("TBPM", "TXXX:mood", "TSRC")] == ["93.51", "sad", "X"] and "TXXX:BPM" not in tag
    assert tag.getall("PRIV")[0].data == b"\0\1" and tag.getall("APIC")[0].data == FRONT
    assert np.array_equal(soundfile.read(path, dtype="float32")[0].T, FLOATS)


def test_tagged_twice_is_tagged_once(tmp_path: Path) -> None:
    path = made(tmp_path / "a.wav", limit=10)
    tag_file(path, FACTS, acid=True)
    once = path.read_bytes()
    tag_file(path, replace(FACTS, bpm=120.0), acid=True)
    assert path.read_bytes() != once and NOTE.fullmatch(probe(path).tag("comment"))
    tag_file(path, FACTS, acid=True)
    assert path.read_bytes() == once


def test_an_aiff(tmp_path: Path) -> None:
    path = tmp_path / "a.aiff"
    soundfile.write(path, FLOATS.T, RATE, "PCM_24")
    before = chunks(path)
    tag_file(path, replace(FACTS, cover=Cover("image/png", FRONT)))
    tag_file(path, FACTS)
    tags = mutagen.aiff.AIFF(path).tags
    assert [str(tags[name]) for name in ("TIT2", "TBPM", "TKEY")] == ["Tune - Lead Vocal", "93.51", "Bbm"]
    assert tags.getall("APIC")[0].data == FRONT
    after = chunks(path)
    assert [each for each in after if each[0] not in (b"NAME", b"AUTH", b"ID3 ")] == before
    assert (dict(after)[b"NAME"], dict(after)[b"AUTH"]) == (b"Tune - Lead Vocal", "Björk".encode())
    assert probe(path).damage == () and probe(path).tag("bpm") == "93.51"
    assert np.array_equal(soundfile.read(path, dtype="float32")[0].T, FLOATS)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a"])
@pytest.mark.parametrize("covered", [False, True])
def test_compressed_files(tmp_path: Path, name: str, covered: bool) -> None:
    path = song(tmp_path / name)
    file = mutagen.File(path)
    if not covered:
        file.clear_pictures() if name == "a.flac" else None
        for key in [k for k in file.tags.keys() if "APIC" in k or k in ("covr", "metadata_block_picture")]:  # noqa: SIM118
            del file.tags[key]
    file.tags.update({"----:com.apple.iTunes:mood": [b"sad"]} if name == "a.m4a" else {})
    if name in ("a.flac", "a.ogg", "a.opus"):
        file.tags["mood"], file.tags["tempo"] = "sad", "17"
    file.save()
    before, sound = dict(read_tags(path)), decoded(path)
    tag_file(path, replace(FACTS, cover=Cover("image/png", FRONT)))
    assert decoded(path) == sound
    after = mutagen.File(path).tags
    wanted = before | FACTS.pairs()
    assert dict(read_tags(path)) == wanted and wanted["bpm"] == "93.51"
    assert read_cover(path) == Cover("image/png", FRONT)
    if name == "a.m4a":
        assert after["tmpo"] == [94] and bytes(after["----:com.apple.iTunes:mood"][0]) == b"sad"
    elif name != "a.mp3":
        assert after["INITIALKEY"] == after["KEY"] == ["Bbm"] and after["mood"] == ["sad"] and "tempo" not in after
    if shutil.which("ffprobe"):
        show = ("-show_entries", "format_tags:stream_tags", "-of", "flat")
        shown = subprocess.check_output(["ffprobe", "-v", "error", *show, path], encoding="utf-8")
        assert "93.51" in shown and "Bbm" in shown and "Tune - Lead Vocal" in shown


def decoded(path: Path) -> bytes:
    """The samples as ffmpeg hears them."""
    return subprocess.check_output(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-"])


def test_what_cannot_take_tags_is_told_and_unchanged(tmp_path: Path) -> None:
    caf = tmp_path / "a.caf"
    soundfile.write(caf, FLOATS.T, RATE, "PCM_24")
    big = saved(tmp_path, riff(fmt(order=">"), chunk(b"data", pcm(24, ">"), order=">"), magic=b"RIFX", order=">"))
    for path in (caf, big):
        data = path.read_bytes()
        with pytest.raises(OutputError, match=re.escape(str(path))) as error:
            tag_file(path, FACTS)
        assert error.value.hint and path.read_bytes() == data
    assert len(list(tmp_path.iterdir())) == 2


def test_an_isrc_is_the_recordings_not_the_stems() -> None:
    known = Song("T", 48_000, "A", Estimate(120.0, 1.0, "user"), key=Estimate("C major", 1.0, "user"))
    tags = (("bpm", "fast"), ("comment", "120 BPM, key C major"), ("genre", "Dub"), ("isrc", "GBAYE1234567"))
    assert dict(facts_of(known, "Bass", "bass", tags).tags) == {"genre": "Dub"}
    assert dict(facts_of(known, "Mix", "mix", tags).tags) == {"genre": "Dub", "isrc": "GBAYE1234567"}
    assert facts_of(known, "Bass", "bass", tags).pairs()["bpm"] == "120"


TEXTS = st.text(max_size=300)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.floats(20, 400), st.sampled_from(["", "C# major", "D# minor"]))
def test_any_facts_can_be_written(tmp_path_factory, title: str, artist: str, text: str, bpm: float, key: str) -> None:
    path = made(tmp_path_factory.mktemp("tag") / "a.wav")
    tag_file(path, Facts(title, text, "other", artist, bpm, key, tags=(("album", text), ("isrc", text))), acid=True)
    file = probe(path)
    assert file.damage == () and file.metadata.ixml == "fine" and float(file.tag("bpm")) == round(bpm, 3)
    assert np.array_equal(soundfile.read(path, dtype="float32")[0].T, FLOATS)


def test_an_rf64_that_states_its_size_twice(tmp_path: Path) -> None:
    data = bytearray(rf64())
    struct.pack_into("<I", data, 4, len(data) - 8)  # as REAPER writes it; the standard wants -1 there
    path = saved(tmp_path, bytes(data))
    assert probe(path).damage == ()
    tag_file(path, FACTS)
    assert probe(path).damage == () and probe(path).tag("bpm") == "93.51"
    assert np.array_equal(soundfile.read(path, dtype="float32")[0].T, FLOATS)


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = song(tmp_path / "a.mp3")
    data = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise mutagen.MutagenError(OSError(errno.ENOSPC, "no space"))

    monkeypatch.setattr(mutagen.mp3.MP3, "save", full)
    with pytest.raises(DiskFull):
        tag_file(path, FACTS)
    assert path.read_bytes() == data and not list(tmp_path.glob(".*"))


def test_malformed_files_are_tagged_or_refused_untouched(tmp_path: Path, shared: Path) -> None:
    took = refused = 0
    for source in sorted((shared / "material" / "malformed").rglob("*")):
        if source.suffix not in (".wav", ".flac", ".mp3", ".aiff") or source.stat().st_size > 1 << 20:
            continue
        path = Path(shutil.copyfile(source, tmp_path / f"a{source.suffix}"))
        try:
            before = probe(path)
        except InputError:
            continue
        try:
            tag_file(path, FACTS, acid=True)
        except OutputError as error:
            assert error.hint and path.read_bytes() == source.read_bytes()
            refused += 1
        else:
            after = probe(path)
            assert (after.frames, after.format, after.tag("bpm")) == (before.frames, before.format, "93.51")
            took += 1
    assert took > 30 and refused >= 5 and len(list(tmp_path.iterdir())) <= 4
