"""Stems that cannot be read, places that cannot be written, interrupts: one clear error, and nothing half."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from stemwright.audio.folder import read_stems
from stemwright.audio.wav import WavWriter
from stemwright.errors import DiskFull, InputError, NotFoundInput, OutputError, SessionError, StemwrightError
from stemwright.model import Track
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, read_session, write_session
from stemwright.session.verify import verify_session
from stemwright.workflows.convert import convert
from stemwright.workflows.facts import Given
from stemwright.workflows.session import SessionOptions, build_sessions
from support import finish, tone, write_stems, write_wav

GIVEN = Given(bpm=120.0, key="Am")
WITH_AUDIO = [name for name, module in formats().items() if "audio" in module.EXPRESSES]


def options(name: str, **more: object) -> SessionOptions:
    return replace(SessionOptions(to=(name,), given=GIVEN, verify=True), **more)  # type: ignore[arg-type]


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(
        tmp_path / "Song", {"Drums": tone(80, 0.5), "Bass": tone(50, 0.5), "Keys": tone(220, 0.5)}, 48_000
    )


def inventory(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", WITH_AUDIO)
def test_missing_media_are_named(name: str, stems: Path, tmp_path: Path) -> None:
    made = finish(build_sessions(stems, options(name))).outputs[0].path
    for path in stems.rglob("*Bass*.wav"):
        path.unlink()
    opened = read_session(made)
    held = name == "dawproject"  # which holds its audio
    assert any("Bass" in warning for warning in opened.warnings) != held
    told = finish(convert(made, tmp_path / "to" / "Again.rpp", (stems,))).warnings
    assert any("Bass" in line and "beside" in line for line in told) != held
    missing = [difference.subject for difference in verify_session(tmp_path / "to" / "Again.rpp").differences]
    assert held or "Bass" in missing
    if not held:
        for target in ("ardour", "dawproject", "aaf"):  # which copy what they play
            with pytest.raises(StemwrightError, match="Bass"):
                write_session(target, opened.session, tmp_path / target / "Copy")
            assert inventory(tmp_path / target) == {}


@pytest.mark.parametrize("name", formats())
def test_a_stem_that_is_no_audio_stops_it(name: str, stems: Path) -> None:
    (stems / "Song_Vox.wav").write_text("gone", encoding="utf-8")
    before = inventory(stems)
    with pytest.raises(InputError, match=r"Song_Vox\.wav") as caught:
        finish(build_sessions(stems, options(name)))
    assert "audit" in caught.value.hint and inventory(stems) == before


@pytest.mark.parametrize("name", formats())
def test_stems_of_one_name_become_two_tracks(name: str, stems: Path) -> None:
    import soundfile

    soundfile.write(stems / "Song_Bass.flac", tone(51).T, 48_000, "PCM_24")
    write_wav(stems / "song_bass.wav", tone(52)[:1])
    outcome = finish(build_sessions(stems, options(name)))
    (found,) = outcome.result.verified
    assert found.ok and not found.skipped
    if name in WITH_AUDIO:
        tracks = [track for track in read_session(outcome.outputs[0].path).session.tracks if track.clips]
        assert len({track.name for track in tracks}) == len(tracks) == 5
        names = [path.name.casefold() for path in {clip.file.path for track in tracks for clip in track.clips}]
        assert len(names) == 5


@pytest.mark.parametrize("name", formats())
def test_mixed_rates(name: str, stems: Path) -> None:
    write_wav(stems / "Song_Cd.wav", tone(300, 0.5, 44_100), 44_100)
    before = inventory(stems)
    with pytest.raises(SessionError, match=r"Song_Cd\.wav \(44100 Hz\); the others have 48000 Hz") as caught:
        finish(build_sessions(stems, options(name)))
    assert "bounce them again at 48000 Hz" in caught.value.hint and "--allow-mixed-rates" in caught.value.hint
    assert inventory(stems) == before
    module = formats()[name]
    if getattr(module, "MIXED_RATES", name not in WITH_AUDIO):
        outcome = finish(build_sessions(stems, options(name, mixed_rates=True)))
        assert outcome.result.verified[0].ok
        if name in WITH_AUDIO:
            tracks = read_session(outcome.outputs[0].path).session.tracks
            assert {t.clips[0].length for t in tracks if t.clips} == {24_000}
    else:
        with pytest.raises(SessionError, match=f"{module.NAME} cannot hold .*Song_Cd.wav") as caught:
            finish(build_sessions(stems, options(name, mixed_rates=True)))
        assert "REAPER" in caught.value.hint and inventory(stems) == before


@pytest.mark.parametrize("name", [name for name, module in formats().items() if "groups" in module.EXPRESSES])
def test_groups_in_a_circle(name: str, stems: Path, tmp_path: Path) -> None:
    plan = arrange(read_stems(stems))
    circle = (Track("A", group="B", is_group=True), Track("B", group="A", is_group=True))
    for groups in (circle, (Track("A", group="A", is_group=True),)):
        bad = replace(plan, tracks=(*groups, *(replace(track, group="A") for track in plan.tracks)))
        with pytest.raises(SessionError, match="A") as caught:
            write_session(name, bad, tmp_path / "out" / "Song")
        assert caught.value.hint and inventory(tmp_path / "out") == {}


@pytest.mark.parametrize("refused", ["the file", "the proof"])
@pytest.mark.parametrize("name", formats())
def test_a_session_that_is_refused_leaves_no_folder(
    name: str, refused: str, stems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> NoReturn:
        raise OutputError(f"{path}: is refused", "try")

    def replaced(part: Path, path: Path) -> Path:
        return renamed(part, path) if path.suffix.lower() in (".wav", ".mxf") else refuse(path)

    renamed = Path.replace
    if refused == "the proof":
        monkeypatch.setattr("stemwright.workflows.deliver.prove", refuse)
    else:
        monkeypatch.setattr(Path, "replace", replaced)
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "out" / "new", tmp_path / "there"):
        with pytest.raises(OutputError, match="is refused"):
            finish(build_sessions(stems, options(name, out=out)))
    assert not (tmp_path / "out").exists() and not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("name", formats())
def test_a_file_in_place_of_the_output_folder(name: str, stems: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("no folder")
    with pytest.raises(OutputError) as caught:
        finish(build_sessions(stems, options(name, out=tmp_path / "out" / "sub")))
    assert caught.value.hint and (tmp_path / "out").read_text() == "no folder"


@pytest.mark.parametrize("name", formats())
def test_a_disk_that_is_read_only(name: str, stems: Path, tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(OutputError) as caught:
        finish(build_sessions(stems, options(name, out=tiny_disk / "out")))
    assert "you may write to" in caught.value.hint and not list(tiny_disk.iterdir())


@pytest.mark.parametrize("name", formats())
def test_a_disk_that_is_full(name: str, tmp_path: Path, tiny_disk: Path) -> None:
    """Three stems of 1.4 MB and 3 MB of room: formats that copy find it full, the others, later, full at once."""
    big = write_stems(tmp_path / "Big", {key: tone(80, 5.0) for key in ("Drums", "Bass", "Keys")}, 48_000)
    try:
        finish(build_sessions(big, options(name, out=tiny_disk)))
        left = shutil.disk_usage(tiny_disk).free
        (tiny_disk / "rest").write_bytes(bytes(left))
        before = inventory(tiny_disk)
        with pytest.raises(DiskFull):
            finish(build_sessions(big, options(name, out=tiny_disk, force=True)))
        assert inventory(tiny_disk) == before
    except DiskFull as error:
        assert "free some space" in error.hint and inventory(tiny_disk) == {}


def fused(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], bool]:
    """Let the `after`th write to a medium, or the last one before a file is renamed, be hit by Ctrl-C; was it?"""
    calls = itertools.count(1)
    blown = False

    def fuse(honest: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **more: object) -> object:
            nonlocal blown
            if next(calls) == after:
                blown = True
                raise KeyboardInterrupt
            return honest(*arguments, **more)

        return step

    for place, call in ((WavWriter, "write"), (shutil, "copyfileobj"), (shutil, "copyfile"), (os, "fsync")):
        monkeypatch.setattr(place, call, fuse(getattr(place, call)))
    return lambda: blown


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("name", formats())
def test_an_interrupt_leaves_the_session_that_was_there_or_none(
    name: str, there: bool, stems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = arrange(read_stems(stems))
    old = shutil.copytree(stems, tmp_path / "Old")
    write_wav(old / "Song_Bass.wav", tone(60, 0.5), 48_000)
    path = tmp_path / "out" / "Song"
    made = write_session(name, plan, path).outputs[0].path
    new = inventory(tmp_path / "out")
    for after in itertools.count(1):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        if there:
            write_session(name, replace(arrange(read_stems(old)), notes=("old",)), path)
        before = inventory(tmp_path / "out")
        with monkeypatch.context() as patch:
            blown = fused(patch, after)
            with suppress(KeyboardInterrupt):
                write_session(name, plan, path)
            if not blown():
                break
        left = inventory(tmp_path / "out")
        assert left.keys() == before.keys() and left.get(made) == before.get(made), after
        assert all(data in (before[path], new[path]) for path, data in left.items()), after
    assert after > 1


def test_a_stem_that_goes_away_meanwhile(stems: Path, tmp_path: Path) -> None:
    plan = arrange(read_stems(stems))
    (stems / "Song_Bass.wav").unlink()
    for name in ("aaf", "ardour", "dawproject"):
        with pytest.raises(NotFoundInput, match=r"Song_Bass\.wav"):
            write_session(name, plan, tmp_path / "out" / "Song")
        assert inventory(tmp_path / "out") == {}
