"""Tags by the names of each container become ours; tags and cover of a song are those of its stems."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import mutagen.id3
import mutagen.wave
import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutagen.flac import Picture
from mutagen.id3 import APIC, COMM, TBPM, TIT2, TKEY, TPE1
from mutagen.mp4 import MP4Cover
from odd_wavs import FLOATS, RATE, SAMPLES, tool

from stemwright.audio.probe import probe
from stemwright.audio.tags import MAX_COVER, Cover, read_cover, read_tags, stem_id3
from stemwright.audio.wav import WavWriter, replace_chunks

FACTS = (("artist", "Björk"), ("bpm", "93.5"), ("comment", "with love"), ("key", "Am"), ("title", "Tune"))


@pytest.mark.parametrize("name", ["a.mp3", "a.aiff", "a.wav", "a.flac", "a.ogg"])
def test_tags_of_every_container(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, np.zeros(4800, np.float32), 48_000)
    assert read_tags(path) == ()
    file = mutagen.File(path)
    if name in ("a.flac", "a.ogg"):
        file.update({"TITLE": "Tune", "artist": "Björk", "BPM": "93.5", "InitialKey": "Am", "DESCRIPTION": "with love"})
    else:
        file.add_tags() if file.tags is None else None
        for frame in (TIT2(text="Tune"), TPE1(text="Björk"), TBPM(text="93.5"), TKEY(text="Am")):
            file.tags.add(frame)
        file.tags.add(COMM(lang="eng", desc="iTunNORM", text=" 00000A2B"))
        file.tags.add(COMM(lang="deu", desc="x", text="with love"))
    file.save()
    assert probe(path).tags == FACTS


def test_m4a_tempo_is_a_whole_number(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4800), 48_000)
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a")
    file = mutagen.File(tmp_path / "a.m4a")
    file.update({"\xa9nam": "Tune", "tmpo": [94], "----:com.apple.iTunes:initialkey": [b"Am"]})
    file.save()
    assert read_tags(tmp_path / "a.m4a") == (("bpm", "94"), ("key", "Am"), ("title", "Tune"))


@pytest.mark.parametrize("data", [b"", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"fLaC" + bytes(64), b"OggS" + bytes(64)])
def test_broken_tags_are_no_tags(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(data)
    assert read_tags(tmp_path / "a.mp3") == () and read_cover(tmp_path / "a.mp3") is None


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGM4AQAAygDJmcpdfgAAAABJRU5ErkJggg=="
BACK = base64.b64decode(PNG)
FRONT = BACK + b"TAG" + bytes(125)
"""A picture at whose end some see an ID3v1 tag."""
SONG = {"title": "Tune", "artist": "Björk", "bpm": "93.5", "key": "Am", "date": "1995-06-13", "track": "3"}


def song(path: Path, front: bytes = FRONT) -> Path:
    """Half a second of audio with tags and two pictures, the front cover last where pictures have a type."""
    soundfile.write(path.with_name("source.wav"), np.zeros(RATE // 2), RATE)
    tool("ffmpeg", "-v", "error", "-i", path.with_name("source.wav"), path)
    file = mutagen.File(path)
    if path.suffix == ".m4a":
        file.update({f"----:com.apple.iTunes:{name}": [SONG[name[-3:]].encode()] for name in ("bpm", "initialkey")})
        file.update({"\xa9nam": SONG["title"], "\xa9ART": SONG["artist"], "\xa9day": SONG["date"], "trkn": [(3, 0)]})
        file["covr"] = [MP4Cover(front, MP4Cover.FORMAT_JPEG), MP4Cover(BACK)]  # the wrong type, as often
    elif path.suffix in (".mp3", ".aiff"):
        file.add_tags() if file.tags is None else None
        for frame, text in zip(("TIT2", "TPE1", "TBPM", "TKEY", "TDRC", "TRCK"), SONG.values(), strict=True):
            file.tags.add(mutagen.id3.Frames[frame](text=text))
        file.tags.add(APIC(type=4, mime="image/png", desc="back", data=BACK))
        file.tags.add(APIC(type=3, mime="JPG", desc="front", data=front))
    else:
        file.update({"tracknumber" if name == "track" else name: text for name, text in SONG.items()})
        for kind, data in ((4, BACK), (3, front)):
            picture = Picture()
            picture.type, picture.data = kind, data
            coded = ("METADATA_BLOCK_PICTURE", base64.b64encode(picture.write()).decode())
            file.add_picture(picture) if path.suffix == ".flac" else file.tags.append(coded)
    file.save()
    return path


def stem(path: Path, id3: bytes, limit: int = 0xFFFFFFFF) -> Path:
    with WavWriter(path, RATE, 2, riff_limit=limit, chunks=[(b"iXML", b"<a/>"), (b"id3 ", id3)]) as out:
        out.write(SAMPLES)
    return path


@pytest.mark.parametrize("name", ["a.mp3", "a.aiff", "a.flac", "a.ogg", "a.opus", "a.m4a"])
@pytest.mark.parametrize("limit", [0xFFFFFFFF, 10])
def test_tags_and_cover_of_a_song_are_those_of_its_stems(tmp_path: Path, name: str, limit: int) -> None:
    source = song(tmp_path / name)
    tags, cover = read_tags(source), read_cover(source)
    assert dict(tags).items() >= SONG.items() and cover == Cover("image/png", FRONT)
    path = stem(tmp_path / "stem.wav", stem_id3(tags, cover), limit)
    replace_chunks(path, {b"iXML": b"<b/>"})
    assert read_tags(path) == tags and read_cover(path) == cover
    file = probe(path)
    assert (file.frames, file.damage, file.tag("bpm"), file.tag("title")) == (480, (), "93.5", "Tune")
    assert np.array_equal(soundfile.read(path, dtype="float32")[0].T, FLOATS)
    if limit > 10:
        id3 = mutagen.wave.WAVE(path).tags
        assert [id3[key] for key in ("TIT2", "TPE1", "TBPM", "TKEY", "TDRC", "TRCK")] == [*SONG.values()]
        assert [(picture.type, picture.data) for picture in id3.getall("APIC")] == [(3, FRONT)]


def test_ffprobe_shows_tags_and_picture(tmp_path: Path) -> None:
    tool("ffprobe", "-version")
    path = stem(tmp_path / "a.wav", stem_id3(SONG.items(), Cover("image/png", FRONT)))
    wanted = ("-show_entries", "stream=codec_name:format_tags=title,artist", "-of", "csv=p=0")
    shown = subprocess.check_output(["ffprobe", "-v", "error", *wanted, path], encoding="utf-8")
    assert shown.split() == ["pcm_s24le", "png", "Tune,Björk"]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["title", "artist", "album", "bpm", "key", "comment"]), st.text(max_size=500)))
@example({"title": "\0\ud800 \ufeff", "genre": "(17)", "date": "soon", "mood": "sad"})
def test_any_text_is_carried(tmp_path_factory, facts: dict[str, str]) -> None:
    id3, path = stem_id3(facts.items(), None), tmp_path_factory.mktemp("id3") / "a.wav"
    texts = {name: text.replace("\0", " ").encode(errors="replace").decode().strip() for name, text in facts.items()}
    kept = {name: text for name, text in texts.items() if text and name not in ("date", "mood")}
    assert dict(read_tags(stem(path, id3))) == (kept | {"genre": "Rock"} if "genre" in facts else kept)
    assert id3 == stem_id3(facts.items(), None) and bool(id3) == bool(kept)


@pytest.mark.parametrize("front", [b"http://example.org/a.png", FRONT + bytes(MAX_COVER)], ids=["link", "huge"])
def test_what_is_no_picture_or_too_large_is_no_cover(tmp_path: Path, front: bytes) -> None:
    assert read_cover(song(tmp_path / "a.mp3", front)) == Cover("image/png", BACK)
    assert stem_id3((), None) == b"" and read_cover(stem(tmp_path / "a.wav", b"")) is None
