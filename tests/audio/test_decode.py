"""Compressed stems line up with the original to the sample, and decoders cannot be led to other files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import mutagen.mp4
import numpy as np
import pytest
import soundfile
from odd_wavs import FLOATS, tool

from stemwright.audio.coders import ffmpeg
from stemwright.audio.decode import foreign
from stemwright.audio.mp4 import stated_seconds
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, read_all
from stemwright.errors import DamagedAudio, InputError, NotAudio, UnreadableAudio


def clicks(frames: int, rate: int, path: Path) -> np.ndarray:
    """A mono click track with a chirp, so that a shift of one frame shows."""
    time = np.arange(frames) / rate
    sound = 0.3 * np.sin(2 * np.pi * (200 + 900 * time) * time)
    sound[:: rate // 7] += 0.5
    soundfile.write(path, sound, rate, subtype="PCM_24")
    return sound.astype(np.float32)


def lag(source: np.ndarray, decoded: np.ndarray) -> int:
    """Frames by which `decoded` comes late."""
    room = 3000
    middle = source[room : len(source) - room]
    scores = [middle @ decoded[room + shift : len(source) - room + shift] for shift in range(-room + 500, room - 500)]
    return int(np.argmax(scores)) - (room - 500)


@pytest.mark.parametrize("frames", [44_100, 50_001])
def test_mp3_lines_up_with_its_source(tmp_path: Path, frames: int) -> None:
    source = clicks(frames, 44_100, tmp_path / "a.wav")
    tool("lame", "--quiet", "-b", 192, tmp_path / "a.wav", tmp_path / "a.mp3")
    file = probe(tmp_path / "a.mp3")
    decoded = read_all(file)[0]
    assert (file.format.container, file.format.encoding, file.format.bits) == ("mp3", "lossy", 0)
    assert (file.frames, decoded.shape, lag(source, decoded)) == (frames, (frames,), 0)
    os.truncate(tmp_path / "a.mp3", (tmp_path / "a.mp3").stat().st_size // 2)
    cut = probe(tmp_path / "a.mp3")
    assert cut.damage[0].kind == "truncated" and cut.frames + cut.damage[0].lost_frames == frames
    assert read_all(cut).shape == (1, cut.frames)


def test_mp3_without_tag_keeps_its_delay_of_1105_frames(tmp_path: Path) -> None:
    source = clicks(50_000, 44_100, tmp_path / "a.wav")
    tool("lame", "--quiet", "-t", "-b", 192, tmp_path / "a.wav", tmp_path / "a.mp3")
    file = probe(tmp_path / "a.mp3")
    decoded = read_all(file)[0]
    assert lag(source, decoded[: len(source)]) == 1105
    assert len(decoded) == file.frames == 45 * 1152 and not file.damage


@pytest.mark.parametrize(("frames", "rate"), [(50_000, 44_100), (65_537, 44_100), (51_220, 48_000), (44_100, 44_100)])
def test_m4a_has_the_length_and_place_of_its_source(tmp_path: Path, frames: int, rate: int) -> None:
    source = clicks(frames, rate, tmp_path / "a.wav")
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "aac", tmp_path / "a.m4a")
    file = probe(tmp_path / "a.m4a")
    decoded = np.concatenate(list(blocks(file, 1000)), axis=1)[0]
    assert (file.format.container, file.format.encoding, file.format.sample_rate) == ("m4a", "lossy", rate)
    assert (file.frames, decoded.shape, lag(source, decoded), file.damage) == (frames, (frames,), 0, ())


def test_m4a_by_apple_states_its_length_in_a_tag(tmp_path: Path) -> None:
    source = clicks(50_000, 44_100, tmp_path / "a.wav")
    path = tmp_path / "a.m4a"
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "aac", "-use_editlist", 0, path)
    assert stated_seconds(path) is None
    file = mutagen.mp4.MP4(path)
    gapless = b" 00000000 00000400 %08X %016X" % (176, 50_000) + b" 00000000" * 8
    file["----:com.apple.iTunes:iTunSMPB"] = [mutagen.mp4.MP4FreeForm(gapless)]
    file.save()
    probed = probe(path)
    assert (probed.frames, lag(source, read_all(probed)[0])) == (50_000, 0)


def test_m4a_that_an_edit_list_cuts_is_cut(tmp_path: Path) -> None:
    clicks(88_200, 44_100, tmp_path / "a.wav")
    path = tmp_path / "a.m4a"
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "aac", path)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 4] = struct.pack(">I", 1000)  # of 2000 ms
    path.write_bytes(data)
    assert stated_seconds(path) is None and abs(probe(path).frames - 44_100) <= 1024


def test_apple_lossless_and_streamed_flac_are_exact(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", FLOATS.T, 48_000, subtype="PCM_24")
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "alac", tmp_path / "a.m4a")
    soundfile.write(tmp_path / "a.flac", FLOATS.T, 48_000, subtype="PCM_24")
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    for name in ("a.m4a", "a.flac"):
        file = probe(tmp_path / name)
        assert (file.format.encoding, file.format.bits, file.format.container, file.frames) == (
            "pcm",
            24,
            name[2:],
            480,
        )
        assert np.array_equal(read_all(file), FLOATS)


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.aac", "a.wv"])
def test_other_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    source = clicks(48_000, 48_000, tmp_path / "a.wav")
    if name in ("a.ogg", "a.opus"):
        soundfile.write(tmp_path / name, source, 48_000, format="OGG", subtype="OPUS" if name == "a.opus" else "VORBIS")
    else:
        tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / name)
    file = probe(tmp_path / name)
    decoded = read_all(file)[0]
    assert (file.format.container, file.format.encoding, file.format.channels) == (name[2:], "lossy", 1)
    assert decoded.shape == (file.frames,) and 48_000 <= file.frames <= 51_000
    if name != "a.aac":  # nothing in a bare ADTS stream tells its delay
        assert lag(source, decoded[:48_000]) == 0


def test_aiff_that_lost_its_end_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.aiff"
    soundfile.write(path, FLOATS.T, 48_000, subtype="PCM_24")
    os.truncate(path, path.stat().st_size - 606)
    file = probe(path)
    assert [(d.kind, d.lost_frames) for d in file.damage] == [("truncated", 480 - file.frames)]
    assert np.array_equal(read_all(file), FLOATS[:, : file.frames]) and file.frames >= 370


def test_flac_that_lost_its_end_raises_when_read(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.tile(FLOATS, 60).T, 48_000, subtype="PCM_24")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DamagedAudio, match="stops after"):
        read_all(probe(path))


def test_a_playlist_cannot_make_a_decoder_open_its_neighbour(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "neighbour.wav", FLOATS.T, 48_000)
    for text in ("ffconcat version 1.0\nfile neighbour.wav\n", "#EXTM3U\n#EXTINF:1,\nneighbour.wav\n"):
        for name in ("a.wav", "a.m4a", "a.aac"):
            (tmp_path / name).write_text(text)
            with pytest.raises(NotAudio):
                probe(tmp_path / name)


def test_nor_can_it_make_an_encoder(tmp_path: Path) -> None:
    tool("ffmpeg", "-version")
    soundfile.write(tmp_path / "neighbour.wav", FLOATS.T, 48_000)
    for text in ("ffconcat version 1.0\nfile neighbour.wav\n", "#EXTM3U\n#EXTINF:1,\nneighbour.wav\n#EXT-X-ENDLIST\n"):
        (tmp_path / "a.wav").write_text(text)
        with pytest.raises(DamagedAudio, match=r"a\.wav: ffmpeg cannot convert it"):
            ffmpeg(tmp_path / "a.wav", tmp_path / "a.mp3", hint="")


def test_without_a_decoder_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.m4a"
    path.write_bytes(struct.pack(">I", 24) + b"ftypM4A " + bytes(40))
    with pytest.raises(UnreadableAudio) as caught:
        probe(path)
    assert "install ffmpeg" in caught.value.hint


def test_a_broken_m4a_is_damaged(tmp_path: Path) -> None:
    tool("ffmpeg", "-version")
    path = tmp_path / "a.m4a"
    path.write_bytes(struct.pack(">I", 24) + b"ftypM4A " + bytes(40))
    with pytest.raises(InputError):
        probe(path)
    assert stated_seconds(path) is None and foreign(b"RIFF" + bytes(28)) == ""


def test_a_protected_m4p_is_locked(tmp_path: Path) -> None:
    clicks(44_100, 44_100, tmp_path / "a.wav")
    path = tmp_path / "a.m4p"
    tool("ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "aac", "-f", "mp4", path)
    assert probe(path).format.container == "m4a"
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"drms"))
    with pytest.raises(UnreadableAudio, match="copy-protected") as caught:
        probe(path)
    assert caught.value.kind == "locked"
