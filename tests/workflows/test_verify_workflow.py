"""`prep` proves every session that it writes, and `session verify` knows a delivery's own stems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import OutputError
from stemwright.model import Session
from stemwright.session import formats
from stemwright.session.formats import Written, readers, reaper
from stemwright.workflows.facts import Given
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.verify import verify
from support import finish, pulse_song, tone, write_stems

GIVEN = Given(bpm=120.0, key="Am")


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Song", pulse_song(3.0))


def test_prep_proves_each_session(stems: Path) -> None:
    options = PrepOptions(given=GIVEN, to=tuple(formats.formats()))
    made = finish(prep(stems, options)).result
    assert [found.format for found in made.verified] == list(options.to)
    for found in made.verified:
        assert found.ok and bool(found.skipped) == (found.format not in readers())
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


def test_a_session_alone_is_only_looked_through(stems: Path, tmp_path: Path) -> None:
    folder = finish(prep(stems, PrepOptions(given=GIVEN, to=("midi",)))).result.folder
    alone = tmp_path / "alone" / "s.mid"
    alone.parent.mkdir()
    alone.write_bytes((folder / f"{folder.name}.mid").read_bytes())
    found = finish(verify(alone)).result
    assert found.ok and not found.fields and found.residual_dbfs is None
