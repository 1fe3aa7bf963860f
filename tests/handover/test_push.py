"""push against places that break: what is there is not sent again, what arrives is compared, no password is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

fsspec = pytest.importorskip("fsspec")

from fsspec.implementations.local import LocalFileSystem  # noqa: E402
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem  # noqa: E402
from fsspec.registry import known_implementations  # noqa: E402

from stemwright.errors import AlreadyThere, InputError, MissingExtra, OutputError  # noqa: E402
from stemwright.handover import push  # noqa: E402
from support import finish  # noqa: E402

SIZE = 1_000_000
PART = 1 << 18


class Flaky(MemoryFileSystem):
    """A place that counts what is written, and whose line breaks after so many bytes."""

    protocol = "flaky"
    store: dict[str, MemoryFile] = {}  # noqa: RUF012 - as in fsspec
    pseudo_dirs = [""]  # noqa: RUF012
    breaks_after = 1 << 60
    written = 0
    said = "connection reset"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace(f"{cls.protocol}://", "memory://"))

    def mv(self, path1, path2, **more):
        self.store[path2] = self.store.pop(path1)

    def _open(self, path, mode="rb", **more):
        file = super()._open(path, mode, **more)
        if mode != "rb" and "write" not in vars(file):  # one that is added to is the same object again
            really = file.write

            def write(data):
                if Flaky.written + len(data) > Flaky.breaks_after:
                    raise ConnectionResetError(Flaky.said)
                Flaky.written += len(data)
                return really(data)

            file.write = write
        return file


class Store(Flaky):
    """Like S3: objects are whole or not there, cannot be added to, and are joined by the store."""

    protocol = "flakystore"
    joined = 0

    def _open(self, path, mode="rb", **more):
        if "a" in mode:
            raise NotImplementedError
        return super()._open(path, mode, **more)

    def merge(self, path, parts):
        Store.joined += 1
        self.pipe_file(path, b"".join(self.cat_file(part) for part in parts))


class Plain(Flaky):
    """A place that only takes whole files."""

    protocol = "flakyplain"

    def _open(self, path, mode="rb", **more):
        if "a" in mode:
            raise NotImplementedError
        return super()._open(path, mode, **more)


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "_PART", PART)
    monkeypatch.setattr(push, "_PIECE", 1 << 16)
    for kind in (Flaky, Store, Plain):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
    Flaky.store.clear()
    Flaky.pseudo_dirs[:] = [""]
    Flaky.written, Flaky.breaks_after, Flaky.said, Store.joined = 0, 1 << 60, "connection reset", 0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "Song.zip"
    path.write_bytes(os.urandom(SIZE))
    return path


def send(url: str, source: Path, name: str = "Song.zip", force: bool = False) -> bool:
    system, folder = push.place(url)
    return finish(push.send(system, f"{folder}/{name}", source, url=url, force=force))


def lies(url: str) -> list[str]:
    system, folder = push.place(url)
    system.invalidate_cache()
    return sorted(path.rpartition("/")[2] for path in system.find(folder))


@pytest.mark.parametrize("place", ["{tmp}/deep/er", "file://{tmp}/deep/er", "memory://in/box", "flakystore://in/box"])
def test_a_file_arrives_and_is_not_sent_twice(place: str, archive: Path, tmp_path: Path) -> None:
    url = place.format(tmp=tmp_path)
    assert send(url, archive) is True
    system, folder = push.place(url)
    assert system.cat_file(f"{folder}/Song.zip") == archive.read_bytes()
    assert lies(url) == ["Song.zip"]
    Flaky.breaks_after = 0
    assert send(url, archive) is False
    Flaky.breaks_after = 1 << 60
    archive.write_bytes(b"another song")
    with pytest.raises(AlreadyThere):
        send(url, archive)
    assert send(url, archive, force=True) is True
    assert system.cat_file(f"{folder}/Song.zip") == b"another song" and lies(url) == ["Song.zip"]
    (tmp_path / "empty").write_bytes(b"")
    assert send(url, tmp_path / "empty", "empty") and system.cat_file(f"{folder}/empty") == b""


@pytest.mark.parametrize("scheme", ["flaky", "flakystore"])
@pytest.mark.parametrize("breaks_after", [0, 100_000, PART, PART + 70_000, SIZE - 1])
def test_a_broken_push_goes_on(scheme: str, breaks_after: int, archive: Path) -> None:
    url = f"{scheme}://in/box"
    Flaky.breaks_after = breaks_after
    with pytest.raises(OutputError) as told:
        send(url, archive)
    assert "connection reset" in told.value.message and "goes on" in told.value.hint
    assert "Song.zip" not in lies(url)
    Flaky.written, Flaky.breaks_after = 0, 1 << 60
    assert send(url, archive) is True
    again = Flaky.written
    assert again <= SIZE - breaks_after // PART * PART, "what had arrived in whole parts is not sent again"
    system, folder = push.place(url)
    assert system.cat_file(f"{folder}/Song.zip") == archive.read_bytes() and lies(url) == ["Song.zip"]
    assert Store.joined == (scheme == "flakystore")


def test_another_version_is_never_continued(archive: Path) -> None:
    Flaky.breaks_after = 2 * PART
    with pytest.raises(OutputError):
        send("flaky://in", archive)
    archive.write_bytes(os.urandom(SIZE))
    Flaky.written, Flaky.breaks_after = 0, 1 << 60
    send("flaky://in", archive)
    assert Flaky.written == SIZE
    assert Flaky.store["/in/Song.zip"].getvalue() == archive.read_bytes()


def test_what_arrives_damaged_is_told_and_removed(archive: Path) -> None:
    Flaky.breaks_after = 2 * PART
    with pytest.raises(OutputError):
        send("flaky://in", archive)
    (hidden,) = [path for path in Flaky.store if "/.Song.zip." in path]
    Flaky.store[hidden].getbuffer()[5] ^= 1
    Flaky.breaks_after = 1 << 60
    with pytest.raises(OutputError, match="did not arrive"):
        send("flaky://in", archive)
    assert lies("flaky://in") == []
    assert send("flaky://in", archive) is True


def test_a_place_that_takes_whole_files_only(archive: Path) -> None:
    said = []
    system, folder = push.place("flakyplain://in")
    said = [event.message for event in push.send(system, f"{folder}/Song.zip", archive, url="", force=False)]
    assert [text for text in said if text] == ["Song.zip: sent in one piece; this place cannot go on later"]
    assert Flaky.store["/in/Song.zip"].getvalue() == archive.read_bytes() and lies("flakyplain://in") == ["Song.zip"]


def test_a_killed_push_to_a_disk_goes_on(archive: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of a write; what lies there under its own name is whole or nothing."""
    code = """
import os, signal, sys
from pathlib import Path
from stemwright.handover import push
push._PART, push._PIECE = int(sys.argv[3]), 1 << 16
system, folder = push.place(sys.argv[2])
for event in push.send(system, folder + "/Song.zip", Path(sys.argv[1]), url="", force=False):
    if event.step == "push" and event.done > 600_000:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    there = tmp_path / "there"
    argv = [sys.executable, "-c", code, str(archive), str(there), str(PART)]
    done = subprocess.run(argv, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (hidden,) = there.iterdir()
    assert hidden.name.startswith(".Song.zip.") and 2 * PART <= hidden.stat().st_size < SIZE
    assert archive.read_bytes().startswith(hidden.read_bytes())
    events = []
    system, folder = push.place(str(there))
    work = push.send(system, f"{folder}/Song.zip", archive, url="", force=False)
    before = hidden.stat().st_size
    events = [event.done for event in work if event.step == "push"]
    assert min(events) > before, "it went on behind what was there"
    assert [path.name for path in there.iterdir()] == ["Song.zip"]
    assert (there / "Song.zip").read_bytes() == archive.read_bytes()


def test_passwords_are_never_told(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "flaky://anna:p%40ssw0rd@host/in?token=s3cr3t"
    assert push.spoken(url) == "flaky://host/in"
    monkeypatch.setattr(push, "place", lambda _: (Flaky(), "/in"))
    Flaky.breaks_after = 0
    Flaky.said = f"cannot PUT {url} as anna with p@ssw0rd: 403, token=s3cr3t"
    with pytest.raises(OutputError) as told:
        send(url, archive)
    text = f"{told.value.message} {told.value.hint}"
    assert "403" in text and told.value.__suppress_context__
    for secret in ("anna", "p@ssw0rd", "p%40ssw0rd", "s3cr3t"):
        assert secret not in text


def test_addresses_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError):
        push.place("nonsense://anna:secret@x/y")
    monkeypatch.setitem(known_implementations, "future", {"class": "no.such.module", "err": "Install x"})
    with pytest.raises(MissingExtra, match="Install x"):
        push.place("future://bucket")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtra) as told:
        push.place("memory://x")
    assert "stemwright[push]" in told.value.hint


def test_a_disk_that_refuses_is_an_error_of_ours(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file, not a folder")
    with pytest.raises(OutputError):
        send(str(tmp_path / "there"), archive)
    assert isinstance(push.place(str(tmp_path))[0], LocalFileSystem)
