"""Tags by the names of each container become ours."""

from __future__ import annotations

from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import COMM, TBPM, TIT2, TKEY, TPE1
from wavs import tool

from stemwright.audio.probe import probe
from stemwright.audio.tags import read_tags

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
    assert read_tags(tmp_path / "a.mp3") == ()
