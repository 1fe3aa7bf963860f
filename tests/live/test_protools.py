"""Pro Tools through the real py-ptsl client, against a Pro Tools of our own over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ptsl")

import soundfile
from fake_protools import PALETTE, FakeClip, FakeProTools, FakeSession, FakeTrack, refuse, running

from stemwright import audit
from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.errors import HostError, MissingExtra, SessionError
from stemwright.live import Asked, Wanted, actions, hosts, protools
from stemwright.live.protools import wire
from stemwright.live.protools.wire import ProTools
from stemwright.model import Clip, Estimate, Marker, Session, Song, Track

import numpy as np  # isort: skip

RATE = 48_000
PLACES = {"Kick": 0, "Vox": 2401, "Mix": 0}


@pytest.fixture
def fake() -> FakeProTools:
    return FakeProTools()


@pytest.fixture
def asked(fake: FakeProTools) -> Iterator[Asked]:
    with running(fake) as port:
        yield Asked(port)


@pytest.fixture
def link(asked: Asked) -> Iterator[ProTools]:
    """The fake as it is at first; what changes its version connects by itself."""
    with protools.connect(asked) as link:
        yield link


def stem(folder: Path, name: str, frames: int = 4800, channels: int = 1, rate: int = RATE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(name)).integers(-(1 << 22), 1 << 22, (channels, frames), dtype=np.int32)
    with WavWriter(folder / f"{name}.wav", rate, channels) as writer:
        writer.write(noise)
    return folder / f"{name}.wav"


def plan(folder: Path, **changes: Any) -> Session:
    kick, vox, mix = (probe(stem(folder, name, 4800, n)) for name, n in (("Kick in", 1), ("Vox", 2), ("Mix", 2)))
    tracks = (
        Track("Drums", is_group=True),
        Track("Kick", clips=(Clip(kick, 0, 4800),), colour="#c02828", group="Drums"),
        Track("Vox", clips=(Clip(vox, 2401, 4800),), colour="#2828c0"),
        Track("Mix", clips=(Clip(mix, 0, 4800),), mute=True),
    )
    markers = (Marker(0, "Start"), Marker(4800, "Verse", colour="#20c020"))
    song = Song("My Song", RATE, bpm=Estimate(93.5, 1.0, "user"))
    return replace(Session(song, tracks, RATE, 7201, markers), **changes)


def opened(fake: FakeProTools, folder: Path) -> FakeSession:
    session = FakeSession("Open one", folder)
    session.add(stem(folder / "Audio Files", "Kick"))
    session.add(stem(folder / "Audio Files", "Keys", 9600, 2), 4800)
    session.add(stem(folder / "Audio Files", "Scratch")).on |= {"muted"}
    session.tracks.append(FakeTrack("Master 1", "m", 2, "Master", plugins=["Pro Limiter (stereo)"]))
    session.markers[1] = ("Verse", 4800, 0)
    fake.session = session
    return session


def test_it_is_found_and_tells_what_it_can_do() -> None:
    assert "protools" in hosts()
    assert set(actions("protools")) == {"build", "audit", "export", "verify", "doctor"}


# ---- build ----------------------------------------------------------------------------------------------------


def test_stems_become_a_session(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = plan(tmp_path / "Stems")
    built = protools.build(link, session)
    made = fake.session
    assert made and (built.session, built.tracks) == (str(tmp_path / "My_Song"), 3)
    assert (made.folder, made.rate, made.bits, made.interleaved, made.saved) == (
        tmp_path / "My_Song",
        RATE,
        "Bit24",
        True,
        1,
    )
    clips = {track.name: (track.channels, [(clip.at, clip.length) for clip in track.clips]) for track in made.tracks}
    assert clips == {"Kick": (1, [(0, 4800)]), "Vox": (2, [(2401, 4800)]), "Mix": (2, [(0, 4800)])}
    assert [track.on for track in made.tracks] == [set(), set(), {"muted"}]
    assert [track.color for track in made.tracks] == [PALETTE[1], PALETTE[3], PALETTE[0]]
    assert made.markers == {1: ("Start", 0, 0), 2: ("Verse", 4800, 2)}
    assert made.counter == "TLType_BarsBeats"  # as it was
    for track, source in zip(made.tracks, ("Kick in", "Vox", "Mix"), strict=True):
        assert track.clips[0].file.read_bytes() == (tmp_path / "Stems" / f"{source}.wav").read_bytes()
        assert track.clips[0].file.parent == made.folder / "Audio Files"
    assert [text.split(":")[0] for text in built.warnings] == [
        "PTSL cannot set the tempo",
        "PTSL imports to tracks outside of folders",
    ]


def test_colours_counted_from_one_are_noticed(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    fake.first_color = 1
    protools.build(link, plan(tmp_path / "Stems"))
    assert fake.session and [track.color for track in fake.session.tracks[:2]] == [PALETTE[1], PALETTE[3]]


def test_an_old_host_gets_what_it_knows_and_the_rest_is_told(asked: Asked, fake: FakeProTools, tmp_path: Path) -> None:
    fake.version = (5, 0)
    with protools.connect(asked) as link:
        built = protools.build(link, plan(tmp_path / "Stems"))
    told = "\n".join(built.warnings)
    assert "the tracks have no colours: this Pro Tools (PTSL 5) does not know GetColorPalette" in told
    assert "the markers have no colours" in told
    assert "look into Pro Tools: markers: Verse: planned 4800 + 0 frames" in told  # they were taken for bars
    assert fake.session and fake.session.saved == 1


def test_what_the_version_tells_is_not_even_asked(fake: FakeProTools, asked: Asked, tmp_path: Path) -> None:
    fake.version = (2025, 6)
    with protools.connect(asked) as link:
        built = protools.build(link, plan(tmp_path / "Stems"))
    assert "GetColorPalette" not in fake.commands()
    assert any("PTSL 2025.6" in told for told in built.warnings)


@pytest.mark.parametrize(
    "command", ["CreateSession", "Import", "RenameTargetTrack", "CreateMemoryLocation", "SaveSession"]
)
@pytest.mark.parametrize("trouble", ["PT_UnknownError", "dialog", "garbage"])
def test_nothing_is_left_of_a_build_that_fails(
    fake: FakeProTools, link: ProTools, tmp_path: Path, command: str, trouble: str
) -> None:
    fake.trouble[command] = trouble
    sources = plan(tmp_path / "Stems")
    with pytest.raises(HostError) as error:
        protools.build(link, sources)
    assert fake.session is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Stems"]
    assert error.value.hint.endswith("the unfinished session was closed and removed")
    assert len(list((tmp_path / "Stems").iterdir())) == 3


def test_what_pro_tools_did_otherwise_is_told(
    fake: FakeProTools, link: ProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_and_late(session: FakeSession, path: Path, at: int = 0, name: str = "") -> FakeTrack:
        made = add(session, path, at + 1, name)
        session.tracks.insert(0, session.tracks.pop())
        return made

    add = FakeSession.add
    monkeypatch.setattr(FakeSession, "add", first_and_late)
    told = protools.build(link, plan(tmp_path / "Stems")).warnings
    assert [line.removeprefix("look into Pro Tools: ").split(", found")[0] for line in told[-4:]] == [
        "tracks: order: planned Kick, Vox, Mix",
        *(f"audio: {name}: planned at {at} frames" for name, at in PLACES.items()),
    ]


def test_two_sides_are_two_tracks(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = plan(tmp_path / "Stems")
    (clip,) = session.tracks[1].clips
    sides = tuple(Track(f"Gtr_{side}", clips=(clip,)) for side in "LR")
    told = protools.build(link, replace(session, tracks=sides)).warnings
    assert fake.session and [track.name for track in fake.session.tracks] == ["Gtr_L", "Gtr_R"]
    assert not any("look into" in line for line in told)


def test_a_session_that_cannot_be_looked_through_stays(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    fake.trouble["ExportSessionInfoAsText"] = "PT_UnknownError"
    built = protools.build(link, plan(tmp_path / "Stems"))
    assert fake.session and fake.session.saved == 1
    assert "the new session could not be looked through" in built.warnings[-1]


def test_a_host_that_quits_in_the_middle(fake: FakeProTools, asked: Asked, tmp_path: Path) -> None:
    fake.trouble["RenameTargetTrack"] = "quit"
    with protools.connect(asked) as link, pytest.raises(HostError, match="closed the connection") as error:
        protools.build(link, plan(tmp_path / "Stems"))
    assert f"a session is left in {tmp_path / 'My_Song'}" in error.value.hint


def test_a_host_that_does_not_answer(
    fake: FakeProTools, link: ProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stemwright.live.protools.stems.WORK_S", 0.3)
    fake.trouble["Import"] = "hang"
    with pytest.raises(HostError, match=r"did not answer within 0\.3 s") as error:
        protools.build(link, plan(tmp_path / "Stems"))
    assert "dialog" in error.value.hint and error.value.hint.endswith("closed and removed")


def test_the_users_session_is_left_alone(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    theirs = opened(fake, tmp_path / "theirs")
    with pytest.raises(HostError, match="'Open one' is open") as error:
        protools.build(link, plan(tmp_path / "Stems"))
    assert "save and close it first" in error.value.hint
    assert fake.session is theirs and not {"CreateSession", "CloseSession"} & set(fake.commands())


def test_a_folder_that_is_there_is_not_touched(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = plan(tmp_path / "Stems")
    (tmp_path / "My_Song").mkdir()
    assert protools.build(link, session).session == str(tmp_path / "My_Song_Pro_Tools")
    fake.session = None
    with pytest.raises(SessionError, match="is there already"):
        protools.build(link, session)
    assert list((tmp_path / "My_Song").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [({"sample_rate": 50_000}, "50000 Hz"), ({"tracks": ()}, "no stems"), ({"tracks": "cut"}, "cut into clips")],
)
def test_plans_that_cannot_be_built(link: ProTools, fake: FakeProTools, tmp_path: Path, change: Any, told: str) -> None:
    session = plan(tmp_path / "Stems")
    if change.get("tracks") == "cut":
        (clip,) = session.tracks[1].clips
        change = {"tracks": (replace(session.tracks[1], clips=(replace(clip, length=100),)),)}
    with pytest.raises(SessionError, match=told):
        protools.build(link, replace(session, **change))
    assert "CreateSession" not in fake.commands()


def test_a_session_that_is_not_ours_is_never_closed(
    fake: FakeProTools, link: ProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = plan(tmp_path / "Stems")

    def opens_theirs(body: Any) -> Any:
        opened(fake, tmp_path / "theirs")
        refuse("PT_CannotBeDone", "A session is open.")

    monkeypatch.setattr(fake, "on_create_session", opens_theirs, raising=False)
    with pytest.raises(HostError, match="refused CreateSession"):
        protools.build(link, session)
    assert fake.session and fake.session.name == "Open one" and "CloseSession" not in fake.commands()


# ---- the wire -------------------------------------------------------------------------------------------------


def test_no_pro_tools(fake: FakeProTools, capfd: pytest.CaptureFixture[str]) -> None:
    with running(fake) as port:
        pass
    with pytest.raises(HostError, match=f"no Pro Tools answers on port {port}") as error, protools.connect(Asked(port)):
        pass
    assert "start Pro Tools 2023.3" in error.value.hint
    assert capfd.readouterr() == ("", "")  # the client's own words are not repeated


def test_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ptsl", None)
    with pytest.raises(MissingExtra) as error, protools.connect(Asked()):
        pass
    assert error.value.hint == "pip install 'stemwright[protools]'"


def test_a_host_that_does_not_let_us_in(fake: FakeProTools, asked: Asked) -> None:
    fake.trouble["RegisterConnection"] = "PT_Forbidden"
    with pytest.raises(HostError, match="does not let stemwright in"), protools.connect(asked):
        pass


def test_a_host_that_hangs_from_the_start(fake: FakeProTools, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_S", 0.3)
    fake.trouble["HostReadyCheck"] = "hang"
    with pytest.raises(HostError, match="did not answer within"), protools.connect(asked):
        pass


def test_py_ptsls_import_audio_still_sends_the_type_of_session_data(
    fake: FakeProTools, asked: Asked, tmp_path: Path
) -> None:
    """Why `Import` is asked for as such: this fails when py-ptsl is mended."""
    import ptsl
    from ptsl.errors import CommandError

    opened(fake, tmp_path)
    with ptsl.open_engine("x", "y", address=f"localhost:{asked.port}") as engine, pytest.raises(CommandError):
        engine.import_audio([str(stem(tmp_path, "Kick"))], audio_destination=3, audio_location=2)
    assert fake.log[-1][1]["import_type"] == "Session"


def test_a_proxy_of_the_system_is_not_asked(fake: FakeProTools, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with protools.connect(asked) as link:
        assert link.version == (2025, 10)


# ---- audit ----------------------------------------------------------------------------------------------------


def test_the_open_session_is_read_and_judged(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = opened(fake, tmp_path)
    kick = session.track("Kick").clips[0]
    session.track("Kick").clips.append(FakeClip("Kick-02", 6000, 100, tmp_path / "gone.wav"))
    state = protools.state(link)
    assert (state.host, state.name) == ("Pro Tools (PTSL 2025.10)", "Open one")
    assert (state.sample_rate, state.bits, state.interleaved) == (RATE, 24, True)
    assert [(track.name, track.kind, track.channels) for track in state.tracks] == [
        *(("Kick", "audio", 1), ("Keys", "audio", 2), ("Scratch", "audio", 1), ("Master 1", "master", 2))
    ]
    assert state.tracks[0].clips[0].file == kick.file
    assert [clip.missing for clip in state.tracks[0].clips] == [False, True]
    assert state.tracks[2].muted and state.markers == (Marker(4800, "Verse"),)
    found = {(finding.rule, str(finding.subject or "")) for finding in audit.audit(state)}
    expected = {("SES012", "Kick"), ("SES003", "Kick"), ("SES007", "Master 1"), ("SES010", "Scratch")}
    assert expected <= found and ("SES001", "") not in found


def test_a_long_text_goes_through_a_file(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    opened(fake, tmp_path)
    fake.longest = 10
    assert [len(track.clips) for track in protools.state(link).tracks] == [1, 1, 1, 0]


def test_folders_and_states_come_from_the_list_of_tracks(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = opened(fake, tmp_path)
    session.tracks.append(FakeTrack("Beat", "b", 2, "TType_RoutingFolder", on={"hidden", "inactive", "soloed"}))
    beat = protools.state(link).tracks[-1]
    assert (beat.kind, beat.hidden, beat.inactive, beat.soloed) == ("folder", True, True, True)


def test_a_path_with_colons_is_one_of_a_mac(
    fake: FakeProTools, link: ProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(fake, tmp_path)
    told = {"file_locations": [{"path": "Macintosh HD:Users:me:Song:Audio Files:Kick.wav"}]}
    monkeypatch.setattr(
        fake, "on_get_file_location", lambda body: told if body["file_filters"] == ["Online_Files"] else {}
    )
    assert protools.state(link).tracks[0].clips[0].file == Path("/Users/me/Song/Audio Files/Kick.wav")


def test_no_session_or_another(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no session is open"):
        protools.state(link)
    with pytest.raises(HostError, match="no session is open"):
        protools.export(link, Wanted(tmp_path))
    opened(fake, tmp_path)
    other = protools.connect(replace(link.asked, project="Other"))
    with other as link, pytest.raises(HostError, match="'Open one', not 'Other'"):
        protools.state(link)


def test_more_tracks_than_a_page(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    fake.session = FakeSession("Large", tmp_path, tracks=[FakeTrack(f"T{n}", f"{n}") for n in range(1003)])
    assert [track.name for track in protools.state(link).tracks] == [f"T{n}" for n in range(1003)]


# ---- export ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(2025, 10), (4, 0)])
def test_every_track_is_bounced_as_the_guide_wants_it(
    fake: FakeProTools, asked: Asked, tmp_path: Path, version: tuple[int, int]
) -> None:
    fake.version = version
    session, out = opened(fake, tmp_path / "song"), tmp_path / "out"
    session.track("Scratch").on |= {"soloed"}
    session.selection = ("17", "18")
    out.mkdir()
    with protools.connect(asked) as link:
        rendered = protools.export(link, Wanted(out, tail_s=0.5))
    made = rendered.files
    assert rendered.settings.via_master is (version[0] < 2000)
    assert [path.name for path in made] == ["Kick.wav", "Keys.wav"] and len(list(out.iterdir())) == 2
    for path, at in zip(made, (0, 4800), strict=True):
        info, sound = soundfile.info(path), soundfile.read(path, always_2d=True)[0]
        assert (info.format, info.subtype, info.samplerate, info.frames) == ("WAV", "PCM_24", RATE, 14_400 + 24_000)
        source = soundfile.read(tmp_path / "song/Audio Files" / path.name, always_2d=True)[0]
        assert np.array_equal(sound[at : at + len(source)], source * np.ones((1, info.channels)))
        assert not sound[:at].any() and not sound[at + len(source) :].any()
    assert session.selection == ("17", "18") and session.track("Scratch").on == {"muted", "soloed"}
    assert not any("soloed" in track.on for track in session.tracks[:2])
    bounced = [body for name, body in fake.log if name in ("BounceTrack", "ExportMix") and body["file_type"]]
    assert all(body["location_info"]["import_after_bounce"] == "TB_False" for body in bounced)
    if version[0] > 2000:
        assert [soundfile.info(path).channels for path in made] == [1, 2]
        assert "SetTrackSoloState" not in fake.commands()


def test_only_the_selected_tracks_or_those_that_are_named(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    session = opened(fake, tmp_path / "song")
    session.track("Keys").on |= {"selected"}
    for name, tracks in (("a", ()), ("b", ("Scratch", "Kick"))):
        (tmp_path / name).mkdir()
        made = protools.export(link, Wanted(tmp_path / name, 16, tracks=tracks)).files
        assert tuple(path.stem for path in made) == (tracks or ("Keys",))
        assert soundfile.info(made[0]).subtype == "PCM_16"
    with pytest.raises(SessionError, match="has no track called 'Choir'") as error:
        protools.export(link, Wanted(tmp_path / "b", tracks=("Choir",)))
    assert "Kick, Keys, Scratch" in error.value.hint


@pytest.mark.parametrize("version", [(2025, 10), (4, 0)])
def test_tracks_whose_files_would_be_called_alike(
    fake: FakeProTools, asked: Asked, tmp_path: Path, version: tuple[int, int]
) -> None:
    fake.version = version
    session = opened(fake, tmp_path / "song")
    session.track("Kick").name, session.track("Keys").name = "Gtr 1", "Gtr+1"
    (tmp_path / "out").mkdir()
    with protools.connect(asked) as link:
        made = protools.export(link, Wanted(tmp_path / "out", 20)).files
    assert [path.name for path in made] == ["Gtr_1.wav", "Gtr_1_2.wav"] and all(map(Path.is_file, made))
    assert soundfile.info(made[0]).subtype == "PCM_24"  # no fewer bits than asked for


@pytest.mark.parametrize("trouble", ["PT_HostIsBusy", "dialog", "PT_InvalidParameter"])
def test_solos_are_put_back_after_an_error(fake: FakeProTools, asked: Asked, tmp_path: Path, trouble: str) -> None:
    fake.version, fake.trouble = (4, 0), {"ExportMix": trouble}
    session = opened(fake, tmp_path)
    session.track("Keys").on |= {"soloed"}
    session.selection = ("5", "6")
    with protools.connect(asked) as link, pytest.raises(HostError):
        protools.export(link, Wanted(tmp_path / "Audio Files"))
    assert [track.name for track in session.tracks if "soloed" in track.on] == ["Keys"]
    assert session.selection == ("5", "6")


def test_a_host_that_quits_while_it_bounces_tells_what_may_be_soloed(
    fake: FakeProTools, asked: Asked, tmp_path: Path
) -> None:
    fake.version, fake.trouble = (4, 0), {"ExportMix": "quit"}
    opened(fake, tmp_path)
    with protools.connect(asked) as link, pytest.raises(HostError, match="closed the connection") as error:
        protools.export(link, Wanted(tmp_path / "Audio Files"))
    assert error.value.hint.endswith("; Kick may still be soloed")


def test_a_bounce_without_a_file_is_told(
    fake: FakeProTools, link: ProTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(fake, tmp_path)
    monkeypatch.setattr(fake, "_write", lambda *_: "")
    with pytest.raises(HostError, match="wrote 0 files for Kick"):
        protools.export(link, Wanted(tmp_path))


def test_nothing_that_sounds(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    for track in opened(fake, tmp_path).tracks:
        track.on |= {"muted"}
    with pytest.raises(SessionError, match="no track plays anything"):
        protools.export(link, Wanted(tmp_path))
    assert "BounceTrack" not in fake.commands()


# ---- verify and doctor ----------------------------------------------------------------------------------------


def test_an_aaf_of_ours_comes_back_as_planned(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    from stemwright.session.formats import write_session
    from stemwright.session.opened import opened_otherwise

    session = plan(tmp_path / "Stems")
    session = replace(session, tracks=tuple(replace(track, group=None) for track in session.tracks if track.clips))
    path = tmp_path / "song.aaf"
    write_session("aaf", session, path)
    before = sorted(one.name for one in tmp_path.iterdir())
    made = protools.verify(link, path, session)
    assert opened_otherwise(session, made) == ()
    assert fake.session is None and sorted(one.name for one in tmp_path.iterdir()) == before
    moved = tuple(replace(m, at=m.at + 1) for m in made.markers or ())
    late = replace(made, markers=moved, tracks=made.tracks[1:])
    assert {difference.field for difference in opened_otherwise(session, late)} == {"markers", "tracks"}


def test_an_aaf_that_becomes_an_empty_session_is_told(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    fake.aaf_works = False
    (tmp_path / "song.aaf").write_bytes(b"")
    with pytest.raises(HostError, match="empty session of the AAF") as error:
        protools.verify(link, tmp_path / "song.aaf", plan(tmp_path / "Stems"))
    assert "2025.6" in error.value.hint and fake.session is None


def test_a_session_that_stays_open_after_a_look_is_told(fake: FakeProTools, link: ProTools, tmp_path: Path) -> None:
    from stemwright.session.formats import write_session

    session, path = plan(tmp_path / "Stems"), tmp_path / "song.aaf"
    write_session("aaf", replace(session, tracks=session.tracks[2:]), path)
    fake.trouble["CloseSession"] = "dialog"
    with pytest.raises(HostError, match="does not close the session") as error:
        protools.verify(link, path, session)
    assert "a session is left in" in error.value.hint


def test_the_doctor_names_no_names(fake: FakeProTools, asked: Asked, tmp_path: Path) -> None:
    with protools.connect(asked) as link:
        with pytest.raises(HostError, match="no session is open"):
            list(protools.doctor(link))
        opened(fake, tmp_path)
        checks = {check.what: check for check in protools.doctor(link)}
    assert all(check.ok for check in checks.values())
    assert checks["the open session can be read"].told == "4 tracks at 48000 Hz"
    assert checks["Pro Tools answers"].told == "PTSL 2025.10"
    fake.version = (2025, 6)
    with protools.connect(asked) as link:
        (old,) = [check for check in protools.doctor(link) if check.what == "knows all commands"]
    assert not old.ok and old.told == "missing: GetColorPalette, SetTrackColor"
