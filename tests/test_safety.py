"""A result appears whole or not at all, nothing leads out of a folder, and no child outlives its time."""

from __future__ import annotations

import errno
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright import safety
from stemwright.errors import DiskFull, InputError, NotFoundInput, OutputError


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with safety.atomic(target) as part:
        part.write_text("whole")
        assert not target.exists() and part.parent == target.parent
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("a.txt", "whole")]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_error_leaves_nothing_and_keeps_the_old_file(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "old.txt").write_text("old")
    for name in ("old.txt", "new.txt"):
        with pytest.raises(type(error)), safety.atomic(tmp_path / name) as part:
            part.write_text("half")
            raise error
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.txt", "old")]


def test_names_as_long_as_a_file_system_takes_and_two_of_them_at_once(tmp_path: Path) -> None:
    names = ["ü" * 120 + ".wav", "ü" * 120 + ".aif"]
    with safety.atomic(tmp_path / names[0]) as one, safety.atomic(tmp_path / names[1]) as two:
        one.write_text("1")
        two.write_text("2")
    assert [(tmp_path / name).read_text() for name in names] == ["1", "2"]


def test_text_and_bytes(tmp_path: Path) -> None:
    safety.write_text(tmp_path / "a", "é\n")
    safety.write_bytes(tmp_path / "b", b"\0")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\n" and (tmp_path / "b").read_bytes() == b"\0"
    assert safety.sha256(tmp_path / "b") == hashlib.sha256(b"\0").hexdigest()


def test_what_the_file_system_refuses_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "a.txt", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match="cannot write") as caught:
            safety.write_text(target, "text")
        assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    for source in (tmp_path / "gone", tmp_path / "file" / "below", tmp_path / "folder"):
        with pytest.raises(InputError):
            safety.sha256(source)
    assert isinstance(safety.readable(FileNotFoundError(), tmp_path), NotFoundInput)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small disk here")
    try:
        safety.write_bytes(mounted / "a", b"old")
        with pytest.raises(DiskFull) as caught:
            safety.write_bytes(mounted / "a", bytes(1 << 20))
        assert "another disk" in caught.value.hint
        assert [(path.name, path.read_bytes()) for path in mounted.iterdir()] == [("a", b"old")]
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_full_disk_is_told_from_other_refusals(tmp_path: Path) -> None:
    assert isinstance(safety.writable(OSError(errno.ENOSPC, "full"), tmp_path), DiskFull)
    assert type(safety.writable(OSError(errno.EROFS, "read-only"), tmp_path)) is OutputError


WRITER = """
import pathlib, sys, time
from stemwright.safety import atomic
with atomic(pathlib.Path(sys.argv[1])) as part:
    part.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_leftovers_of_a_killed_writer_are_swept_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "song.wav"
    with subprocess.Popen([sys.executable, "-c", WRITER, target], stdout=subprocess.PIPE) as writer:
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        safety.sweep(tmp_path)
        assert len(list(target.parent.iterdir())) == 1
        writer.send_signal(signal.SIGKILL)
    assert [path.suffix for path in target.parent.iterdir()] == [safety.PART]
    odd = (f".a.{10**30}{safety.PART}", f".a.²{safety.PART}", f".a{safety.PART}")
    for name in (*odd, "keep.wav", f"visible.1{safety.PART}"):
        (tmp_path / name).touch()
    safety.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "keep.wav", f"visible.1{safety.PART}"]
    assert list(target.parent.iterdir()) == []
    safety.sweep(tmp_path / "gone")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "link/x", "a\0b"])
def test_what_leads_out_of_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out"):
        safety.safe_join(folder, name)


@given(st.lists(st.sampled_from(["..", ".", "a", "b c", "é"]), min_size=1, max_size=8).map("/".join))
def test_safe_join_stays_inside_or_refuses(name: str) -> None:
    folder = Path("/somewhere/inside")
    depth = stays = 0
    for part in name.split("/"):
        depth += {"..": -1, ".": 0}.get(part, 1)
        stays = min(stays, depth)
    try:
        assert safety.safe_join(folder, name).is_relative_to(folder)
    except InputError:
        assert stays < 0


def test_child_returns_what_a_program_says(tmp_path: Path) -> None:
    done = safety.child([sys.executable, "-c", "import os,sys; print(os.getcwd(), sys.stdin.read()); sys.exit(3)"],
                        timeout_s=60, cwd=tmp_path)  # fmt: skip
    assert (done.returncode, done.stdout.decode().split()) == (3, [str(tmp_path)])
    with pytest.raises(FileNotFoundError):
        safety.child(["there-is-no-such-program"], timeout_s=1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see who lives")
def test_child_ends_with_all_its_own_children(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        safety.child(["sh", "-c", script], timeout_s=1)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the grandchild lives on")


def test_room_is_asked_for_where_there_is_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safety.require_room(tmp_path / "new" / "folder", 1)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DiskFull):
        safety.require_room(tmp_path, 1 << 60)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        safety.require_room(tmp_path / "file")
    monkeypatch.setattr(safety.shutil, "disk_usage", lambda _: SimpleNamespace(total=0, free=0))
    safety.require_room(tmp_path, 1)
