from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import aaf2
import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from aaf2.cfb import CompoundFileBinary
from hypothesis import given, settings
from hypothesis import strategies as st
from session_kit import band, song, wav

from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.errors import AlreadyThere, SessionError
from stemwright.model import Clip, Marker, Session, Stem, Track
from stemwright.session.arrange import arrange
from stemwright.session.formats import aaf, write_session
from stemwright.session.formats.aaf import mobs, store
from stemwright.session.formats.aaf.compound import Compound
from stemwright.session.formats.aaf.lint import lint_aaf
from stemwright.session.media import Roots
from stemwright.session.verify import prove


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """The band, a 5.1 and a three-channel effect, gain and pan on the bass."""
    stems = band(tmp_path)
    effects = (
        Stem(wav(tmp_path / "Sur.wav", 600, 6), "fx", "Sur"),
        Stem(wav(tmp_path / "Tri.wav", 600, 3), "fx", "Tri"),
    )
    made = arrange(replace(stems, stems=(*stems.stems, *effects)))
    return replace(
        made, tracks=tuple(replace(t, gain_db=-6.0, pan=-0.5) if t.name == "Bass" else t for t in made.tracks)
    )


def slots(path: Path) -> list[dict[str, Any]]:
    """What the sound slots hold: name, gain, pan, tags, and clips as (start, length, clip gain, master names)."""
    found = []
    with aaf2.open(str(path)) as aaf:
        for slot in next(aaf.content.toplevel()).slots:
            if slot.media_kind != "Sound":
                continue
            row: dict[str, Any] = {"name": slot.name, "rate": slot.edit_rate, "clips": []}
            row |= {tag.name: tag.value for tag in slot["TimelineMobAttributeList"].value}
            segment = slot.segment
            while type(segment).__name__ == "OperationGroup":
                row[segment.operation.name] = float(next(iter(segment.parameters)).value)
                segment = segment.segments[0]
            at = 0
            for part in segment.components:
                if type(part).__name__ != "Filler":
                    gain, inner = 1.0, part
                    if type(inner).__name__ == "OperationGroup" and inner.operation.name == "Audio Gain":
                        gain, inner = float(next(iter(inner.parameters)).value), inner.segments[0]
                    clips = inner.segments if type(inner).__name__ == "OperationGroup" else [inner]
                    row["clips"].append((at, part.length, gain, [clip.mob.name for clip in clips]))
                at += part.length
            found.append(row)
    return found


@pytest.mark.parametrize("embed", [False, True])
def test_structure_and_content(session: Session, tmp_path: Path, embed: bool) -> None:
    path = tmp_path / "s.aaf"
    written = write_session("aaf", session, path, embed=embed)
    assert lint_aaf(path) == ()
    rows = {row["name"]: row for row in slots(path)}
    assert [n[:4] for n in rows] == ["Full", "Kick", "xxxx", "Bass", "Lead", "Sur", "Tri.", "Tri.", "Tri."]
    assert all(row["rate"] == 48000 for row in rows.values())
    assert (
        rows["FullMix"]["clips"] == [(0, 9600, 1.0, ["Mix.L", "Mix.R"])] and rows["FullMix"]["AudioMixerCompMute"] == 1
    )
    assert rows["Kick 🥁"]["clips"] == [(0, 4800, pytest.approx(10 ** (3 / 20), abs=1e-8), ["Kick_a"])]
    assert rows["x" * 200]["clips"] == [(2401, 4000, 1.0, ["Snare"])]
    assert (rows["Bass"]["Audio Gain"], rows["Bass"]["Audio Pan"]) == (pytest.approx(10 ** (-6 / 20), abs=1e-8), 0.25)
    assert [rows[n]["_TRACK_FORMAT"] for n in ("Kick 🥁", "Bass", "Sur", "Tri.2")] == [1, 2, 3, 1]
    assert rows["Sur"]["clips"][0][3] == [f"Sur.{n}" for n in range(1, 7)] and rows["Tri.3"]["clips"][0][3] == ["Tri.3"]
    media = sorted(p.name for p in (tmp_path / "Audio Files").iterdir()) if not embed else []
    assert sorted(o.path.name for o in written.outputs if o.kind == "media") == media and len(media) == (
        0 if embed else 17
    )
    assert path.read_bytes()[68:72] == b"\xfe\xff\xff\xff"


@pytest.mark.parametrize("embed", [False, True])
def test_chains_and_descriptors(session: Session, tmp_path: Path, embed: bool) -> None:
    """Composition to master to file to tape, in the words of Pro Tools; read with pyaaf2, not with our reader."""
    write_session("aaf", session, tmp_path / "s.aaf", embed=embed)
    with aaf2.open(str(tmp_path / "s.aaf")) as aaf:
        for master in aaf.content.mastermobs():
            source = master.slot_at(1).segment.mob
            tape = source.slot_at(1).segment.mob
            assert [type(mob).__name__ for mob in (source, tape)] == ["SourceMob", "SourceMob"]
            assert not tape.slot_at(1).segment.mob_id.int
            descriptor = source.descriptor
            if embed:
                wanted = ("Channels", "QuantizationBits", "BlockAlign", "SequenceOffset", "Locked")
                assert [descriptor[name].value for name in wanted] == [1, 24, 3, 0, False]
                assert "ContainerFormat" in descriptor and "ElectroSpatial" in descriptor
            else:
                assert bytes(descriptor["Summary"].value)[:4] == b"RIFF"
                assert descriptor["Locator"].value[0]["URLString"].value.startswith("file:///")


def channels(session: Session) -> dict[str, np.ndarray[Any, np.dtype[np.int32]]]:
    """The samples that every essence must hold."""
    files = {clip.file.path: clip.file for track in session.tracks for clip in track.clips}
    whole = {"Kick_a" if "Kick" in path.stem else path.stem: quantise(read_all(file)) for path, file in files.items()}
    return {
        name if len(pcm) == 1 else f"{name}.{'LR'[n] if len(pcm) == 2 else n + 1}": pcm[n]
        for name, pcm in whole.items()
        for n in range(len(pcm))
    }


def test_essences_are_the_source_bit_for_bit(session: Session, tmp_path: Path) -> None:
    expected = channels(session)
    assert len(expected) == 17
    write_session("aaf", session, tmp_path / "e.aaf", embed=True)
    write_session("aaf", session, tmp_path / "l.aaf")
    with aaf2.open(str(tmp_path / "e.aaf")) as aaf:
        found = {mob.name: bytes(mob.essence.open("r").read()) for mob in aaf.content.sourcemobs() if mob.essence}
    assert found == {
        name: b"".join(int(x).to_bytes(3, "little", signed=True) for x in pcm) for name, pcm in expected.items()
    }
    for name, pcm in expected.items():
        read, rate = soundfile.read(tmp_path / "Audio Files" / f"{name}.wav", dtype="int32")
        assert rate == 48000 and np.array_equal(read >> 8, pcm)
    assert probe(tmp_path / "Audio Files" / "Snare.wav").start_frame == 3600 * 48000 + 2401
    assert probe(tmp_path / "Audio Files" / "Bass.L.wav").start_frame is None


def test_timecode_tape_markers_identity_comments(session: Session, tmp_path: Path) -> None:
    write_session("aaf", session, tmp_path / "s.aaf")
    with aaf2.open(str(tmp_path / "s.aaf")) as aaf:
        top = next(aaf.content.toplevel())
        assert top.name == "My Söng" and top.slot_at(1).segment.start == 3600 * 30
        assert set(session.notes) == {value for _, value in top.comments.items()}
        events = top.slot_at(1000).segment.components
        marks = [(e["Position"].value, e["Comment"].value, e.length, e["CommentMarkerUser"].value) for e in events]
        assert marks == [(m.at, m.name, m.length, m.name) for m in session.markers]
        colours = [e["CommentMarkerColor"].value for e in events if "CommentMarkerColor" in e]
        assert colours == [{"red": 0xFFFF, "green": 0x8080, "blue": 0}]
        on_tape = {mob.name: mob.slot_at(1).segment for mob in aaf.content.sourcemobs()}
        assert on_tape["Snare"].start == 3600 * 48000 + 2401 and on_tape["Bass.L"].start == 0
        assert type(on_tape["Snare"].mob.descriptor).__name__ == "TapeDescriptor"
        comments = {mob.name: dict(mob.comments.items()) for mob in aaf.content.mastermobs()}
        assert comments["Vox.R"] == {"Comment": "Printed effects: plate, 1/4 delay"} and comments["Snare"] == {}
        assert aaf.header["IdentificationList"].value[-1]["ProductName"].value == "stemwright"


def test_another_reader_finds_tracks_gaps_and_media(session: Session, tmp_path: Path) -> None:
    write_session("aaf", replace(session, markers=(Marker(0, "Start"), Marker(2401, "Bar 1"))), tmp_path / "s.aaf")
    timeline = otio.adapters.read_from_file(str(tmp_path / "s.aaf"))
    tracks = [track for track in timeline.tracks if track.kind == "Audio"]
    assert [t.name for t in tracks] == [row["name"] for row in slots(tmp_path / "s.aaf")]
    snare = next(t for t in tracks if t.name.startswith("xxx"))
    assert [(type(c).__name__, c.duration().value) for c in snare] == [("Gap", 2401), ("Clip", 4000)]
    clips = [clip for clip in timeline.find_clips() if isinstance(clip.media_reference, otio.schema.ExternalReference)]
    urls = {clip.media_reference.target_url for clip in clips}
    assert urls == {p.as_uri() for p in (tmp_path / "Audio Files").iterdir()} and len(urls) == 17
    marks = {(m.name, m.marked_range.start_time.value) for clip in timeline.find_clips() for m in clip.markers}
    assert marks == {("Start", 0), ("Bar 1", 2401)}


@pytest.mark.skipif(not shutil.which("aaftool"), reason="LibAAF's aaftool, the importer of Ardour, is not installed")
def test_the_importer_of_ardour_agrees(session: Session, tmp_path: Path) -> None:
    for embed in (False, True):
        path = tmp_path / f"{embed}.aaf"
        write_session("aaf", session, path, embed=embed)
        options = ["--aaf-summary", "--aaf-essences", "--aaf-clips", "--pos-format", "samples", "--no-color"]
        told = subprocess.run(["aaftool", *options, str(path)], capture_output=True, check=True, text=True)
        complaints = [line for line in (told.stdout + told.stderr).splitlines() if "error" in line or "warn" in line]
        # Those of an empty pyaaf2 file: its dictionary has entries that LibAAF does not know.
        assert len(complaints) <= 7 and all("Could not retrieve" in line for line in complaints)
        start = 3600 * 48000 + 2401
        for text in (
            f"Start: {start}  Len: 4000",
            "Format: 5.1",
            "Gain: -06.0 dB  Pan: 0.25",
            "Gain: +03.0 dB",
            "MUTE",
        ):
            assert text in told.stdout
        assert told.stdout.count("EMBEDDED") == 17 * embed


def test_rebuilt_byte_for_byte(session: Session, tmp_path: Path) -> None:
    made = []
    for embed in (False, True, False, True):
        write_session("aaf", session, tmp_path / "s.aaf", embed=embed)
        made.append((tmp_path / "s.aaf").read_bytes())
        made.append(b"".join(p.read_bytes() for p in sorted((tmp_path / "Audio Files").iterdir())))
    assert made[:4] == made[4:]


def test_all_or_nothing(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(tmp_path.rglob("*"))

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("inside the library")

    with monkeypatch.context() as patch:
        patch.setattr(mobs, "combined", fail)  # the media are written by then
        for embed in (False, True):
            with pytest.raises(SessionError, match="KeyError: 'inside the library'"):
                write_session("aaf", session, tmp_path / "s.aaf", embed=embed)
    assert sorted(tmp_path.rglob("*")) == before
    with monkeypatch.context() as patch:
        patch.setattr(mobs, "combined", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_session("aaf", session, tmp_path / "s.aaf")
    assert sorted(tmp_path.rglob("*")) == before


def test_foreign_media_is_not_replaced(session: Session, tmp_path: Path) -> None:
    write_session("aaf", session, tmp_path / "one.aaf")
    with pytest.raises(AlreadyThere, match="belongs to another session"):
        write_session("aaf", session, tmp_path / "two.aaf")
    assert not (tmp_path / "two.aaf").exists()


def test_what_24_bits_cannot_hold(session: Session, tmp_path: Path) -> None:
    def only(samples: list[float], subtype: str) -> Session:
        soundfile.write(tmp_path / "Float.wav", np.array(samples), 48000, subtype=subtype)
        file = probe(tmp_path / "Float.wav")
        return replace(session, start_frame=1, tracks=(Track("F", clips=(Clip(file, 0, file.frames),)),))

    written = write_session("aaf", only([0.1, -1.0, 1.0], "FLOAT"), tmp_path / "s.aaf")
    assert [(x.subject, x.field) for x in written.losses[-2:]] == [("Float.wav", "audio"), ("song", "start_timecode")]
    read, _ = soundfile.read(tmp_path / "Audio Files" / "Float.wav", dtype="int32")
    assert list(read >> 8) == [round(float(np.float32(0.1)) * 2**23), -(2**23), 2**23 - 1]
    with pytest.raises(SessionError, match="above 0 dBFS"):
        write_session("aaf", only([0.1, 1.01], "FLOAT"), tmp_path / "s.aaf")
    assert not any(x.field == "audio" for x in write_session("aaf", only([0.1], "PCM_16"), tmp_path / "s.aaf").losses)


def test_what_a_track_cannot_hold(session: Session, tmp_path: Path) -> None:
    mono, stereo, slow = (
        wav(tmp_path / "a.wav"),
        wav(tmp_path / "b.wav", channels=2),
        wav(tmp_path / "c.wav", rate=44100),
    )
    for clips, why in (
        ((Clip(mono, 0, 10), Clip(mono, 5, 10)), "overlap"),
        ((Clip(mono, 0, 10), Clip(stereo, 10, 10)), "different numbers of channels"),
        ((Clip(slow, 0, 10),), "another rate"),
    ):
        with pytest.raises(SessionError, match=why):
            write_session("aaf", replace(session, tracks=(Track("t", clips=clips),)), tmp_path / "s.aaf")
    pieces = (Clip(mono, 20, 10, source_from=7), Clip(mono, 5, 10))
    write_session("aaf", replace(session, tracks=(Track("t", clips=pieces),)), tmp_path / "s.aaf")
    assert slots(tmp_path / "s.aaf")[0]["clips"] == [(5, 10, 1.0, ["a"]), (20, 10, 1.0, ["a"])]
    assert lint_aaf(tmp_path / "s.aaf") == ()


def test_channels_that_hosts_cannot_combine(tmp_path: Path) -> None:
    """3, 4, 5 and 7 channels: a mono track each, for our reader one track again; two pieces, gain, pan."""
    files = [wav(tmp_path / f"{count} ch.wav", 600, count) for count in (3, 4, 5, 7)]
    tracks = tuple(
        Track(file.path.stem, clips=(Clip(file, 5, 100, 7, -2.0), Clip(file, 200, 600)), gain_db=-3.0, pan=0.5)
        for file in files
    )
    session = Session(song(), tracks, 48000, 800)
    for embed in (False, True):
        path = tmp_path / f"{embed}" / "s.aaf"
        path.parent.mkdir()
        write_session("aaf", session, path, embed=embed)
        assert lint_aaf(path) == () and len(slots(path)) == 3 + 4 + 5 + 7
        found = prove(path, session)
        assert found.ok and found.residual_dbfs == -inf
        read = aaf.read(path, Roots(path.parent, (tmp_path,))).session
        assert [(t.name, t.pan, len(t.clips), t.clips[0].file.format.channels) for t in read.tracks] == [
            (file.path.stem, 0.5, 2, file.format.channels) for file in files
        ]
    alone = aaf.read(tmp_path / "False" / "s.aaf", Roots(tmp_path / "False")).session
    assert len(alone.tracks) == 3 + 4 + 5 + 7 and {len(t.clips) for t in alone.tracks} == {2}


def test_a_track_without_clips_stays(session: Session, tmp_path: Path) -> None:
    empty = Track("Later", mute=True, gain_db=-1.0)
    plan = replace(session, tracks=(empty, *session.tracks))
    write_session("aaf", plan, tmp_path / "s.aaf")
    assert lint_aaf(tmp_path / "s.aaf") == ()
    assert slots(tmp_path / "s.aaf")[0]["clips"] == [] and prove(tmp_path / "s.aaf", plan).ok
    timeline = otio.adapters.read_from_file(str(tmp_path / "s.aaf"))
    assert next(track.name for track in timeline.tracks if track.kind == "Audio") == "Later"


NAMES = (
    "🥁" * 40,
    "x" * 200,
    "'\"`",
    "a/b\\c:d*?<>|",
    ".",
    "CON",
    "Ü̈ber\u200b",
    "%41 #?&",
    "{1}-2702",
    "Bass.L",
    "Bass",
)


@pytest.mark.parametrize("embed", [False, True])
def test_hostile_names(tmp_path: Path, embed: bool) -> None:
    """Names of tracks are kept to the letter; those of media are made safe, and unlike each other."""
    kinds = [wav(tmp_path / f"Bass{end}.wav", 600, channels) for end, channels in (("", 2), (".L", 1), (".r", 1))]
    kinds.append(wav(tmp_path / "a\\b 'c' \"d\" `e` %41#?.wav", 600, 2))
    files = [wav(tmp_path / f"{'🥁' * 40}{n}.wav", 600, 1 + n % 2) for n in range(len(NAMES) - 4)] + kinds
    tracks = tuple(Track(name, clips=(Clip(file, 0, 600),)) for name, file in zip(NAMES, files, strict=True))
    plan = Session(song(), tracks, 48000, 600, song().markers)
    path = tmp_path / "out" / ("🥁 ' \" `%20" + ".aaf")
    path.parent.mkdir()
    write_session("aaf", plan, path, embed=embed)
    assert lint_aaf(path) == () and prove(path, plan).residual_dbfs == -inf
    assert [track.name for track in aaf.read(path, Roots(path.parent, (tmp_path,))).session.tracks] == list(NAMES)


def test_other_readers_find_everything_in_the_container(tmp_path: Path) -> None:
    """More table sectors than the header lists, a stream across the range lock, a thousand entries in one storage."""
    size = (store.RANGE_LOCK + 500) * 4096 + 17
    with (tmp_path / "s").open("w+b") as file:
        container = store.Container(file)
        first, big = container.root.touch("first"), container.root.touch("big")
        first.write(b"abc" * 5000)
        container.reserve(big, size)
        marks = {at: bytes([n] * 9000) for n, at in enumerate((0, (store.RANGE_LOCK - 1) * 4096 - 5, size - 9000), 1)}
        for at, data in marks.items():
            container.fill(big, at, data)
        many = container.root.makedir("many")
        for number in range(1000):
            many.touch(f"entry {number:x}").write(b"%d" % number)
        container.close()
    with (tmp_path / "s").open("rb") as file:
        theirs = CompoundFileBinary(file)
        theirs.validate_directory_structure()
        assert theirs.fat[store.RANGE_LOCK] == 0xFFFFFFFE and theirs.difat_sector_count == 1
        stream = theirs.open("/big")
        for at, data in marks.items():
            stream.seek(at)
            assert stream.read(len(data)) == data
        assert {int(theirs.open(f"/many/entry {n:x}").read()) for n in range(1000)} == set(range(1000))
        ours = Compound(file)
        assert ours.read(ours.root.children["first"]) == theirs.open("/first").read() == b"abc" * 5000
        assert [int(ours.read(entry)) for _, entry in sorted(ours.root.children["many"].children.items())]
        assert next(ours.chunks(ours.root.children["big"])).rstrip(b"\0") == marks[0]
    (tmp_path / "s").unlink()


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.text("abXY{}-0 ", min_size=1, max_size=31).filter(lambda n: n.strip()), st.binary(max_size=9000))
)
def test_any_streams_come_back(streams: dict[str, bytes]) -> None:
    unlike = {name.upper(): (name, data) for name, data in streams.items()}
    file = io.BytesIO()
    container = store.Container(file)
    for name, data in unlike.values():
        container.root.touch(name).write(data)
    container.close()
    ours, theirs = Compound(file), CompoundFileBinary(io.BufferedReader(io.BytesIO(file.getvalue())), "rb")
    theirs.validate_directory_structure()
    assert {name: ours.read(entry) for name, entry in ours.root.children.items()} == dict(unlike.values())
    assert {name: bytes(theirs.open(f"/{name}").read()) for name in ours.root.children} == dict(unlike.values())
