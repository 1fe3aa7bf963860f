from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path

import aaf2
import numpy as np
import pytest
import soundfile
from aaf2.auid import AUID
from aaf2.misc import LinearInterp
from session_kit import band, wav

from stemwright.audio.stream import quantise, read_all
from stemwright.errors import InputError, NotFoundInput, SessionError, StemwrightError
from stemwright.model import AudioFile, AudioFormat, Clip, Session, Stem, Track
from stemwright.safety import PART
from stemwright.session.arrange import arrange
from stemwright.session.formats import Opened, aaf
from stemwright.session.formats.aaf import mobs, store
from stemwright.session.formats.aaf.lint import lint_aaf
from stemwright.session.media import Roots
from stemwright.session.unpacked import is_unpacked
from stemwright.session.verify import verify_session


def reopen(session: Session, path: Path, *roots: Path, **options: bool) -> Opened:
    aaf.write(session, path, options)
    return aaf.read(path, Roots(path.parent, roots))


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
    opened = aaf.read(there / "s.aaf", Roots(there))
    tracks = {track.name: track for track in opened.session.tracks}
    assert opened.warnings == () and len(tracks) == 1 + 1 + 3 * 2 + 6
    assert (tracks["Bass.L"].pan, tracks["Bass.R"].pan, tracks["Bass.R"].gain_db) == (-1.0, 1.0, -6.25)
    assert {f.name for f in (there / "Audio Files").iterdir()} == {
        clip.file.path.name for track in tracks.values() for clip in track.clips
    }
    assert tracks["Kick"].clips[0].file.start_frame == 3600 * 48000


def test_media_that_is_nowhere(session: Session, tmp_path: Path) -> None:
    """Tracks stay what they are; clips name the file that should be there, and a warning says so."""
    there = moved(session, tmp_path, embed=False)
    opened = aaf.read(there, Roots(there.parent))
    assert shape(opened.session) == shape(session)
    assert all(
        clip.file.path.parent == there.parent / "Audio Files" for track in opened.session.tracks for clip in track.clips
    )
    assert len(opened.warnings) == 6 and all("is not beside the session" in warning for warning in opened.warnings)


def moved(session: Session, tmp_path: Path, embed: bool = True) -> Path:
    """The AAF of a session where none of its stems lies."""
    aaf.write(session, tmp_path / "s.aaf", {"embed": embed})
    there = tmp_path / "elsewhere"
    there.mkdir()
    return Path(shutil.move(tmp_path / "s.aaf", there))


def samples(file: AudioFile) -> list[list[int]]:
    return quantise(read_all(file)).tolist()


def test_audio_inside_comes_out_bit_for_bit(session: Session, tmp_path: Path) -> None:
    """Mono, stereo and 5.1, each one interleaved file, and the TimeReference; a second clip of a file is that file."""
    there = moved(session, tmp_path)
    opened = aaf.read(there, Roots(there.parent))
    assert shape(opened.session) == shape(session)
    assert opened.warnings == ("audio that lies in the AAF only was unpacked for this run",)
    pairs = zip((t for t in session.tracks if not t.is_group), opened.session.tracks, strict=True)
    for mine, theirs in pairs:
        for a, b in zip(mine.clips, theirs.clips, strict=True):
            assert is_unpacked(b.file) and a.file.path != b.file.path and samples(a.file) == samples(b.file)
    assert list(there.parent.iterdir()) == [there]
    assert verify_session(there, replace(session, tracks=opened.session.tracks)).residual_dbfs == -inf


def test_verify_hears_what_is_inside_not_the_stems_beside(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "s.aaf"
    aaf.write(session, path, {"embed": True})
    good = verify_session(path, session)
    assert good.ok and good.residual_dbfs == -inf and good.warnings == ()
    data = bytearray(path.read_bytes())
    pcm = quantise(read_all(_file(session, "Bass")))[1].astype("<i4").tobytes()
    inside = b"".join(pcm[at : at + 3] for at in range(0, 4 * 1300, 4))  # a sector may end behind it
    at = data.index(inside)
    data[at + 2] ^= 0x40  # one sample of one channel
    path.write_bytes(data)
    bad = verify_session(path, session)
    assert not bad.ok and bad.residual_dbfs is not None and bad.residual_dbfs > -20
    assert {difference.field for difference in bad.differences} == {"audio"}


def test_a_stranger_of_the_same_name_is_not_taken(session: Session, tmp_path: Path) -> None:
    aaf.write(session, tmp_path / "s.aaf", {"embed": True})
    bass = _file(session, "Bass")
    expected = samples(bass)
    wav(tmp_path / "Bass.wav", 4800, 2)  # one frame shorter than what was written
    opened = aaf.read(tmp_path / "s.aaf", Roots(tmp_path))
    assert samples(_file(opened.session, "Bass")) == expected and len(opened.warnings) == 1
    assert not is_unpacked(_file(opened.session, "Kick"))


def test_16_bits_and_whole_files_inside(session: Session, tmp_path: Path) -> None:
    """What pyaaf2 and Premiere embed: PCM of 16 bits, and a WAV as it is."""
    noise = np.random.default_rng(3).integers(-32768, 32768, 70001).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="PCM_16")
    whole = (tmp_path / "a.wav").read_bytes()
    with aaf2.open(str(tmp_path / "s.aaf"), "w") as file:
        top = file.create.CompositionMob("top")
        file.content.mobs.append(top)
        top.usage = "Usage_TopLevel"
        for number, name in enumerate(("pcm", "riff"), 1):
            master = file.create.MasterMob(name)
            file.content.mobs.append(master)
            source = master.import_audio_essence(str(tmp_path / "a.wav"), edit_rate=48000)
            mob = source.segment.mob
            if name == "riff":
                mob.essence.open("w").write(whole)
                mob.descriptor = file.create.WAVEDescriptor()
                mob.descriptor["Summary"].value = bytearray(whole[:44])
                mob.descriptor["SampleRate"].value, mob.descriptor["Length"].value = 48000, len(noise)
            top.create_timeline_slot(48000, number).segment = master.create_source_clip(source.slot_id, length=70001)
    (tmp_path / "a.wav").unlink()
    opened = aaf.read(tmp_path / "s.aaf", Roots(tmp_path))
    files = [track.clips[0].file for track in opened.session.tracks]
    assert [file.format.bits for file in files] == [16, 16] and files[0].path != files[1].path
    for file in files:
        assert np.array_equal(soundfile.read(file.path, dtype="int16")[0], noise)


def test_what_was_unpacked_goes_with_the_process(session: Session, tmp_path: Path) -> None:
    there, temporary = moved(session, tmp_path), tmp_path / "tmp"
    temporary.mkdir()
    dead = temporary / f".stemwright-old.999999999{PART}"  # of a process that was killed
    dead.mkdir()
    code = (
        "import sys, pathlib; from stemwright.session.formats import aaf; from stemwright.session.media import Roots;"
        "p = pathlib.Path(sys.argv[1]);"
        "s = aaf.read(p, Roots(p.parent)).session;"
        "print(sum(c.file.path.is_file() for t in s.tracks for c in t.clips));"
        "print(len(list(pathlib.Path(sys.argv[2]).iterdir())))"
    )
    env = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(there), str(temporary)], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["6", "1"] and list(temporary.iterdir()) == []


def test_no_more_comes_out_than_is_inside(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Essences that share their sectors are a bomb."""
    made: list[store.Entry] = []
    reserve = store.Container.reserve

    def share(container: store.Container, stream: store.Entry, size: int) -> None:
        if not made:
            reserve(container, stream, size)
        made.append(stream)
        stream.size, stream.sectors = made[0].size, made[0].sectors

    files = [wav(tmp_path / f"L{n}.wav", 200_000) for n in range(40)]
    tracks = tuple(Track(file.path.stem, clips=(Clip(file, 0, file.frames),)) for file in files)
    monkeypatch.setattr(store.Container, "reserve", share)
    there = moved(replace(session, tracks=tracks), tmp_path)
    opened = aaf.read(there, Roots(there.parent))
    unpacked = [is_unpacked(track.clips[0].file) for track in opened.session.tracks]
    assert 0 < sum(unpacked) < 5 and any("larger than the AAF" in warning for warning in opened.warnings)


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
        mobs.define(file)
        linear = file.create.InterpolationDef(LinearInterp, "LinearInterp", "")
        other = file.create.OperationDef("aaaaaaaa-0968-11d3-8a38-0050040ef7d2", "Reverb", "")
        for definition in (linear, other):
            file.dictionary.register_def(definition)
        other.media_kind, other.number_inputs = "sound", 1
        volume = file.create.OperationGroup(AUID(mobs.GAIN), 20, "sound")
        curve = file.create.VaryingValue(AUID(mobs.AMPLITUDE), LinearInterp)
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
    opened = aaf.read(tmp_path / "s.aaf", Roots(tmp_path))
    one, two = opened.session.tracks[0].clips
    assert opened.session.sample_rate == 48000
    assert (one.at, one.length, one.source_from, one.fade_out) == (0, 30 * 1920, 5 * 1920, 10 * 1920)
    assert (two.at, two.length, two.fade_in) == (20 * 1920, 20 * 1920, 10 * 1920)
    assert two.gain_db == pytest.approx(-6.0206, abs=1e-4)
    (track,) = opened.session.tracks
    told = [
        f"{what}: {track.name}" for what in ("automation is left out but for its first value", "effects are left out")
    ]
    assert set(told) <= set(opened.warnings)


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
            aaf.read(path, Roots(path.parent))
        return
    found = aaf.read(path, Roots(path.parent)).session
    assert tuple(len(track.clips) for track in found.tracks) == expected[0]
    assert expected[1] in (None, found.frames)


def test_real_files_as_pyaaf2_reads_them(shared: Path) -> None:
    """Our own reading of the container and pyaaf2's agree on every mob, slot and length."""
    from stemwright.session.formats.aaf.objects import opened

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
    short = wav(tmp_path / "Short.wav", 64, 2)
    small = replace(session, markers=session.markers[:1], tracks=(Track("S", "fx", (Clip(short, 3, 60, 4),), pan=0.5),))
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
                aaf.read(bad, Roots(tmp_path))
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
            aaf.read(_patched(path, fat + 4 * sector, sector), Roots(tmp_path))
    root = (directory + 1) * 4096
    child = struct.unpack_from("<I", data, root + 76)[0]
    sector = directory
    for _ in range(child // 32):
        (sector,) = struct.unpack_from("<I", data, fat + 4 * sector)
    entry = (sector + 1) * 4096 + 128 * (child % 32)
    for field in (68, 72, 76):  # an entry that is its own neighbour or child
        with pytest.raises(SessionError, match="no tree"):
            aaf.read(_patched(path, entry + field, child), Roots(tmp_path))
    with pytest.raises(SessionError):  # the list of table sectors points at itself: what it lists is no table
        aaf.read(_patched(path, 68, 0, 0xFFFFFFFF), Roots(tmp_path)) and lint_aaf(_patched(path, 76, 0))
    with pytest.raises(SessionError, match="longer than the file"):  # a mini stream of 4 GB
        aaf.read(_patched(path, (directory + 1) * 4096 + 120, 0xFFFFFFFF, 0xFF), Roots(tmp_path))


def test_mobs_that_refer_to_each_other(tmp_path: Path) -> None:
    with aaf2.open(str(tmp_path / "s.aaf"), "w") as file:
        one, two, top = file.create.MasterMob("1"), file.create.MasterMob("2"), file.create.CompositionMob("top")
        file.content.mobs.extend([one, two, top])
        top.usage = "Usage_TopLevel"
        for mob, other in ((one, two), (two, one), (top, one)):
            slot = mob.create_timeline_slot(48000, 1)
            slot.segment = file.create.SourceClip(0, 10, other.mob_id, 1, "sound")
    opened = aaf.read(tmp_path / "s.aaf", Roots(tmp_path))
    assert opened.session.tracks[0].clips == () and "without audio" in opened.warnings[0]
    assert "AAF010" in {finding.rule for finding in lint_aaf(tmp_path / "s.aaf")}


def test_what_is_no_aaf(tmp_path: Path) -> None:
    for data in (b"", b"<aaf/>", bytes(2000), bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100)):
        (tmp_path / "x.aaf").write_bytes(data)
        with pytest.raises(InputError, match=r"x.aaf: is no AAF"):
            aaf.read(tmp_path / "x.aaf", Roots(tmp_path))
    with pytest.raises(NotFoundInput):
        aaf.read(tmp_path / "none.aaf", Roots(tmp_path))
    with pytest.raises(InputError):
        aaf.read(tmp_path, Roots(tmp_path))


def test_media_is_never_looked_up_outside(session: Session, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    aaf.write(session, tmp_path / "s.aaf", {})
    shutil.move(tmp_path / "s.aaf", inner)  # its absolute addresses still lead to files
    assert (tmp_path / "Audio Files" / "Kick.wav").is_file()
    opened = aaf.read(inner / "s.aaf", Roots(inner))
    assert any("Kick.wav: is not beside the session" in warning for warning in opened.warnings)
