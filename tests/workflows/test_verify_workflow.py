"""`prep` proves every session that it writes, and `session verify` knows a delivery's own stems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import resources
from stemwright.audio.folder import read_stems
from stemwright.errors import OutputError, UnknownName
from stemwright.model import Session, Track
from stemwright.session import formats
from stemwright.session.arrange import arrange
from stemwright.session.formats import Written, read_session, reaper
from stemwright.units import FRAME_RATES
from stemwright.workflows.facts import Given
from stemwright.workflows.guides import Guides
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.session import SessionOptions, build_sessions
from stemwright.workflows.verify import verify
from support import finish, pulse_song, tone, write_stems, write_wav

GIVEN = Given(bpm=120.0, key="Am")


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Song", pulse_song(3.0))


def test_prep_proves_each_session(stems: Path) -> None:
    options = PrepOptions(given=GIVEN, to=tuple(formats.formats()))
    made = finish(prep(stems, options)).result
    assert [found.format for found in made.verified] == list(options.to)
    for found in made.verified:
        assert found.ok and not found.skipped
    again = finish(prep(stems, options))
    assert again.result.verified == made.verified and "sessions" in again.skipped


def test_a_session_that_is_not_what_was_planned_ends_prep(stems: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reaper.write

    def careless(session: Session, path: Path, options: object) -> Written:
        louder = tuple(replace(track, gain_db=track.gain_db + 0.1) for track in session.tracks)
        return honest(replace(session, tracks=louder), path, {})

    monkeypatch.setattr(reaper, "write", careless)
    with pytest.raises(OutputError, match=r"Song_120_Am.rpp: is not what was planned: gain: .* found 0.100 dB"):
        finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",))))
    assert not list(stems.parent.rglob("*.rpp"))
    monkeypatch.undo()
    assert finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",)))).result.verified[0].ok


def test_a_delivery_is_verified_by_its_manifest(tmp_path: Path) -> None:
    """The lossy stem of this set was lowered with all others, which only the manifest knows."""
    import soundfile

    stems = write_stems(tmp_path / "Song", {"Drums": tone(80, 2.0, 44_100), "Bass": tone(50, 2.0, 44_100)})
    soundfile.write(stems / "Song_Keys.ogg", tone(220, 2.0, 44_100, level=1.2).T, 44_100)
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",)))).result.folder
    project = folder / f"{folder.name}.rpp"
    assert finish(verify(project)).result.ok
    (folder / "manifest.json").unlink()
    assert {d.field for d in finish(verify(project)).result.differences} == {"clip_gain", "audio"}


@pytest.mark.parametrize(
    ("was", "now", "field"),
    [
        (" 120 1 262148 ", " 121 1 262148 ", "tempo"),
        (" 262148 ", " 262147 ", "meter"),
        ('"Key: A minor', '"Key: B minor', "markers"),
    ],
)
def test_a_delivery_has_its_tempo_its_metre_and_its_markers(stems: Path, was: str, now: str, field: str) -> None:
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",)))).result.folder
    project = folder / f"{folder.name}.rpp"
    assert dict(finish(verify(project)).result.fields)["tempo"] == "kept"
    text = project.read_text("utf-8")
    assert was in text
    project.write_text(text.replace(was, now), "utf-8")
    assert field in {d.field for d in finish(verify(project)).result.differences}


def test_a_delivery_has_the_markers_and_the_click_that_were_asked_for(stems: Path, tmp_path: Path) -> None:
    listed = tmp_path / "mine.csv"
    listed.write_text("time,name\n0:01,Verse\n0:02,Chorus\n")
    asked = Guides(markers=listed, click=True)
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper", "midi"), guides=asked))).result.folder
    project = folder / f"{folder.name}.rpp"
    assert finish(verify(project)).result.differences == ()
    assert finish(verify(project.with_suffix(".mid"))).result.ok
    project.write_text(project.read_text("utf-8").replace('"Chorus"', '"Bridge"'), "utf-8")
    assert {d.field for d in finish(verify(project)).result.differences} == {"markers"}


def test_nobody_says_which_tempo_a_plain_folder_has(stems: Path) -> None:
    project = finish(build_sessions(stems, SessionOptions(("reaper",), given=GIVEN))).outputs[0].path
    outcome = finish(verify(project))
    assert "tempo" not in dict(outcome.result.fields) and any("tempo" in told for told in outcome.warnings)


def test_a_session_alone_is_only_looked_through(stems: Path, tmp_path: Path) -> None:
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("midi",)))).result.folder
    alone = tmp_path / "alone" / "s.mid"
    alone.parent.mkdir()
    alone.write_bytes((folder / f"{folder.name}.mid").read_bytes())
    found = finish(verify(alone)).result
    assert found.ok and not found.fields and found.residual_dbfs is None


@pytest.mark.parametrize("layout", resources.names("sessions"))
def test_any_layout_is_as_planned(stems: Path, layout: str) -> None:
    path = finish(build_sessions(stems, SessionOptions(("reaper",), layout=layout, given=GIVEN))).outputs[0].path
    found = finish(verify(path)).result
    plan = arrange(read_stems(stems), found.layout)
    alike = arrange(read_stems(stems), layout)
    assert found.ok and [(t.name, t.gain_db) for t in _stems_of(plan)] == [
        (t.name, t.gain_db) for t in _stems_of(alike)
    ]
    assert finish(verify(path, layout=layout)).result.layout == layout


def _stems_of(session: Session) -> list[Track]:
    return [track for track in session.tracks if not track.is_group]


def test_a_flaw_is_told_against_the_nearest_layout(stems: Path) -> None:
    path = finish(build_sessions(stems, SessionOptions(("reaper",), layout="practice", given=GIVEN))).outputs[0].path
    path.write_text(path.read_text("utf-8").replace("MUTESOLO 0 0 0", "MUTESOLO 1 0 0", 1), "utf-8")
    found = finish(verify(path)).result
    assert found.layout == "practice" and {d.field for d in found.differences} == {"audio"}  # a bus
    strict = finish(verify(path, layout="mix-engineer")).result
    assert strict.layout == "mix-engineer" and len(strict.differences) > len(found.differences)
    with pytest.raises(UnknownName):
        finish(verify(path, layout="no such"))


def test_a_delivery_in_a_layout_of_ones_own(stems: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    group = "[[group]]\nname = 'X'\nparts = ['bass', 'keys']\ncolour = '#ffffff'\ngain_db = -1.5\n"
    own.write_text(f"bus_from = 0\nother_colour = '#a0a0a0'\n{group}")
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",), layout=str(own)))).result.folder
    project = folder / f"{folder.name}.rpp"
    found = finish(verify(project)).result
    assert found.ok and found.layout == str(own)
    own.unlink()
    assert {d.field for d in finish(verify(project)).result.differences} >= {"gain"}


def test_mixed_rates_are_compared_but_not_nulled(stems: Path) -> None:
    write_wav(stems / "Song_Late.wav", tone(220, 2.0, 48_000), 48_000)
    options = SessionOptions(("reaper",), given=GIVEN, mixed_rates=True)
    outcome = finish(verify(finish(build_sessions(stems, options)).outputs[0].path))
    assert outcome.result.ok and any("Song_Late.wav" in told for told in outcome.warnings)


def test_the_frame_rate_of_a_delivery(stems: Path) -> None:
    options = PrepOptions(given=GIVEN, to=("reaper", "aaf"), fps="29.97df")
    outcome = finish(prep(stems, options))
    for output in outcome.outputs:
        if output.kind == "session":
            read = read_session(output.path).session
            assert (read.frame_rate, read.drop_frame) == FRAME_RATES["29.97df"]
    assert "sessions" in finish(prep(stems, options)).skipped
    assert "sessions" not in finish(prep(stems, replace(options, fps="25"))).skipped
