from __future__ import annotations

import random
import shutil
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import aaf2
import pytest
from aaf2.auid import AUID
from aaf2.misc import LinearInterp
from session_kit import band, wav

from stemwright.errors import InputError, NotFoundInput, SessionError, StemwrightError
from stemwright.model import AudioFile, AudioFormat, Clip, Session, Stem, Track
from stemwright.session.aaflint import lint_aaf
from stemwright.session.arrange import arrange
from stemwright.session.formats import Opened, _aafkit, aaf


def reopen(session: Session, path: Path, *roots: Path, **options: bool) -> Opened:
    aaf.write(session, path, options)
    return aaf.read(path, (path.parent, *roots))


def shape(session: Session) -> list[tuple[object, ...]]:
    """What an AAF holds of the tracks, without roles, colours and groups."""
    return [
        (t.name, t.gain_db, t.pan, t.mute, t.solo, t.comment, [replace(c, file=_facts(c.file)) for c in t.clips])
        for t in session.tracks
        if not t.is_group
    ]


def _facts(file: AudioFile) -> AudioFile:
    form = AudioFormat("wav", "pcm", file.format.bits, file.format.sample_rate, file.format.channels)
    return AudioFile(Path(file.path.name), form, file.frames, file.start_frame)


def _file(session: Session, name: str) -> AudioFile:
    return next(track.clips[0].file for track in session.tracks if track.name == name)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Mono, stereo and 5.1 tracks; every field that an AAF expresses is used."""
    stems = band(tmp_path)
    plain = Stem(wav(tmp_path / "Kick.wav", 4800, 1, start=3600 * 48000), "drums.kick", "Kick", gain_db=-3.0)
    surround = Stem(wav(tmp_path / "Sur.wav", 600, 6), "fx", "Sur")
    made = arrange(replace(stems, stems=(plain, *(s for s in stems.stems if s.role != "drums.kick"), surround)))
    changes = {
        "Bass": {"gain_db": -6.25, "pan": -0.3, "solo": True},
        "Sur": {"gain_db": 14.0, "mute": True},
        "Kick": {"pan": 1.0},
    }
    return replace(
        made,
        tracks=tuple(replace(t, **changes.get(t.name, {})) for t in made.tracks),
        frame_rate=Fraction(30000, 1001),
        start_frame=1601600,
    )


@pytest.mark.parametrize("embed", [False, True])
def test_every_field_comes_back(session: Session, tmp_path: Path, embed: bool) -> None:
    opened = reopen(session, tmp_path / "s.aaf", embed=embed)
    found = opened.session
    assert opened.warnings == ()
    assert shape(found) == shape(session)
    assert found.markers == session.markers and any(m.length for m in found.markers)
    assert (found.song.title, found.sample_rate, found.frames, found.notes) == (
        session.song.title,
        48000,
        session.frames,
        session.notes,
    )
    assert (found.frame_rate, found.start_frame) == (Fraction(30000, 1001), 1601600)
    assert {t.name: t.role for t in found.tracks}["Bass"] == "bass"
    assert {c.file.path for t in found.tracks for c in t.clips if c.file.format.channels > 1} == {
        tmp_path / name for name in ("Bass.wav", "Vox.wav", "Mix.wav", "Sur.wav")
    }
    again = reopen(found, tmp_path / "again" / "s.aaf", tmp_path, embed=True).session
    assert shape(again) == shape(found) and again.markers == found.markers and again.notes == found.notes


def test_pieces_gaps_and_source_positions(session: Session, tmp_path: Path) -> None:
    file, stereo = _file(session, "Kick"), _file(session, "Bass")
    pieces = (Clip(file, 7, 10, 3, -1.5), Clip(file, 17, 1), Clip(file, 4000, 4800, 0, 2.0))
    tracks = (Track("P", clips=pieces), Track("S", clips=(Clip(stereo, 1, 4000, 600),)))
    found = reopen(replace(session, tracks=tracks), tmp_path / "s.aaf").session
    assert shape(found) == shape(replace(session, tracks=tracks)) and found.frames == 8800


def test_a_folder_that_moved_without_the_stems(session: Session, tmp_path: Path) -> None:
    """The mono files of a stereo track become a track each, panned hard; nothing is lost and nothing invented."""
    aaf.write(session, tmp_path / "s.aaf", {})
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.move(tmp_path / "Audio Files", there)
    shutil.move(tmp_path / "s.aaf", there)
    opened = aaf.read(there / "s.aaf", (there,))
    tracks = {track.name: track for track in opened.session.tracks}
    assert opened.warnings == () and len(tracks) == 1 + 1 + 3 * 2 + 6
    assert (tracks["Bass.L"].pan, tracks["Bass.R"].pan, tracks["Bass.R"].gain_db) == (-1.0, 1.0, -6.25)
    assert {f.name for f in (there / "Audio Files").iterdir()} == {
        clip.file.path.name for track in tracks.values() for clip in track.clips
    }
    assert tracks["Kick"].clips[0].file.start_frame == 3600 * 48000


@pytest.mark.parametrize("embed", [False, True])
def test_media_that_is_nowhere(session: Session, tmp_path: Path, embed: bool) -> None:
    """Tracks stay what they are; clips name the file that should be there, and a warning says where the audio is."""
    aaf.write(session, tmp_path / "s.aaf", {"embed": embed})
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.move(tmp_path / "s.aaf", there)
    opened = aaf.read(there / "s.aaf", (there,))
    assert shape(opened.session) == shape(session)
    assert all(clip.file.path.parent == there for track in opened.session.tracks for clip in track.clips)
    told = "its audio is inside the AAF" if embed else "is not beside the session"
    assert len(opened.warnings) == 6 and all(told in warning for warning in opened.warnings)


def test_a_stranger_of_the_same_name_is_not_taken(session: Session, tmp_path: Path) -> None:
    aaf.write(session, tmp_path / "s.aaf", {"embed": True})
    wav(tmp_path / "Bass.wav", 4800, 2)  # one frame shorter than what was written
    opened = aaf.read(tmp_path / "s.aaf", (tmp_path,))
    bass = next(track for track in opened.session.tracks if track.name == "Bass")
    assert bass.clips[0].file.frames == 4801 and any("Bass" in warning for warning in opened.warnings)


def test_fades_automation_effects_and_video_frames(tmp_path: Path) -> None:
    """What other hosts write: transitions, point lists, plug-ins, an edit rate of 25, an old sound definition."""
    wav(tmp_path / "a.wav", 96000)
    with aaf2.open(str(tmp_path / "s.aaf"), "w") as file:
        master, top = file.create.MasterMob("a"), file.create.CompositionMob("Film")
        file.content.mobs.extend([master, top])
        source = master.import_audio_essence(str(tmp_path / "a.wav"), edit_rate=48000)
        top.usage = "Usage_TopLevel"
        slot = top.create_timeline_slot(25)
        sequence = slot.segment = file.create.Sequence("sound", 40)
        first, second = (master.create_source_clip(source.slot_id, length=n) for n in (30, 20))
        for clip in (first, second):
            clip.start = 5
        _aafkit.define(file)
        linear = file.create.InterpolationDef(LinearInterp, "LinearInterp", "")
        other = file.create.OperationDef("aaaaaaaa-0968-11d3-8a38-0050040ef7d2", "Reverb", "")
        for definition in (linear, other):
            file.dictionary.register_def(definition)
        other.media_kind, other.number_inputs = "sound", 1
        volume = file.create.OperationGroup(AUID(_aafkit.GAIN), 20, "sound")
        curve = file.create.VaryingValue(AUID(_aafkit.AMPLITUDE), LinearInterp)
        for at, value in ((0, 0.5), (1, 1.0)):
            curve.add_keyframe(at, value)
        volume.parameters.append(curve)
        plugin = file.create.OperationGroup(other, 20, "sound")
        plugin.segments.append(second)
        volume.segments.append(plugin)
        fade = file.create.Transition("sound", 10)
        fade["OperationGroup"].value = file.create.OperationGroup(other, 10, "sound")
        fade["CutPoint"].value = 5
        sequence.components.extend([first, fade, volume])
    opened = aaf.read(tmp_path / "s.aaf", (tmp_path,))
    one, two = opened.session.tracks[0].clips
    assert opened.session.sample_rate == 48000
    assert (one.at, one.length, one.source_from, one.fade_out) == (0, 30 * 1920, 5 * 1920, 10 * 1920)
    assert (two.at, two.length, two.fade_in) == (20 * 1920, 20 * 1920, 10 * 1920)
    assert two.gain_db == pytest.approx(-6.0206, abs=1e-4)
    told = " / ".join(opened.warnings)
    assert "automation is left out" in told and "an effect is left out" in told


REAL = {  # tracks and clips, and the last frame at 48 kHz; None: no timeline
    "otio/marker-over-audio": None,
    "otio/multitrack": ((8, 8), 3282 * 2000),
    "otio/one_audio_clip": ((1,), 720 * 2000),
    "otio/simple": ((5, 5), 3282 * 2000),
    "otio/utf8": ((1, 0), None),
    "pyaaf2/empty": None,
    "pyaaf2/sector_size_512": ((2, 2), 528000),
    "pyaaf2/test_file_01": ((1, 1), round(4794 * 48000 / Fraction(2997, 125))),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared: Path, name: str) -> None:
    path = shared / "material/sessions/aaf" / f"{name}.aaf"
    expected = REAL[name]
    assert lint_aaf(path) or expected
    if expected is None:
        with pytest.raises(SessionError, match="no timeline"):
            aaf.read(path, (path.parent,))
        return
    found = aaf.read(path, (path.parent,)).session
    assert tuple(len(track.clips) for track in found.tracks) == expected[0]
    assert expected[1] in (None, found.frames)


def test_real_files_as_pyaaf2_reads_them(shared: Path) -> None:
    """Our own reading of the container and pyaaf2's agree on every mob, slot and length."""
    from stemwright.session.formats._aafobjects import opened

    for path in sorted((shared / "material/sessions/aaf").glob("*/*.aaf")):
        with aaf2.open(str(path)) as theirs, opened(path) as ours:
            assert ours.mobs.keys() == {bytes(mob.mob_id.bytes_le) for mob in theirs.content.mobs}
            for mob in theirs.content.mobs:
                same = ours.mobs[bytes(mob.mob_id.bytes_le)]
                assert (same.kind, same.text("Name")) == (type(mob).__name__, mob.name or "")
                rows = [(slot.slot_id, slot.name or "", slot.segment.length or 0) for slot in mob.slots]
                assert rows == [
                    (s.whole("SlotID"), s.text("SlotName"), segment.whole("Length"))
                    for s in same.nodes("Slots")
                    if (segment := s.node("Segment"))
                ]


def test_mutations_give_errors_and_no_hang(session: Session, tmp_path: Path) -> None:
    """500 damaged files: numbers at random places, in the header most of all, and cut ends."""
    draw = random.Random(7)
    small = replace(session, tracks=tuple(t for t in session.tracks if not t.is_group)[:3])
    outcomes = {"read": 0, "refused": 0}
    for embed in (False, True):
        aaf.write(small, tmp_path / "s.aaf", {"embed": embed})
        whole = (tmp_path / "s.aaf").read_bytes()
        for number in range(250):
            data = bytearray(whole)
            if number % 10 == 0:
                del data[draw.randrange(len(data)) :]
            for _ in range(draw.choice((1, 4, 30, 300))):
                if len(data) > 600:
                    at = draw.randrange(20, 600) if number % 3 == 0 else draw.randrange(len(data) - 4)
                    value = draw.choice(
                        (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, draw.randrange(200), draw.getrandbits(32))
                    )
                    struct.pack_into("<I", data, at, value)
            bad = tmp_path / "bad.aaf"
            bad.write_bytes(data)
            try:
                aaf.read(bad, (tmp_path,))
                lint_aaf(bad)
                outcomes["read"] += 1
            except StemwrightError as error:
                assert error.hint and str(bad) in error.message
                outcomes["refused"] += 1
    assert sum(outcomes.values()) == 500 and min(outcomes.values()) > 50


def _patched(path: Path, at: int, *numbers: int) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(numbers)}I", data, at, *numbers)
    bad = path.with_name("patched.aaf")
    bad.write_bytes(data)
    return bad


def test_loops_in_the_container(session: Session, tmp_path: Path) -> None:
    aaf.write(session, tmp_path / "s.aaf", {})
    path = tmp_path / "s.aaf"
    data = path.read_bytes()
    directory, mini_fat = struct.unpack_from("<I", data, 48)[0], struct.unpack_from("<I", data, 60)[0]
    fat = (struct.unpack_from("<I", data, 76)[0] + 1) * 4096
    for sector in (directory, mini_fat):  # a chain that ends in itself
        with pytest.raises(SessionError, match="has no end"):
            aaf.read(_patched(path, fat + 4 * sector, sector), (tmp_path,))
    root = (directory + 1) * 4096
    child = struct.unpack_from("<I", data, root + 76)[0]
    sector = directory
    for _ in range(child // 32):
        (sector,) = struct.unpack_from("<I", data, fat + 4 * sector)
    entry = (sector + 1) * 4096 + 128 * (child % 32)
    for field in (68, 72, 76):  # an entry that is its own neighbour or child
        with pytest.raises(SessionError, match="no tree"):
            aaf.read(_patched(path, entry + field, child), (tmp_path,))
    with pytest.raises(SessionError):  # the list of table sectors points at itself: what it lists is no table
        aaf.read(_patched(path, 68, 0, 0xFFFFFFFF), (tmp_path,)) and lint_aaf(_patched(path, 76, 0))
    with pytest.raises(SessionError, match="longer than the file"):  # a mini stream of 4 GB
        aaf.read(_patched(path, (directory + 1) * 4096 + 120, 0xFFFFFFFF, 0xFF), (tmp_path,))


def test_mobs_that_refer_to_each_other(tmp_path: Path) -> None:
    with aaf2.open(str(tmp_path / "s.aaf"), "w") as file:
        one, two, top = file.create.MasterMob("1"), file.create.MasterMob("2"), file.create.CompositionMob("top")
        file.content.mobs.extend([one, two, top])
        top.usage = "Usage_TopLevel"
        for mob, other in ((one, two), (two, one), (top, one)):
            slot = mob.create_timeline_slot(48000, 1)
            slot.segment = file.create.SourceClip(0, 10, other.mob_id, 1, "sound")
    opened = aaf.read(tmp_path / "s.aaf", (tmp_path,))
    assert opened.session.tracks[0].clips == () and "without audio" in opened.warnings[0]
    assert "AAF010" in {finding.rule for finding in lint_aaf(tmp_path / "s.aaf")}


def test_what_is_no_aaf(tmp_path: Path) -> None:
    for data in (b"", b"<aaf/>", bytes(2000), bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100)):
        (tmp_path / "x.aaf").write_bytes(data)
        with pytest.raises(InputError, match=r"x.aaf: is no AAF"):
            aaf.read(tmp_path / "x.aaf", (tmp_path,))
    with pytest.raises(NotFoundInput):
        aaf.read(tmp_path / "none.aaf", (tmp_path,))
    with pytest.raises(InputError):
        aaf.read(tmp_path, (tmp_path,))


def test_media_is_never_looked_up_outside(session: Session, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    aaf.write(session, tmp_path / "s.aaf", {})
    shutil.move(tmp_path / "s.aaf", inner)  # its absolute addresses still lead to files
    assert (tmp_path / "Audio Files" / "Kick.wav").is_file()
    opened = aaf.read(inner / "s.aaf", (inner,))
    assert any("Kick.wav: is not beside the session" in warning for warning in opened.warnings)
