"""--markers, --sections, --click and --count-in on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stemwright.session.formats import read_session
from support import pulse_song, run, write_stems


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Song", pulse_song(10.0))


def test_a_session_with_markers_and_a_click(stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text("bar,name\n2,Verse\n", encoding="utf-8")
    asked = ("--bpm", 120, "--to", "reaper", "--markers", tmp_path / "list.csv", "--click", "--count-in", 1)
    code, _, err = run(capsys, "session", stems, *asked)
    assert code == 0 and "Song_Click.wav" not in err and "0 of 1 bar of count-in" in err
    session = read_session(stems / "Song.rpp").session
    assert [marker.name for marker in session.song.markers] == ["Verse"]
    assert "Click" in {track.name for track in session.tracks}


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (("--count-in", 2), 2, "add --click"),
        (("--click", "--count-in", 9), 2, "--count-in"),
        (("--markers", "none.csv"), 1, "no such file"),
        (("--markers", "Song/Song_Bass.xyz"), 1, "no file that markers are read from"),
        (("--markers", "Song/Song_Bass.wav"), 1, "holds no markers"),
    ],
)
def test_what_cannot_be_is_told_before_the_work(
    stems: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked, code: int, told: str
) -> None:
    monkeypatch.chdir(stems.parent)
    before = sorted(stems.parent.rglob("*"))
    found, _, err = run(capsys, "prep", stems, "--bpm", 120, "--key", "Am", "--to", "midi", *asked)
    assert (found, sorted(stems.parent.rglob("*"))) == (code, before) and told in err
