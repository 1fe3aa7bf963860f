"""Findings on the timeline: REAPER regions, MIDI markers, and labels inside copies of the stems."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import rpp
import soundfile
from session_kit import band, song

from stemwright.audio.chunks import Bext, parse_bext
from stemwright.audio.probe import probe
from stemwright.audio.riff import body, walk
from stemwright.audio.wav import WavWriter, replace_chunks
from stemwright.errors import AlreadyThere
from stemwright.model import Finding, Span, Stem, StemSet
from stemwright.session.findings import session_of
from stemwright.session.formats import write_session
from stemwright.session.labels import write_labelled

RATE = 48_000
INFO = b"INFO" + b"INAM" + struct.pack("<I", 4) + b"Song"
OLD_POINTS = struct.pack("<III4sIII", 1, 2, 7, b"data", 0, 0, 7)
OLD_TEXTS = b"labl" + struct.pack("<II", 6, 2) + b"a\0"


@pytest.fixture
def stems(tmp_path: Path) -> StemSet:
    """Two stems an hour into the day, one of them 2,401 frames later; Vox, Bass and Mix without a time."""
    return replace(band(tmp_path), folder=tmp_path)


FOUND = (
    Finding("CLP001", "error", "is clipped", Path("Snare.wav"), (Span(100, 104), Span(3_000, 3_002, 0))),
    Finding("TIM005", "warning", "drops out − twice", Path("Vox.wav"), (Span(1_000, 2_000),)),
    Finding("CLP001", "error", "is clipped on purpose", Path("Bass.wav"), (Span(5, 9),), waived="distortion"),
    Finding("BIT001", "error", "holds\nonly 16 bits", Path("Bass.wav")),
    Finding("MIX001", "warning", "the stems do not make the mix", None, (Span(50, 60),)),
    Finding("PKG001", "warning", "no notes", None),
    Finding("PKG005", "info", "is left over", Path("Thumbs.db")),
)


def test_markers_stand_where_the_stems_do(stems: StemSet) -> None:
    session = session_of(stems, FOUND)
    mine = {m.name: (m.at, m.length) for m in session.markers if m.name[:3] in ("CLP", "TIM", "MIX")}
    assert mine == {
        f"CLP001 {'x' * 200}: is clipped (2 places here)": (2_401 + 100, 2_902),
        "TIM005 Lead 'Vox' \"A\": drops out − twice": (1_000, 1_000),
        "MIX001 All stems: the stems do not make the mix": (50, 0),
    }
    assert [m.at for m in session.markers] == sorted(m.at for m in session.markers)
    assert [t.comment for t in session.tracks if t.name == "Bass"] == ["BIT001: holds only 16 bits"]
    assert [t.comment for t in session.tracks if "Vox" in t.name] == ["Printed effects: plate, 1/4 delay"]
    assert session.notes[-2:] == ("PKG001 no notes", "PKG005 Thumbs.db is left over")
    far = replace(FOUND[0], spans=(Span(0, 4), Span(2 * RATE, 2 * RATE + 4)), subject=stems.stems[3].file.path)
    assert len(session_of(stems, (far,)).markers) == len(session_of(stems, ()).markers) + 2


def test_reaper_and_midi_hold_them(stems: StemSet, tmp_path: Path) -> None:
    stems = replace(stems, song=song(markers=(), bpm=None, key=None, downbeat_frame=0))
    session = session_of(stems, FOUND)
    write_session("reaper", session, tmp_path / "a.rpp")
    lines = [line for line in rpp.loads((tmp_path / "a.rpp").read_text()) if line[0] == "MARKER"]
    starts = {line[3]: round(float(line[2]) * RATE) for line in lines if line[3]}
    assert starts["TIM005 Lead 'Vox' \"A\": drops out − twice"] == 1_000 and len(starts) == 3
    ends = [round(float(line[2]) * RATE) for line in lines if not line[3]]
    assert ends == [2_000, 2_401 + 3_002], "two regions, and a marker"
    write_session("midi", session, tmp_path / "a.mid")
    [track] = mido.MidiFile(tmp_path / "a.mid", charset="utf-8").tracks
    now, texts = 0, {}
    for message in track:
        now += message.time
        if message.type == "marker":
            texts[message.text] = now
    ticks = {name: round(at / RATE * 2 * 960) for name, at in starts.items()}
    assert texts == ticks, "120 BPM, 960 ticks a quarter"


def described(folder: Path, **changes: object) -> Stem:
    """A WAV with bext, INFO, an old cue point of its own, and an odd number of bytes in a chunk."""
    stem = band(folder).stems[1]
    with WavWriter(folder / "Own.wav", RATE, 1, bext=Bext("Take 7", time_reference=99)) as out:
        out.write(np.arange(4_801, dtype=np.int32)[None])
    extra = {b"LISTINFO": INFO[4:], b"cue ": OLD_POINTS, b"LISTadtl": OLD_TEXTS, b"odd ": b"xyz"}
    replace_chunks(folder / "Own.wav", extra)
    return replace(stem, file=probe(folder / "Own.wav"), name="Own", **changes)


def chunks(path: Path) -> dict[bytes, bytes]:
    with path.open("rb") as file:
        found = list(walk(file, path.stat().st_size))
        return {c.name + (body(file, c)[:4] if c.name == b"LIST" else b""): body(file, c) for c in found}


def test_copies_carry_labels_and_nothing_else_changes(tmp_path: Path) -> None:
    one = described(tmp_path)
    before = one.file.path.read_bytes()
    message = "is clipped at −0.10 dBFS – ü"
    found = (
        Finding("CLP001", "error", message, Path("Own.wav"), (Span(10, 13), Span(11, 15), Span(40_000, 40_001))),
        Finding("BIT001", "error", "has 16 bits", one.file.path),
    )
    stems = StemSet(song(), (one,), folder=tmp_path)
    written = write_labelled(stems, found, tmp_path / "labelled")
    [copy] = [output.path for output in written.outputs]
    assert copy == tmp_path / "labelled" / "Own.wav" and one.file.path.read_bytes() == before
    assert (soundfile.read(copy, dtype="int32")[0] == soundfile.read(one.file.path, dtype="int32")[0]).all()
    old, new = chunks(one.file.path), chunks(copy)
    assert {name: new[name] for name in new if name not in (b"cue ", b"LISTadtl", b"bext")} == {
        name: old[name] for name in old if name not in (b"cue ", b"LISTadtl", b"bext")
    }
    bext, was = parse_bext(new[b"bext"]), parse_bext(old[b"bext"])
    assert bext and was and bext.description == "CLP001: is clipped at -0.10 dBFS - ?; BIT001: has 16 bits"
    assert replace(bext, description="Take 7") == was
    [count], rest = struct.unpack_from("<I", new[b"cue "]), new[b"cue "][4:]
    points = [struct.unpack_from("<II4sIII", rest, 24 * n) for n in range(count)]
    assert points == [(2, 7, b"data", 0, 0, 7), (1, 10, b"data", 0, 0, 10), (3, 40_000, b"data", 0, 0, 40_000)]
    label = b"CLP001: is clipped at -0.10 dBFS - ?\0"
    assert new[b"LISTadtl"].startswith(b"adtl" + OLD_TEXTS + b"labl") and new[b"LISTadtl"].count(label) == 2
    assert b"ltxt" + struct.pack("<III4s", 20, 1, 5, b"rgn ") in new[b"LISTadtl"], "frames 10 to 15"
    assert int.from_bytes(copy.read_bytes()[4:8], "little") == copy.stat().st_size - 8
    with pytest.raises(AlreadyThere):
        write_labelled(stems, found, tmp_path / "labelled")


def test_only_what_was_found_in_whole_wavs_is_copied(stems: StemSet, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "Keys.flac", soundfile.read(tmp_path / "Vox.wav")[0], RATE, subtype="PCM_24")
    keys = Stem(probe(tmp_path / "Keys.flac"), "keys", "Keys")
    found = (*FOUND, Finding("CLP001", "error", "is clipped", Path("Keys.flac"), (Span(1, 5),)))
    written = write_labelled(replace(stems, stems=(*stems.stems, keys)), found, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Bass.wav", "Snare.wav", "Vox.wav"]
    assert [(loss.subject, loss.field) for loss in written.losses] == [("Keys", "markers")]
    assert (tmp_path / "out" / "Bass.wav").read_bytes() == (tmp_path / "Bass.wav").read_bytes(), "nothing to label"
