"""A folder becomes stems with names, roles, a mix and facts; what is odd in it is listed, never lost."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.audio.folder import read_stems, stem_names
from stemwright.errors import InputError, NotFoundInput
from stemwright.model import Estimate


def fill(folder: Path, *names: str, rate: int = 48_000) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        soundfile.write(folder / name, np.zeros((100, 2)), rate)
    return folder


def test_a_usual_folder(tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "Night_Piano_93.5_F#m",
        *("Night_LeadVox.wav", "Night_Kick.wav", "Night_Bass_bounce.wav", "Night_FullMix.wav", "Night_Thing.flac"),
    )
    (folder / "notes.txt").write_text("hello")
    (folder / "._Night_Kick.wav").write_bytes(b"junk")
    (folder / "Night_Empty.wav").touch()
    (folder / "Night_Text.wav").write_text("no audio")
    (folder / "Night_Cut.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    (folder / "Night_Gone.wav").symlink_to("elsewhere.wav")
    (folder / ".Night_Pad.wav.1.99.stemwright-part").touch()
    (folder / "old").mkdir()
    found = read_stems(folder)
    assert [(stem.name, stem.role) for stem in found.stems] == [
        ("Kick", "drums.kick"),
        ("Bass bounce", "bass"),
        ("LeadVox", "vocals.lead"),
        ("Thing", "other"),
    ]
    assert found.mix and (found.mix.name, found.mix.role, found.mix.file.path.name) == (
        "FullMix",
        "mix",
        "Night_FullMix.wav",
    )
    assert [(bad.path.name, bad.kind) for bad in found.unreadable] == [
        ("Night_Cut.wav", "damaged"),
        ("Night_Empty.wav", "empty"),
        ("Night_Gone.wav", "damaged"),
        ("Night_Text.wav", "not-audio"),
    ]
    assert all(bad.reason and str(folder) not in bad.reason for bad in found.unreadable)
    assert [path.name for path in found.other_files] == ["._Night_Kick.wav", "notes.txt"]
    assert (found.song.title, found.song.sample_rate, found.folder) == ("Night Piano", 48_000, folder)
    assert found.song.bpm == Estimate(93.5, 0.9, "filename") and found.song.key == Estimate("F# minor", 0.9, "filename")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["Song_Kick", "Song_Snare Top"], ["Kick", "Snare Top"]),
        (["01 Kick", "02 Snare", "10 OH L"], ["Kick", "Snare", "OH L"]),
        (["01_Song_Kick", "02_Song_Bass"], ["Kick", "Bass"]),
        (["Song - 01 - Kick", "Song - 02 - Bass"], ["Kick", "Bass"]),
        (["Song_LeadVox_1", "Song_LeadVox_2"], ["LeadVox 1", "LeadVox 2"]),
        (["01_Gtr", "02_Gtr"], ["01 Gtr", "02 Gtr"]),
        (["808 Kick", "808 Bass"], ["Kick", "Bass"]),
        (["808 Kick", "Bass"], ["808 Kick", "Bass"]),
        (["1", "2"], ["1", "2"]),
        (["Kick", "KickIn"], ["Kick", "KickIn"]),
        (["Song_Kick"], ["Song Kick"]),
        (["a_", "a_b"], ["a", "a b"]),
    ],
)
def test_names_without_what_all_share(files: list[str], names: list[str]) -> None:
    assert list(stem_names(tuple(Path(f"{name}.wav") for name in files))) == names


def test_of_several_mixes_the_one_as_long_as_the_stems_is_the_reference(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", "Kick.wav", "Bass.wav", "FullMix.wav", "RoughMix.wav")
    found = read_stems(folder)
    assert [stem.name for stem in found.stems] == ["Kick", "Bass"]
    assert found.mix
    assert (found.mix.file.path.name, [m.name for m in found.other_mixes]) == ("FullMix.wav", ["RoughMix"])
    soundfile.write(folder / "FullMix.wav", np.zeros((90, 2)), 48_000)
    found = read_stems(folder)
    assert found.mix
    assert (found.mix.file.path.name, [m.name for m in found.other_mixes]) == ("RoughMix.wav", ["FullMix"])
    only = read_stems(fill(tmp_path / "b", "FullMix.wav", "RoughMix.wav"))
    assert (len(only.stems), only.other_mixes) == (1, ())


def test_one_file_is_a_stem_whatever_its_name(tmp_path: Path) -> None:
    found = read_stems(fill(tmp_path / "a", "Mix.wav"))
    assert found.mix is None and [stem.role for stem in found.stems] == ["mix"]


def test_only_unreadable_files_are_a_finding_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    found = read_stems(tmp_path)
    assert (found.stems, found.mix, len(found.unreadable), found.song.sample_rate) == ((), None, 1, 48_000)


def test_what_is_no_folder_of_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NotFoundInput, match="no audio files"):
        read_stems(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        read_stems(tmp_path / "notes.txt")
    with pytest.raises(NotFoundInput, match="no such"):
        read_stems(tmp_path / "gone")


def test_links_notes_and_what_lies_in_a_cloud(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", "Kick.wav")
    (folder / "Bass.wav").symlink_to("Kick.wav")
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "up").symlink_to(folder, target_is_directory=True)
    (folder / ".Vox.wav.icloud").write_bytes(b"bplist00")
    with (folder / "Pad.wav").open("wb") as sparse:
        sparse.truncate(1 << 20)
    (folder / "lyrics.txt").write_text("la la")
    (folder / "Session Notes.md").write_text("BPM 93.5, Ångström\n" * 9999, encoding="utf-8")
    os.mkfifo(folder / "info.txt")
    found = read_stems(folder)
    assert [stem.name for stem in found.stems] == ["Kick", "Bass"]
    assert [path.name for path in found.links] == ["Bass.wav", "loop.wav", "up"]
    assert [(bad.path.name, bad.kind) for bad in found.unreadable] == [
        (".Vox.wav.icloud", "locked"),
        ("Pad.wav", "locked"),
        ("loop.wav", "damaged"),
    ]
    assert found.notes.startswith("BPM 93.5, Ångström\n") and len(found.notes.encode()) <= 1 << 16
    assert found.subfolders == (folder / "up",)


@pytest.mark.parametrize(("data", "text"), [(b"\xff\xfeh\0i\0", "hi"), (b"\0\1\2", ""), (b"\xef\xbb\xbfhi", "hi")])
def test_notes_are_text_or_nothing(tmp_path: Path, data: bytes, text: str) -> None:
    folder = fill(tmp_path / "a", "Kick.wav")
    (folder / "notes.txt").write_bytes(data)
    assert read_stems(folder).notes == text


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_a_finding(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", "Kick.wav", "Bass.wav")
    (folder / "notes.txt").touch(0)
    (folder / "Bass.wav").chmod(0)
    (folder / "more").mkdir(0)
    found = read_stems(folder)
    assert [stem.name for stem in found.stems] == ["Kick"]
    assert [(bad.path.name, bad.kind) for bad in found.unreadable] == [("more", "locked"), ("Bass.wav", "locked")]
    folder.chmod(0o400)  # names may be read, nothing behind them
    try:
        assert [bad.kind for bad in read_stems(folder).unreadable] == ["locked", "locked"]
        folder.chmod(0)
        with pytest.raises(InputError):
            read_stems(folder)
    finally:
        folder.chmod(0o700)
