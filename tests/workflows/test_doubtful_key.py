"""A key that is only guessed stands in the notes with its doubt, and nowhere as a fact."""

from __future__ import annotations

from pathlib import Path

import pytest

from stemwright.audio.probe import probe
from stemwright.cli.views import song_line
from stemwright.session.formats import read_session
from stemwright.workflows.facts import Given
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.session import SessionOptions, build_sessions
from support import finish, pulse_song, write_stems


@pytest.mark.parametrize(("confidence", "named"), [(0.2, False), (0.8, True)])
def test_only_a_sure_key_is_stated(tmp_path: Path, confidence: float, named: bool) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(8.0))
    guess = f'key = {{ value = "E minor", confidence = {confidence}, source = "measured" }}\n'
    (stems / "notes.toml").write_text(guess, encoding="utf-8")
    to = ("reaper", "midi")
    outcome = finish(prep(stems, PrepOptions(given=Given(bpm=120), to=to, out=tmp_path / "out")))
    built = finish(build_sessions(stems, SessionOptions(to, given=Given(bpm=120))))
    folder = outcome.result.folder
    assert folder.name == ("Song_120_Em" if named else "Song_120")
    assert probe(folder / "Song_Bass.wav").tag("key") == ("Em" if named else "")
    for path in (*folder.glob("*.rpp"), *folder.glob("*.mid"), *stems.glob("*.rpp"), *stems.glob("*.mid")):
        text = path.read_bytes()
        assert (b"Key: E minor" in text) == named, path
        assert bool(read_session(path).session.song.key) == named
    notes = next(folder.glob("*_notes.txt")).read_text("utf-8")
    assert ("no clear key; perhaps E minor" in notes) != named
    for told in (outcome, built):
        assert any("the key is doubtful" in warning for warning in told.warnings) != named
        assert ("perhaps E minor" in song_line(told.result.song)) != named
