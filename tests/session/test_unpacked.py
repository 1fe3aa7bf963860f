from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from session_kit import song, wav

from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.errors import AlreadyThere
from stemwright.model import Clip, Session, Track
from stemwright.session.formats import read_session, write_session
from stemwright.session.unpacked import is_unpacked, kept
from support import run


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A stereo and a mono track; the second plays its file twice."""
    one, two = wav(tmp_path / "Bass.wav", 4801, 2), wav(tmp_path / "Kick.wav", 4800)
    clips = (Clip(two, 0, 4800), Clip(two, 5000, 100))
    return Session(song(), (Track("Bass", clips=(Clip(one, 7, 4801),)), Track("Kick", clips=clips)), 48000, 5100)


@pytest.fixture(params=["aaf", "dawproject"])
def alone(request: pytest.FixtureRequest, session: Session, tmp_path: Path) -> Path:
    """A session that holds its audio, where no stem lies."""
    options = {"embed": True} if request.param == "aaf" else {}
    there = tmp_path / "alone"
    there.mkdir()
    written = write_session(request.param, session, tmp_path / "s", **options)
    return Path(shutil.move(written.outputs[0].path, there))


def test_converted_sessions_keep_audio_that_was_inside(
    session: Session, alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out" / "song.rpp"
    for force in ([], ["--force"]):
        assert run(capsys, "convert", alone, target, *force)[0] == 0
    media = tmp_path / "out" / "song Media"
    assert sorted(path.name for path in media.iterdir()) == ["Bass.wav", "Kick.wav"]
    found = read_session(target)
    assert not found.warnings
    for mine, theirs in zip(session.tracks, found.session.tracks, strict=True):
        for a, b in zip(mine.clips, theirs.clips, strict=True):
            assert b.file.path.parent == media and (a.at, a.length) == (b.at, b.length)
            assert quantise(read_all(a.file)).tolist() == quantise(read_all(b.file)).tolist()


def test_a_target_that_holds_its_audio_needs_no_folder(
    alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {".aaf": "dawproject", ".dawproject": "aaf"}[alone.suffix]
    target = tmp_path / "out" / f"song.{other}"
    assert run(capsys, "convert", alone, target)[0] == 0 and not (tmp_path / "out" / "song Media").exists()


def test_nothing_there_is_replaced(alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Media"
    folder.mkdir()
    (folder / "Kick.wav").write_bytes(b"mine")
    opened = read_session(alone).session
    assert all(is_unpacked(clip.file) for track in opened.tracks for clip in track.clips)
    with pytest.raises(AlreadyThere, match=r"Kick.wav: is there already"), kept(opened, folder):
        pass
    assert [path.name for path in folder.iterdir()] == ["Kick.wav"] and (folder / "Kick.wav").read_bytes() == b"mine"
    with pytest.raises(KeyboardInterrupt), kept(opened, folder, force=True):
        raise KeyboardInterrupt
    assert [path.name for path in folder.iterdir()] == ["Kick.wav"]
    with kept(opened, folder, force=True) as (held, paths):
        assert sorted(path.name for path in paths) == ["Bass.wav", "Kick.wav"]
    assert probe(paths[0]).frames in (4800, 4801)
    with kept(held, tmp_path / "unused") as (again, none):
        assert (again, none) == (held, ()) and not (tmp_path / "unused").exists()


@pytest.mark.parametrize("end", ["dry", "error", "interrupt"])
def test_nothing_is_left_of_a_run_that_writes_no_session(end: str, alone: Path, tmp_path: Path) -> None:
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    breaks = "def broken(*_): raise KeyboardInterrupt if sys.argv[1] == 'interrupt' else OutputError('full', 'x')"
    code = (
        "import sys; from stemwright.cli import main; from stemwright.errors import OutputError\n"
        f"from stemwright.session.formats import reaper\n{breaks}\n"
        "reaper.write = broken\n"
        "main(['convert', *sys.argv[2:], *(['--dry-run'] if sys.argv[1] == 'dry' else [])])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, end, alone, out / "song.rpp"],
        env={**os.environ, "TMPDIR": str(temporary)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == (end == "dry") and "Traceback" not in done.stderr
    assert not [*temporary.iterdir()] and not [path for path in out.rglob("*") if path.is_file()]
    assert not (out / "song Media").exists()
