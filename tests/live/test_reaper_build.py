"""Stems go into a fake REAPER by the real reapy client: all of them, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from stemwright import live
from stemwright.audio.probe import probe
from stemwright.errors import AlreadyThere, HostError, NotFoundInput, SessionError
from stemwright.live import Asked
from stemwright.live.reaper import link as links
from stemwright.model import Clip, Estimate, Marker, Session, Song, TempoChange, Track
from stemwright.workflows import live as work
from stemwright.workflows.facts import Given
from stemwright.workflows.session import SessionOptions
from support import finish, tone, write_wav

REAPER = live.host("reaper")
RATE = 48_000
GIVEN = SessionOptions(given=Given(bpm=120.0, key="Am"))
MINE = {"path": "/mine/Mine.rpp", "tracks": [{"name": "Guitar", "items": [{"file": "/mine/g.wav", "length": 3.0}]}]}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A folder with two tracks in it, one of them later, louder and faded; and a track of its own."""
    heard = (("Kick", 60), ("Snare", 200), ("Vox", 440))
    kick, snare, vox = (probe(write_wav(tmp_path / f"{name}.wav", tone(hz, 1.0))) for name, hz in heard)
    tracks = (
        Track("DRUMS", is_group=True, colour="#ff8000"),
        Track("Kick", "drums.kick", (Clip(kick, 0, RATE),), group="DRUMS", gain_db=-6.0, comment="dry"),
        Track("Snare", clips=(Clip(snare, 24_001, 12_000, 100, 6.0, 480, 960),), group="DRUMS", pan=-0.5),
        Track("Vox", clips=(Clip(vox, 0, RATE),), colour="#102030", mute=True),
    )
    song = Song("Song", RATE, bpm=Estimate(93.5, 1.0, "user"), tempo_map=(TempoChange(Fraction(8), 95.0),))
    markers = (Marker(0, "Bar 1", colour="#00ff00"), Marker(RATE, "Verse", RATE))
    return Session(song, tracks, RATE, RATE, markers)


def content(state: Any, number: int = 0) -> Any:
    """What a project holds, without its handles."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(inner) for key, inner in value.items() if key != "handle"}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return bare(state["projects"][number])


def test_into_an_empty_project(fake_reaper: Callable, session: Session) -> None:
    fake = fake_reaper(projects=[{"info": {"PROJECT_SRATE": 44100, "PROJECT_SRATE_USE": 0}}])
    with REAPER.connect(Asked(fake.port)) as link:
        built = REAPER.build(link, session)
    state = fake.state()
    made = content(state)
    assert (built.tracks, built.warnings) == (4, ())
    assert state["undo"] == [["Insert stems (stemwright)"]]
    assert [(t["P_NAME"], t["I_FOLDERDEPTH"]) for t in made["tracks"]] == [
        ("DRUMS", 1),
        ("Kick", 0),
        ("Snare", -1),
        ("Vox", 0),
    ]
    drums, kick, snare, vox = made["tracks"]
    assert drums["I_CUSTOMCOLOR"] == 0x1000000 | 0x00 << 16 | 0x80 << 8 | 0xFF
    assert kick["D_VOL"] == pytest.approx(10 ** (-6 / 20))
    assert (snare["D_PAN"], vox["B_MUTE"], kick["C_BEATATTACHMODE"]) == (-0.5, 1, 0)
    assert kick["items"][0]["P_NOTES"] == "dry"
    (item,) = snare["items"]
    frames = {name: round(item[name] * RATE) for name in ("D_POSITION", "D_LENGTH", "D_FADEINLEN", "D_FADEOUTLEN")}
    assert frames == {"D_POSITION": 24_001, "D_LENGTH": 12_000, "D_FADEINLEN": 480, "D_FADEOUTLEN": 960}
    (take,) = item["takes"]
    assert Path(take["source"]["file"]) == session.tracks[2].clips[0].file.path
    assert round(take["D_STARTOFFS"] * RATE) == 100
    assert take["D_VOL"] == pytest.approx(10 ** (6 / 20))
    assert [(m["name"], m["region"], m["at"], m["end"]) for m in made["markers"]] == [
        ("Bar 1", False, 0.0, 0.0),
        ("Verse", True, 1.0, 2.0),
    ]
    assert [(t["at"], t["bpm"]) for t in made["tempo"]] == [(0.0, 93.5), (pytest.approx(8 * 60 / 93.5), 95.0)]
    assert (made["info"]["PROJECT_SRATE"], made["info"]["PROJECT_SRATE_USE"]) == (RATE, 1)


def test_a_project_with_items_keeps_its_tempo_and_rate(fake_reaper: Callable, session: Session) -> None:
    fake = fake_reaper(projects=[{**MINE, "info": {"PROJECT_SRATE": 44100}}])
    with REAPER.connect(Asked(fake.port)) as link:
        built = REAPER.build(link, session)
    made = content(fake.state())
    assert [t["P_NAME"] for t in made["tracks"]] == ["Guitar", "DRUMS", "Kick", "Snare", "Vox"]
    assert (made["tempo"], made["info"]["PROJECT_SRATE"]) == ([], 44100)
    assert [warning.split(";")[0] for warning in built.warnings] == [
        "Mine.rpp keeps its tempo, 120 BPM",
        "Mine.rpp keeps its sample rate, 44100 Hz",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {"fail": {"AddTakeToMediaItem": 2}},
        {"fail": {"AddProjectMarker2": 2}},
        {"fail": {"SetTempoTimeSigMarker": 2}},
        {"fail": {"InsertTrackAtIndex": 1}},
        {"hang": {"PCM_Source_CreateFromFile": [2, 1.0]}},
        {"missing": ["AddMediaItemToTrack"]},
    ],
    ids=lambda value: next(iter(value.values())) and str(value),
)
def test_a_failure_in_the_middle_leaves_nothing(
    fake_reaper: Callable, session: Session, broken: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "ANSWER_S", 0.4)
    fake = fake_reaper(projects=[{"info": {"PROJECT_SRATE": 44100, "PROJECT_SRATE_USE": 0}}], **broken)
    before = content(fake.state())
    with REAPER.connect(Asked(fake.port)) as link:
        with pytest.raises(HostError, match="unsaved project is as it was") as caught:
            REAPER.build(link, session)
        assert caught.value.hint
        assert REAPER.state(link).tracks[0].name == "MASTER"  # it answers still
    after = fake.state()
    assert content(after) == before
    assert after["undo"] == [[]]


def test_an_interrupt_leaves_nothing(fake_reaper: Callable, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_reaper(projects=[MINE])
    before = content(fake.state())
    with REAPER.connect(Asked(fake.port)) as link:
        plain = type(link).call

        def call(self: Any, function: str, *arguments: Any, **more: Any) -> Any:
            if function == "AddProjectMarker2":
                raise KeyboardInterrupt
            return plain(self, function, *arguments, **more)

        monkeypatch.setattr(type(link), "call", call)
        with pytest.raises(KeyboardInterrupt):
            REAPER.build(link, session)
    assert content(fake.state()) == before


def test_an_interrupt_while_an_answer_is_on_its_way(
    fake_reaper: Callable, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_reaper(projects=[MINE])
    before = content(fake.state())
    with REAPER.connect(Asked(fake.port)) as link:
        plain, asked = link.client._get_result, []

        def interrupted() -> Any:
            asked.append(1)
            if len(asked) == 30:
                raise KeyboardInterrupt
            return plain()

        monkeypatch.setattr(link.client, "_get_result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            REAPER.build(link, session)
        assert REAPER.state(link).tracks[0].name == "Guitar"  # every answer goes with its call again
    assert content(fake.state()) == before


def test_an_answer_that_never_comes(fake_reaper: Callable, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ANSWER_S", 0.2)
    monkeypatch.setattr(links, "LATE_S", 0.2)
    fake = fake_reaper(hang={"AddMediaItemToTrack": [1, 60]})
    said = r"did not answer within 0\.2 s; what was inserted so far could not be undone"
    with pytest.raises(HostError, match=said), REAPER.connect(Asked(fake.port)) as link:
        REAPER.build(link, session)


def test_reaper_dies_in_the_middle(fake_reaper: Callable, session: Session) -> None:
    fake = fake_reaper(die={"AddMediaItemToTrack": 2})
    with pytest.raises(HostError) as caught, REAPER.connect(Asked(fake.port)) as link:
        REAPER.build(link, session)
    assert "closed the connection" in caught.value.message
    assert "could not be undone" in caught.value.message
    assert "undo 'Insert stems (stemwright)'" in caught.value.hint


def test_a_file_that_reaper_cannot_read(fake_reaper: Callable, session: Session) -> None:
    session.tracks[2].clips[0].file.path.unlink()
    fake = fake_reaper(projects=[MINE])
    said = r"cannot read Snare\.wav; Mine\.rpp is as it was"
    with pytest.raises(HostError, match=said), REAPER.connect(Asked(fake.port)) as link:
        REAPER.build(link, session)
    assert [t["P_NAME"] for t in content(fake.state())["tracks"]] == ["Guitar"]


def test_into_the_project_that_is_named(fake_reaper: Callable, session: Session) -> None:
    fake = fake_reaper(projects=[MINE, {"path": "/mine/Other.rpp"}])
    with REAPER.connect(Asked(fake.port, "Other")) as link:
        assert REAPER.build(link, session).session == "Other.rpp"
    state = fake.state()
    assert state["front"] == 0
    assert [len(content(state, number)["tracks"]) for number in (0, 1)] == [1, 4]


def test_stems_open_as_a_project_of_their_own(fake_reaper: Callable, session: Session, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[MINE])
    before = content(fake.state())
    outcome = finish(work.build("reaper", Asked(fake.port), tmp_path, False, GIVEN))
    state = fake.state()
    (made,) = (output.path for output in outcome.outputs if output.kind == "session")
    assert made.suffix == ".rpp"
    assert outcome.result.session == made.name
    assert state["projects"][1]["path"] == str(made)
    assert [t["P_NAME"] for t in content(state, 1)["tracks"]] == ["DRUMS", "Kick", "Snare", "Vox"]
    assert content(state) == before
    with pytest.raises(AlreadyThere) as caught:
        finish(work.build("reaper", Asked(fake.port), tmp_path, False, GIVEN))
    assert "give the file itself" in caught.value.hint
    with pytest.raises(HostError, match="is open in REAPER already"):
        finish(work.build("reaper", Asked(fake.port), made, False, GIVEN))


def test_a_project_that_reaper_does_not_open(fake_reaper: Callable, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[MINE])
    (tmp_path / "Broken.rpp").write_text("this is no project")
    with pytest.raises(HostError, match="did not open"):
        finish(work.build("reaper", Asked(fake.port), tmp_path / "Broken.rpp", False, GIVEN))
    state = fake.state()
    assert (len(state["projects"]), state["front"]) == (1, 0)
    (tmp_path / "Song.mid").touch()
    with pytest.raises(SessionError, match="no session that REAPER opens"):
        finish(work.build("reaper", Asked(fake.port), tmp_path / "Song.mid", False, GIVEN))
    with pytest.raises(NotFoundInput):
        finish(work.build("reaper", Asked(fake.port), tmp_path / "Gone.rpp", False, GIVEN))


def test_a_session_file_into_the_open_project(fake_reaper: Callable, session: Session, tmp_path: Path) -> None:
    made = finish(work.build("reaper", Asked(fake_reaper().port), tmp_path, False, GIVEN)).outputs[0].path
    fake = fake_reaper(projects=[MINE])
    outcome = finish(work.build("reaper", Asked(fake.port), made, True, GIVEN))
    assert outcome.result.tracks == 4
    tracks = content(fake.state())["tracks"]
    assert [t["P_NAME"] for t in tracks] == ["Guitar", "DRUMS", "Kick", "Snare", "Vox"]
    assert [t["items"][0]["D_LENGTH"] for t in tracks[2:]] == [pytest.approx(1.0)] * 3


def test_without_reaper_nothing_is_written(tmp_path: Path, session: Session) -> None:
    pytest.importorskip("reapy")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(HostError):
        finish(work.build("reaper", Asked(1), tmp_path, False, GIVEN))
    assert sorted(tmp_path.iterdir()) == before


def test_the_users_markers_go_into_the_project(fake_reaper: Callable, session: Session, tmp_path: Path) -> None:
    (tmp_path / "markers.csv").write_text("name,start\nVerse,0.5\n")
    fake = fake_reaper()
    finish(work.build("reaper", Asked(fake.port), tmp_path, True, GIVEN))
    assert ("Verse", 0.5) in [(marker["name"], marker["at"]) for marker in content(fake.state())["markers"]]
