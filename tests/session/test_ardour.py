from __future__ import annotations

import math
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from numpy.typing import NDArray
from session_kit import band, damaged, moving_song, refused, song, wav

from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.errors import AlreadyThere, InputError, SessionError
from stemwright.model import Clip, Marker, Session, Track
from stemwright.safety import child
from stemwright.session.arrange import arrange
from stemwright.session.compare import differences
from stemwright.session.formats import ardour, read_session, write_session
from stemwright.session.formats.ardour.pan import heard, strip
from stemwright.session.grid import grid
from stemwright.session.hosts import Host, played
from stemwright.session.render import render

needs_ardour = pytest.mark.skipif(not shutil.which("ardour7-export"), reason="Ardour 7 is not installed")


def studio(folder: Path, rate: int = 48000, solo: str = "") -> Session:
    """Buses in buses, mono and stereo, offsets, gains, pan, fades, overlap, mute, names that are hard to hold."""
    mono, stereo, third = (wav(folder / f"{n}.wav", 48000, c, rate) for n, c in (("A", 1), ("Bb", 2), ("Ccc", 1)))
    tracks = (
        Track("Drums", "drums", is_group=True, gain_db=-3.0, pan=0.3, colour="#123456"),
        Track("Inner: a/b", is_group=True, group="Drums", gain_db=1.5),
        Track(
            "Kick \"1\" '2' `3` 🥁 a/b:c",
            "drums.kick",
            (Clip(mono, 1000, 20000, 500, -2.0, 300, 400), Clip(mono, 15000, 9000)),
            "Inner: a/b",
            gain_db=-6.0,
            pan=-0.4,
            colour="#ff8000",
            comment="Printed effects: plate <1/4>",
        ),
        Track("ü" * 200, clips=(Clip(stereo, 0, 40000),), group="Drums", pan=-0.25),
        Track("Master", clips=(Clip(third, 2401, 30000, 7),), pan=1.0),
        Track("Muted", clips=(Clip(third, 0, 30000),), mute=True),
        Track("Empty"),
    )
    if solo:
        tracks = tuple(replace(track, solo=track.name == solo) for track in tracks)
    markers = (Marker(0, "Key: F# minor"), Marker(5, "Intro"), Marker(24000, "Verse 🎤", 9600))
    return Session(moving_song(rate), tracks, rate, 60000, markers, notes=("First <line>", "Zweite ä"))


def equal_power(pan: float) -> NDArray[np.float64]:
    """The wrong law of the negative control: a mono track in panner_1in2out, -3 dB at the centre, fader at 0 dB."""
    scale = 2 - 4 * 10 ** (-3 / 20)
    sides = np.array([1 - pan, 1 + pan]) / 2
    return np.asarray(sides * (scale * sides + 1 - scale))


def no_loss(pan: float) -> NDArray[np.float64]:
    """Left and right as stems were summed: unity in the centre."""
    return np.array([min(1, 1 - pan), min(1, 1 + pan)])


def summed(session: Session, law: object = no_loss) -> NDArray[np.float64]:
    """What Ardour should play, from nothing but the model and soundfile."""
    by_name = {track.name: track for track in session.tracks}
    out = np.zeros((2, session.frames))
    for track in session.tracks:
        way = [track]
        while way[-1].group:
            way.append(by_name[way[-1].group])
        if any(t.mute for t in way) or (any(t.solo for t in session.tracks) and not any(t.solo for t in way)):
            continue
        for clip in track.clips:
            audio = soundfile.read(clip.file.path, always_2d=True)[0].T
            audio = audio[:, clip.source_from : clip.source_from + clip.length] * 10 ** (clip.gain_db / 20)
            if clip.fade_in:
                audio[:, : clip.fade_in] *= np.linspace(0, 1, clip.fade_in)
            if clip.fade_out:
                audio[:, -clip.fade_out :] *= np.linspace(1, 0, clip.fade_out)
            sides = law(track.pan) if len(audio) == 1 else no_loss(track.pan)  # type: ignore[operator]
            audio = audio * sides[:, None] * math.prod(10 ** (t.gain_db / 20) for t in way)
            for bus in way[1:]:
                audio = audio * no_loss(bus.pan)[:, None]
            out[:, clip.at : clip.end] += audio
    return out


def rendered(session: Session, path: Path) -> NDArray[np.float64]:
    """What Ardour plays."""
    place = write_session("ardour", session, path).outputs[0].path
    with played(Host("ardour"), place, session) as file:
        assert file.frames == session.frames
        return np.asarray(soundfile.read(file.path, always_2d=True)[0].T)


def peak_dbfs(difference: NDArray[np.float64]) -> float:
    return 20 * math.log10(np.abs(difference).max() + 1e-20)


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@needs_ardour
@pytest.mark.parametrize(("rate", "solo"), [(48000, ""), (44100, "Inner: a/b"), (96000, "ü" * 200)])
def test_ardour_plays_what_was_planned(tmp_path: Path, rate: int, solo: str) -> None:
    session = studio(tmp_path, rate, solo)
    played = rendered(session, tmp_path / "Söng.ardour")
    assert np.abs(played).max() > 0.1
    assert peak_dbfs(played - summed(session)) < -120
    if not solo:
        assert peak_dbfs(played - summed(session, equal_power)) > -30  # the wrong pan law is noticed


@needs_ardour
def test_mono_and_stereo_stems_sum_in_ardour_as_they_do_in_the_mix(tmp_path: Path) -> None:
    """The plain sum of the files, and of panned ones as a balance plays them; with nothing of ours but the model."""
    mono, stereo = wav(tmp_path / "A.wav", 20_000, 1), wav(tmp_path / "Bb.wav", 20_000, 2)
    pans = (0.0, 0.0, 0.4, -0.25, -0.7, 0.05, 1.0, -1.0)
    tracks = tuple(
        Track(f"T{n}", clips=(Clip(stereo if n == 1 else mono, 100 * n, 18_000),), gain_db=-14.0 - n, pan=pan)
        for n, pan in enumerate(pans)
    )
    both = Track("Both", clips=(Clip(mono, 0, 9000), Clip(stereo, 9000, 9000)), gain_db=-20.0, pan=0.3)
    session = Session(song(), (*tracks, both), 48_000, 20_000)
    assert peak_dbfs(rendered(session, tmp_path / "s.ardour") - summed(session)) < -120


@needs_ardour
def test_crossing_fades_are_added_in_ardour_and_told(tmp_path: Path) -> None:
    mono = wav(tmp_path / "A.wav", 20_000, 1)
    fades = ((800, 700), (1000, 1000), (1000, 1), (3, 999), (600, 400))
    clips = tuple(Clip(mono, 2000 * n, 1000, 0, -9.0, *both) for n, both in enumerate(fades))
    session = Session(song(), (Track("T", clips=clips),), 48_000, 12_000)
    written = write_session("ardour", session, tmp_path / "t")
    assert [loss.subject for loss in written.losses if loss.field == "fades"] == ["T"]
    planned, multiplied = (
        np.concatenate(list(render(session, law)), axis=1)
        for law in (ardour.PAN_LAW, replace(ardour.PAN_LAW, adds=False))
    )
    played = rendered(session, tmp_path / "s.ardour")
    assert peak_dbfs(played - planned) < -120 < -20 < peak_dbfs(played - multiplied)
    alone = replace(session, tracks=(Track("T", clips=clips[-1:]),))
    assert not any(loss.field == "fades" for loss in write_session("ardour", alone, tmp_path / "u").losses)


@given(st.floats(-1, 1), st.floats(-100, 12))
def test_a_mono_strip_sounds_as_the_track_and_gives_it_back(pan: float, gain_db: float) -> None:
    fader_db, knob = strip(gain_db, pan)
    assert equal_power(knob) * 10 ** (fader_db / 20) == pytest.approx(no_loss(pan) * 10 ** (gain_db / 20), rel=1e-9)
    assert heard(fader_db, knob) == pytest.approx((gain_db, pan), abs=1e-9)
    assert -1e-9 <= fader_db - gain_db <= 3 + 1e-9


def test_centred_and_hard_panned_knobs_stay() -> None:
    assert strip(0.0, 0.0) == pytest.approx((3.0, 0.0)) and heard(3.0, 0.0) == pytest.approx((0.0, 0.0))
    assert strip(-2.0, 1.0) == pytest.approx((-2.0, 1.0)) and strip(-2.0, -1.0) == pytest.approx((-2.0, -1.0))


@needs_ardour
def test_ardour_understood_every_field(tmp_path: Path) -> None:
    """Ardour loads the session and saves it anew; what it saved reads as what was planned."""
    session = studio(tmp_path)
    place = write_session("ardour", session, tmp_path / "s").outputs[0].path
    script = tmp_path / "resave.lua"
    script.write_text(f's = load_session("{place.parent}", "s")\ns:save_state("again")\nclose_session()\n')
    again = place.with_name("again.ardour")
    for _ in range(4):
        if not again.is_file():
            child(["ardour7-lua", script], timeout_s=60)
    found = read_session(again)
    assert differences(session, found.session, ardour.EXPRESSES) == () and not found.warnings
    assert [t.name for t in found.session.tracks] == [t.name for t in session.tracks]
    ours, theirs = grid(session.song), grid(found.session.song)
    assert [(p.quarters, p.meter) for p in theirs] == [(p.quarters, p.meter) for p in ours]
    assert [float(p.bpm) for p in theirs] == pytest.approx([float(p.bpm) for p in ours], abs=1e-6)


@needs_ardour
def test_the_folder_can_be_renamed_and_arranged_stems_play(tmp_path: Path) -> None:
    """TimeReferences of an hour, clip gain, a muted mix, buses from the template."""
    stems = tmp_path / "stems"
    stems.mkdir()
    session = arrange(band(stems))
    written = write_session("ardour", session, tmp_path / "one")
    moved = tmp_path / "elsewhere" / "Renamed"
    shutil.copytree(written.outputs[0].path.parent, moved)
    shutil.rmtree(stems)
    read = read_session(moved / "one.ardour").session
    assert peak_dbfs(rendered(read, tmp_path / "two.ardour") - summed(read)) < -120
    assert all(clip.file.path.is_relative_to(moved) for track in read.tracks for clip in track.clips)


def test_every_field_comes_back(tmp_path: Path) -> None:
    session = studio(tmp_path, solo="Master")
    written = write_session("ardour", session, tmp_path / "Song v1.2")
    assert written.outputs[0].path == tmp_path / "Song v1.2 Ardour" / "Song v1.2.ardour"
    opened = read_session(written.outputs[0].path)
    assert opened.warnings == () and differences(session, opened.session, ardour.EXPRESSES) == ()
    read = opened.session

    def bare(track: Track) -> Track:
        return replace(track, role="", clips=tuple(replace(clip, file=clips[0]) for clip in track.clips))

    clips = [clip.file for track in session.tracks for clip in track.clips]
    assert [bare(t) for t in read.tracks] == [bare(t) for t in session.tracks]
    assert (read.markers, read.notes, read.frames, read.frame_rate) == (
        session.markers, session.notes, session.frames, session.frame_rate,
    )  # fmt: skip
    assert (read.song.title, read.song.artist) == (session.song.title, session.song.artist)
    assert read.song.key and read.song.key.value == "F# minor"
    assert [(p.quarters, p.meter) for p in grid(read.song)] == [(p.quarters, p.meter) for p in grid(session.song)]


def test_media_are_copied_exactly(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-1.5, 1.5, (4000, 2)).astype(np.float32)
    kinds = [
        ("a.flac", "PCM_24"),
        ("b.wav", "FLOAT"),
        ("sub/A.wav", "PCM_16"),
        ("c.aiff", "PCM_24"),
        ("d.ogg", "VORBIS"),
    ]
    (tmp_path / "sub").mkdir()
    for name, kind in kinds:
        soundfile.write(tmp_path / name, samples if kind == "FLOAT" else samples / 2, 48000, subtype=kind)
    files = [probe(tmp_path / name) for name, _ in kinds]
    tracks = tuple(Track(file.path.name, clips=(Clip(file, 0, file.frames),)) for file in files)
    session = Session(song(), tracks, 48000, 4000)
    written = write_session("ardour", session, tmp_path / "s")
    copies = written.outputs[1:]
    assert [copy.path.name for copy in copies] == ["a.wav", "b.wav", "A_2.wav", "c.wav", "d.wav"]
    for file, copy in zip(files, copies, strict=True):
        assert np.array_equal(read_all(file), read_all(probe(copy.path)))
    assert copies[2].path.read_bytes() == files[2].path.read_bytes()
    assert not any(loss.field == "audio" for loss in written.losses)


def test_what_ardour_cannot_hold_is_told(tmp_path: Path) -> None:
    wide = wav(tmp_path / "six.wav", 4800, 6)
    track = Track("Six", clips=(Clip(wide, 0, 4800),), pan=0.5)
    late = replace(song(), tempo_map=(replace(moving_song().tempo_map[0], at=Fraction(1, 7)),))
    session = replace(studio(tmp_path), song=late, start_frame=48000, markers=(Marker(0, "x", 0, "#ff0000"),))
    session = replace(session, tracks=(*session.tracks, track))
    written = write_session("ardour", session, tmp_path / "s")
    told = {loss.field: loss.subject for loss in reversed(written.losses)}
    assert set(told) == {"key", "start_timecode", "marker_colours", "gain", "pan", "tempo_map"}
    assert (
        told["pan"] == "Six" and told["gain"] == "Kick \"1\" '2' `3` 🥁 a/b:c, Muted" and told["marker_colours"] == "x"
    )
    assert read_session(written.outputs[0].path).session.tracks[-1].clips[0].file.format.channels == 6


def test_nothing_half_written_and_nothing_of_others_replaced(tmp_path: Path) -> None:
    session = studio(tmp_path)
    (tmp_path / "Ccc.wav").unlink()
    with pytest.raises(InputError):
        write_session("ardour", session, tmp_path / "s")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.wav", "Bb.wav"]
    audio = tmp_path / "t Ardour" / "interchange" / "t Ardour" / "audiofiles"
    audio.mkdir(parents=True)
    (audio / "A.wav").write_text("somebody's")
    with pytest.raises(AlreadyThere):
        write_session("ardour", studio(tmp_path), tmp_path / "t")
    assert (audio / "A.wav").read_text() == "somebody's"


def test_a_real_session_of_another_version_is_read(shared: Path) -> None:
    path = next((shared / "material/sessions/ardour").rglob("*.ardour"))
    opened = read_session(path)
    read = opened.session
    assert (read.sample_rate, read.song.bpm and read.song.bpm.value, len(read.tracks)) == (44100, 142.0, 14)
    left = {t.name[:-2]: t for t in read.tracks if t.pan == -1}
    right = {t.name[:-2]: t for t in read.tracks if t.pan == 1}
    assert left.keys() == right.keys() and len(left) == 4
    for name, track in left.items():
        assert [(c.at, c.length, c.source_from) for c in track.clips] == [
            (c.at, c.length, c.source_from) for c in right[name].clips
        ]
        names = [t.clips[0].file.path.name for t in (track, right[name])]
        assert ["%L" in names[0], "%R" in names[1]] == [True, True], names
    assert sum(len(t.clips) for t in read.tracks if t.pan != 1) == 217
    assert [marker.name for marker in read.markers] == ["version 2-range", "version 2", "Version 2 end"]
    guitar = next(track for track in read.tracks if track.name == "guit")
    assert strip(guitar.gain_db, guitar.pan) == pytest.approx((-2.0403, 0.4423), abs=1e-4)
    assert guitar.gain_db == pytest.approx(-3.0679, abs=1e-4) and guitar.pan == pytest.approx(0.4979, abs=1e-4)
    assert any("MIDI" in warning for warning in opened.warnings) and any("beside" in w for w in opened.warnings)


def test_stereo_of_two_mono_files_keeps_both_sides(tmp_path: Path) -> None:
    """As Ardour writes an import of `t%L.wav` and `t%R.wav`."""
    left, right = wav(tmp_path / "t%L.wav", 4800), wav(tmp_path / "t%R.wav", 4801)
    clips = (Clip(left, 10, 4000, 3, -2.0, 5, 6), Clip(right, 9000, 100))
    tracks = (Track("t", clips=clips, gain_db=-3.0, mute=True, colour="#123456"), Track("t.L"))
    place = write_session("ardour", Session(song(), tracks, 48000, 9600), tmp_path / "s").outputs[0].path
    root = etree.fromstring(place.read_bytes())
    ids = [source.get("id") for source in root.iterfind("Sources/Source")]
    region = root.find("Playlists/Playlist/Region")
    region.attrib.update({"channels": "2", "source-0": ids[0], "source-1": ids[1]})
    place.write_bytes(etree.tostring(root))
    opened = read_session(place)
    whole, one, other, named = opened.session.tracks
    assert [t.name for t in opened.session.tracks] == ["t", "t.L (2)", "t.R", "t.L"]
    assert [(c.at, c.file.frames) for c in whole.clips] == [(9000, 4801)] and not named.clips
    assert (one.clips[0].file.frames, other.clips[0].file.frames) == (4800, 4801)
    for side, pan in ((one, -1.0), (other, 1.0)):
        assert replace(side.clips[0], file=left) == clips[0] and side.pan == pan
        assert (side.gain_db, side.mute, side.colour) == (pytest.approx(-3.0, abs=1e-6), True, "#123456")


def test_what_changes_the_sound_is_told_once_a_kind(tmp_path: Path) -> None:
    place = write_session("ardour", studio(tmp_path), tmp_path / "s").outputs[0].path
    assert read_session(place).warnings == ()
    root = etree.fromstring(place.read_bytes())
    for route in root.iterfind("Routes/Route"):
        for kind in ("lv2", "send"):
            etree.SubElement(route, "Processor", {"type": kind, "active": "1"})
        etree.SubElement(route, "Controllable", {"name": "phase", "phase-invert": "01"})
        moves = etree.SubElement(route, "AutomationList", {"state": "Play"})
        etree.SubElement(moves, "events").text = "0 1 100 0.5"
    for region in root.iter("Region"):
        region.attrib.update({"opaque": "1", "envelope-active": "1", "fade-in-active": "1"})
        region.remove(region.find("FadeIn")) if region.find("FadeIn") is not None else None
        for tag, events in (("Envelope", "0 1 100 0.5"), ("FadeIn", "0 0 5 0.9 10 1")):
            held = etree.SubElement(etree.SubElement(region, tag), "AutomationList")
            etree.SubElement(held, "events").text = events
    etree.SubElement(etree.SubElement(root, "VCAManager"), "VCA")
    place.write_bytes(etree.tostring(root))
    said = "\n".join(read_session(place).warnings)
    for words in ("plug-ins are", "sends", "polarity", "automation", "envelopes", "curved", "lie over", "VCA"):
        assert said.count(words) == 1, words
    assert "plug-ins of the master" in said and " more" in said


def test_media_outside_of_the_session_are_not_opened(tmp_path: Path) -> None:
    session = studio(tmp_path)
    place = write_session("ardour", session, tmp_path / "s").outputs[0].path
    audio = place.parent / "interchange" / place.parent.name / "audiofiles"
    audio.rename(tmp_path / "outside")
    audio.symlink_to(tmp_path / "outside")
    opened = read_session(place)
    assert len(opened.warnings) == 3 and all("beside" in warning for warning in opened.warnings)
    assert opened.session.tracks[2].clips[0].length == 20000


def test_buses_in_a_circle_and_hostile_values(tmp_path: Path) -> None:
    place = write_session("ardour", studio(tmp_path), tmp_path / "s").outputs[0].path
    text = place.read_text()
    place.write_text(text.replace('other="Master/audio_in', 'other="Inner- a-b/audio_in'))
    read = read_session(place).session
    assert {track.name: track.group for track in read.tracks if track.is_group} == {"Drums": None, "Inner: a/b": None}
    for old, new in (
        ('<Session ', "<!DOCTYPE x [<!ENTITY y 'z'>]><Session "),
        ('npm="93.5"', 'npm="0"'),
        ('sample-rate="48000"', 'sample-rate="48"'),
        ('end="a352800000"', 'end="a999999999999999999999"'),
        ('end="a352800000"', 'end="1e999."'),
    ):  # fmt: skip
        assert old in text
        place.write_text(text.partition("?>\n")[2].replace(old, new))
        with pytest.raises(SessionError) as caught:
            read_session(place)
        assert caught.value.hint


def test_any_damage_is_a_house_error_or_a_session(tmp_path: Path) -> None:
    place = write_session("ardour", studio(tmp_path), tmp_path / "s").outputs[0].path
    words = [b'0123456789<>"/ab-.e\x00\xff'[n : n + 1] for n in range(20)]
    assert 0 < refused(damaged(place.read_bytes(), words, most=4), place) < 500
