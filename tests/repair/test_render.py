"""One treatment: a lossless one proves itself, every lie is caught, all that lies beside the samples travels along."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repair.defects import ODD, RATE, write
from stemwright.audio.chunks import build_ixml
from stemwright.audio.probe import probe
from stemwright.errors import OutputError
from stemwright.model import Levels, Song, Stem, StemSet
from stemwright.repair.render import render
from stemwright.repair.treatment import Plan, Treatment, unchanged

FRAMES = 700


def noise(channels: int = 2, quiet: tuple[int, int] = (0, 0)) -> np.ndarray:
    """24-bit values, with so many frames of silence at both ends."""
    made = np.random.default_rng(1).integers(-(2**22), 2**22, (channels, FRAMES)) / 2**23
    made[:, : quiet[0]] = 0
    made[:, FRAMES - quiet[1] :] = 0
    return made


def treatment(path: Path, **changes: object) -> Treatment:
    levels = Levels(-6.0, (-6.0,), -12.0, 0.0)
    stems = StemSet(Song("Song", RATE), (Stem(probe(path), "other", path.stem, levels),))
    return replace(unchanged(stems).treatments[0], rewrite=True, **changes)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.integers(-50, 300),
    back=st.integers(-40, 300),
    signs=st.sampled_from([(1, 1), (1, -1), (-1, -1)]),
    bits=st.sampled_from([16, 24, 32]),
    wider=st.booleans(),
)
def test_moved_lengthened_inverted(
    tmp_path: Path, head: int, back: int, signs: tuple[int, int], bits: int, wider: bool
) -> None:
    made = np.rint(noise(quiet=(50, 40)) * 2**15) / 2**15 if bits == 16 else noise(quiet=(50, 40))
    source = write(tmp_path / "in.wav", made, bits)
    t = treatment(source, head=head, frames=FRAMES + head + back, signs=signs)
    t = replace(t, bits=24, encoding="pcm") if wider and bits != 24 else t
    digest = render(t, tmp_path / "out.wav")
    read, _ = soundfile.read(tmp_path / "out.wav", always_2d=True)
    expected = np.pad(made * np.array(signs)[:, None], ((0, 0), (max(0, head), max(0, back))))
    expected = expected[:, max(0, -head) : expected.shape[1] - max(0, -back)]
    assert np.array_equal(read.T, expected)
    raw = (read.astype(np.float32) + np.float32(0)).tobytes()
    assert digest == hashlib.blake2b(raw, digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("lie", "caught"),
    [
        ({"head": -51}, "lose or add sound"),
        ({"frames": FRAMES - 41}, "lose or add sound"),
        ({"channels": (0,), "signs": (1,)}, "lose channel 2"),
        ({"bits": 16}, "does not hold the samples"),
        ({"lossy": True, "gain_db": 9.0}, "would clip"),
    ],
)
def test_what_would_lose_sound_is_never_left_behind(tmp_path: Path, lie: dict, caught: str) -> None:
    source = write(tmp_path / "in.wav", noise(quiet=(50, 40)))
    with pytest.raises(OutputError, match=caught):
        render(treatment(source, **lie), tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_a_flaw_of_the_writer_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stemwright.repair import render as module

    really = module.quantise
    monkeypatch.setattr(module, "quantise", lambda block, bits: really(block, bits) + (block == block.max()))
    with pytest.raises(OutputError, match="does not hold"):
        render(treatment(write(tmp_path / "in.wav", noise())), tmp_path / "out.wav")


def test_dual_mono_one_side_and_two_halves(tmp_path: Path) -> None:
    one = noise(1)
    for name, both in (("dual", one[[0, 0]]), ("right", np.concatenate((one * 0, one)))):
        side = (1,) if name == "right" else (0,)
        t = treatment(write(tmp_path / f"{name}.wav", both), channels=side, signs=(1,))
        render(t, tmp_path / "out.wav")
        assert np.array_equal(soundfile.read(tmp_path / "out.wav")[0], one[0])
    left, right = noise(2)[:1], noise(2)[1:]
    halves = [treatment(write(tmp_path / f"x.{side}.wav", made)) for side, made in (("L", left), ("R", right))]
    both = replace(halves[0], sources=(halves[0].stem, halves[1].stem), channels=(0, 1), signs=(1, 1))
    render(both, tmp_path / "out.wav")
    assert np.array_equal(soundfile.read(tmp_path / "out.wav")[0].T, noise(2))


def cue(*frames: int) -> bytes:
    points = (struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in enumerate(frames, 1))
    return struct.pack("<I", len(frames)) + b"".join(points)


def test_chunks_travel_to_the_byte_and_facts_stay_true(tmp_path: Path) -> None:
    ixml = build_ixml(project="S", track="T", channels=2, sample_rate=RATE, bits=24, tempo=None, note="scene 7")
    texts = (b"LIST", b"INFOICMT\x04\0\0\0text"), (b"iXML", ixml), (b"cue ", cue(10, 600)), (b"MD5 ", bytes(16)), ODD
    made = np.rint(noise() * 2**15) / 2**15
    source = write(tmp_path / "in.wav", made, 16, start=9_000, odd=texts)
    render(treatment(source, head=100, frames=FRAMES + 100, bits=24, start=8_900), tmp_path / "out.wav")
    data, out = (tmp_path / "out.wav").read_bytes(), probe(tmp_path / "out.wav")
    names = [chunk.name.rstrip() for chunk in out.chunks]
    assert names == ["JUNK", "bext", "fmt", "data", "LIST", "iXML", "cue", "xyzz"], (
        "a checksum of other samples is gone"
    )
    for name, body in (texts[0], ODD):
        assert name + struct.pack("<I", len(body)) + body in data
    assert cue(110, 700) in data
    assert out.start_frame == 8_900
    before = source.read_bytes()
    at, to = before.index(b"bext"), data.index(b"bext")
    assert before[at : at + 346] == data[to : to + 346]
    assert before[at + 354 : at + 610] == data[to + 354 : to + 610], "all of bext but the time stamp"
    assert b"scene 7" in data
    assert b"<AUDIO_BIT_DEPTH>24<" in data
    assert source.read_bytes() == before


def test_flac_and_aiff_come_over_with_their_tags(tmp_path: Path) -> None:
    import mutagen

    soundfile.write(tmp_path / "in.flac", noise().T, RATE, subtype="PCM_24")
    tagged = mutagen.File(tmp_path / "in.flac")
    tagged["title"] = "Kick"
    tagged.save()
    render(treatment(tmp_path / "in.flac", start=0), tmp_path / "out.wav")
    assert np.array_equal(soundfile.read(tmp_path / "out.wav")[0].T, noise())
    assert probe(tmp_path / "out.wav").tag("title") == "Kick"


def test_the_cue_sheet_of_a_flac_becomes_markers(tmp_path: Path) -> None:
    from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex

    soundfile.write(tmp_path / "in.flac", noise().T, RATE, subtype="PCM_24")
    tagged = FLAC(tmp_path / "in.flac")
    sheet = CueSheet(None)
    for number, at in ((1, 0), (2, 588), (170, FRAMES)):
        track = CueSheetTrack(number, at)
        track.indexes = [] if number == 170 else [CueSheetTrackIndex(1, 0)]
        sheet.tracks.append(track)
    tagged.cuesheet = sheet
    tagged.metadata_blocks.append(sheet)
    tagged.save()
    render(treatment(tmp_path / "in.flac", head=100, frames=FRAMES + 100, start=0), tmp_path / "out.wav")
    points = b"".join(struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in ((1, 100), (2, 688)))
    data = (tmp_path / "out.wav").read_bytes()
    assert b"cue " + struct.pack("<II", 52, 2) + points in data
    assert b"Track 2" in data


def rifx(path: Path, *chunks: tuple[bytes, bytes]) -> Path:
    """24-bit noise with its numbers the other way round."""
    form = struct.pack(">HHIIHH", 1, 2, RATE, 6 * RATE, 6, 24)
    values = (noise() * 2**23).astype(">i4").T.tobytes()
    data = b"".join(values[at + 1 : at + 4] for at in range(0, len(values), 4))
    parts = (b"fmt ", form), *chunks, (b"data", data)
    body = b"".join(name + struct.pack(">I", len(part)) + part + bytes(len(part) % 2) for name, part in parts)
    path.write_bytes(b"RIFX" + struct.pack(">I", len(body) + 4) + b"WAVE" + body)
    return path


def test_what_a_rifx_file_cannot_keep_is_told(tmp_path: Path) -> None:
    ixml = build_ixml(project="S", track="T", channels=2, sample_rate=RATE, bits=24, tempo=None, note="scene 7")
    points = struct.pack(">I", 1) + struct.pack(">II4sIII", 1, 10, b"data", 0, 0, 10)
    source = rifx(tmp_path / "in.wav", (b"cue ", points), (b"iXML", ixml))
    copied = replace(treatment(source), rewrite=False)
    made = Plan((copied,)).change(copied, "header mended", rewrite=True).treatments[0]
    assert made.steps == ("header mended", "left behind, as RIFX numbers stand the other way round: cue")
    render(made, tmp_path / "out.wav")
    data = (tmp_path / "out.wav").read_bytes()
    assert np.array_equal(soundfile.read(tmp_path / "out.wav")[0].T, noise())
    assert b"scene 7" in data
    assert b"cue " not in data
    plain = replace(treatment(rifx(tmp_path / "plain.wav")), rewrite=False)
    assert Plan((plain,)).change(plain, "header mended", rewrite=True).treatments[0].steps == ("header mended",)
