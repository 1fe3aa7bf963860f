"""What `session` and `session verify` say of stems before they rely on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.errors import DamagedAudio, UnknownName
from stemwright.session import formats
from stemwright.workflows.session import SessionOptions, build_sessions
from stemwright.workflows.verify import verify
from support import finish


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = tmp_path / "Song"
    folder.mkdir()
    for name in ("Kick", "Bass"):
        noise = np.random.default_rng(len(name)).uniform(-0.5, 0.5, 48_000)
        soundfile.write(folder / f"{name}.wav", noise, 48_000, subtype="PCM_24")
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:90_000])


def test_a_stem_that_is_cut_short_is_refused_before_anything_is_measured(stems: Path) -> None:
    cut(stems / "Kick.wav")
    with pytest.raises(DamagedAudio, match=r"Kick\.wav.*promises"):
        next(build_sessions(stems, SessionOptions(("reaper",))))
    assert not (stems / "Song.rpp").exists()


def test_a_layout_that_there_is_not_is_told_at_once(stems: Path) -> None:
    with pytest.raises(UnknownName, match="no layout called 'mixengineer'"):
        next(build_sessions(stems, SessionOptions(("reaper",), layout="mixengineer")))


def test_verify_tells_of_a_stem_that_was_cut_since(stems: Path) -> None:
    finish(build_sessions(stems, SessionOptions(("reaper",))))
    cut(stems / "Kick.wav")
    assert any(
        "Kick.wav" in warning and "promises" in warning for warning in finish(verify(stems / "Song.rpp")).warnings
    )


def test_verify_finds_the_stems_beside_the_project_folder_of_live(stems: Path) -> None:
    finish(build_sessions(stems, SessionOptions(("ableton",))))
    found = finish(verify(stems / "Song Project" / "Song.als"))
    assert found.result.fields and found.result.ok


def test_verify_says_that_a_tempo_map_holds_nothing_of_stems(stems: Path) -> None:
    finish(build_sessions(stems, SessionOptions(("midi",))))
    found = finish(verify(stems / "Song.mid"))
    assert not found.result.fields and "MIDI holds nothing" in found.result.skipped


def test_media_of_a_template_that_stay_behind_are_told(stems: Path, tmp_path: Path) -> None:
    finish(build_sessions(stems, SessionOptions(("reaper",))))
    other = tmp_path / "Other"
    other.mkdir()
    (other / "Keys.wav").write_bytes((stems / "Kick.wav").read_bytes())
    filled = finish(build_sessions(other, SessionOptions(template=stems / "Song.rpp")))
    assert any("2 files of its own" in warning for warning in filled.warnings)
    assert formats.read_session(filled.outputs[0].path, stems).session.tracks
