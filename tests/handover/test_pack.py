"""Archives: checked by the tools of others, the same bytes for the same files, and nothing hostile gets out of one."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import stat
import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright import archive as archives
from stemwright.archive import clashes, fault
from stemwright.audio.wav import replace_chunks
from stemwright.errors import AlreadyThere, DamagedAudio, InputError, NotFoundInput, StemwrightError
from stemwright.handover import pack, received
from stemwright.safety import PART
from support import finish, tone, write_wav

TOP = "Song_120_Am"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stems, one deeper, and texts."""
    made = tmp_path / TOP
    (made / "Audio Files").mkdir(parents=True)
    write_wav(made / "Song_Bass.wav", tone(60, 0.2))
    write_wav(made / "Audio Files" / "Song_Küche.wav", tone(90, 0.2, channels=1), bits=16)
    (made / "notes.txt").write_text("Read this first.\n" * 50)
    (made / ".DS_Store").write_bytes(b"junk")
    (made / f".Song_Bass.wav.1.99{PART}").write_bytes(b"half")
    return made


def packed(folder: Path, target: Path) -> Path:
    finish(pack.write(target, folder.name, pack.members(folder)[0]))
    return target


def problems(path: Path) -> set[tuple[str, str]]:
    return {(problem.kind, problem.name.removeprefix(f"{TOP}/")) for problem in checked(path).problems}


def checked(path: Path) -> received.Verified:
    return finish(received.check_folder(path) if path.is_dir() else received.check_archive(path))


def rebuilt(source: Path, target: Path, change) -> Path:
    """A copy of an archive; `change(name, data)` gives what stands there instead, None for nothing."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = change(info.filename.removeprefix(f"{TOP}/"), old.read(info))
            if data is not None:
                new.writestr(info, data)
    return target


def test_common_tools_agree(folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(archive) as opened:
        kinds = {info.filename.removeprefix(f"{TOP}/"): info.compress_type for info in opened.infolist()}
        opened.extractall(tmp_path / "there")
    assert set(kinds) == {
        *("Song_Bass.wav", "Audio Files/Song_Küche.wav", "notes.txt", "manifest.json"),
        *("checksums.sha256", "checksums.md5", "checksums_audio.csv"),
    }
    assert {name for name, kind in kinds.items() if kind == zipfile.ZIP_STORED} == {
        "Song_Bass.wav",
        "Audio Files/Song_Küche.wav",
    }
    there = tmp_path / "there" / TOP
    assert all(
        (there / name).read_bytes() == (folder / name).read_bytes() for name in kinds if (folder / name).exists()
    )
    for tool, name, count in (("sha256sum", "checksums.sha256", 6), ("md5sum", "checksums.md5", 5)):
        if shutil.which(tool):
            done = subprocess.run([tool, "-c", name], cwd=there, capture_output=True, text=True, check=False)
            assert done.returncode == 0 and done.stdout.count(": OK") == count, done.stderr
    assert problems(archive) == set() and problems(there) == set()


def test_md5_of_samples_is_of_the_data_chunk_and_survives_tags(folder: Path, tmp_path: Path) -> None:
    def sums() -> dict[str, str]:
        return {found.name: found.audio_md5 for found in made}

    made = finish(pack.write(tmp_path / "a.zip", TOP, pack.members(folder)[0]))
    data = (folder / "Song_Bass.wav").read_bytes()
    at = data.index(b"data") + 8
    size = int.from_bytes(data[at - 4 : at], "little")
    before = sums()
    assert before["Song_Bass.wav"] == hashlib.md5(data[at : at + size]).hexdigest()
    assert before["notes.txt"] == before["manifest.json"] == ""
    replace_chunks(folder / "Song_Bass.wav", {b"iXML": b"<BWFXML/>" * 300_000})  # the samples now span pieces
    made = finish(pack.write(tmp_path / "b.zip", TOP, pack.members(folder)[0]))
    assert sums() == before
    with zipfile.ZipFile(tmp_path / "b.zip") as opened:
        rows = opened.read(f"{TOP}/checksums_audio.csv").decode().splitlines()
    assert rows[0] == "FileName,MD5Generated" and f"Song_Bass.wav,{before['Song_Bass.wav']}" in rows and len(rows) == 3


def test_the_same_files_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = packed(folder, tmp_path / "a.zip").read_bytes()
    copy = tmp_path / "elsewhere" / TOP
    shutil.copytree(folder, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    (copy / "notes.txt").chmod(0o600)
    assert packed(copy, tmp_path / "b.zip").read_bytes() == first


def test_a_large_member_gets_64_bit_sizes_and_memory_stays_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1 << 20)
    folder = tmp_path / TOP
    folder.mkdir()
    with (folder / "long.wav").open("wb") as file:
        file.truncate(48 << 20)
    tracemalloc.start()
    archive = packed(folder, tmp_path / "a.zip")
    assert problems(archive) == set()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo(f"{TOP}/long.wav")
    assert info.extract_version == zipfile.ZIP64_VERSION and info.file_size == 48 << 20


def test_a_failed_packing_leaves_what_was_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.zip"
    target.write_bytes(b"before")
    found = pack.members(folder)[0]
    for stop in (0, 1, 3):
        work = pack.write(target, TOP, found)
        for _ in range(stop):
            next(work)
        work.close()  # as Ctrl-C does
    (folder / "notes.txt").unlink()
    with pytest.raises(StemwrightError):
        finish(pack.write(target, TOP, [found[0], found[-1]]))
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir() if PART in path.name] == []


def test_a_file_that_changes_while_it_is_read_is_told(folder: Path, tmp_path: Path) -> None:
    work = pack.write(tmp_path / "a.zip", TOP, pack.members(folder)[0])
    next(work)
    with (folder / "Audio Files" / "Song_Küche.wav").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DamagedAudio, match="changed"):
        finish(work)
    assert not (tmp_path / "a.zip").exists()


def test_names_that_other_systems_cannot_hold_are_refused(folder: Path) -> None:
    for name in ("back\\slash.txt", "line\nbreak.txt", "override\u202etxt.exe"):
        (folder / name).write_text("x")
        with pytest.raises(InputError, match=r"backslash|no name should") as told:
            pack.members(folder)
        assert "rename" in told.value.hint
        (folder / name).unlink()
    (folder / "NOTES.TXT").write_text("x")
    if len(list(folder.glob("*.[tT]*"))) == 2:  # the disk tells case apart
        with pytest.raises(InputError, match="case"):
            pack.members(folder)


def test_links_to_folders_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    found, missed = pack.members(folder)
    assert len(found) == 3 and missed == ("link is a link to a folder and was left out",)
    with pytest.raises(NotFoundInput):
        pack.members(folder / "notes.txt")


# ---- what was received ----------------------------------------------------------------------------------------


def test_every_flipped_bit_is_found_or_harmless(folder: Path, tmp_path: Path) -> None:
    """Bits of dates and versions in the headers change nothing that is unpacked; all others are told."""
    for path in folder.rglob("*.wav"):
        path.write_bytes(path.read_bytes()[:600])
    archive = packed(folder, tmp_path / "a.zip")
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        content = {info.filename: opened.read(info) for info in opened.infolist()}
    dice = random.Random(6)
    found = 0
    for at in dice.sample(range(len(whole)), min(len(whole), 500)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << dice.randrange(8)
        archive.write_bytes(flipped)
        try:
            if checked(archive).problems:
                found += 1
                continue
        except InputError:
            found += 1
            continue
        with zipfile.ZipFile(io.BytesIO(flipped)) as opened:
            assert {info.filename: opened.read(info) for info in opened.infolist()} == content, at
    assert found > 300


def test_changed_missing_and_extra_files_are_named(folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")

    def change(name: str, data: bytes) -> bytes | None:
        return {"Song_Bass.wav": data[:-1] + b"\1", "notes.txt": None}.get(name, data)

    other = rebuilt(archive, tmp_path / "b.zip", change)
    with zipfile.ZipFile(other, "a") as opened:
        opened.writestr(f"{TOP}/virus.exe", b"MZ")
        opened.writestr("outside.txt", b"x")
    assert problems(other) == {
        *(("damaged", "Song_Bass.wav"), ("missing", "notes.txt"), ("extra", "virus.exe"), ("extra", "outside.txt")),
    }
    assert finish(received.extract(archive, tmp_path / "there")) == tmp_path / "there" / TOP
    there = tmp_path / "there" / TOP
    (there / "notes.txt").unlink()
    (there / "more.txt").write_text("x")
    data = bytearray((there / "Song_Bass.wav").read_bytes())
    data[1000] ^= 4
    (there / "Song_Bass.wav").write_bytes(data)
    assert problems(there) == {("damaged", "Song_Bass.wav"), ("missing", "notes.txt"), ("extra", "more.txt")}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../../evil.txt", "name"),
        (f"{TOP}/../../evil.txt", "name"),
        ("/tmp/evil.txt", "name"),
        ("C:/evil.txt", "name"),
        ("C:evil.txt", "name"),
        ("\\\\server\\share\\evil.txt", "name"),
        (f"{TOP}/..\\evil.txt", "name"),
        (f"{TOP}//evil.txt", "name"),
        (f"{TOP}/./evil.txt", "name"),
        (f"{TOP}/a\nb.txt", "name"),
        (f"{TOP}/{'x' * 300}", "name"),
        (f"{TOP}/notes.txt", "duplicate"),
        (f"{TOP}/NOTES.txt", "duplicate"),
        (f"{TOP}/notes.txt/inside.txt", "duplicate"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_names_are_named(name: str, kind: str, folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(zipfile.ZipInfo(name), b"evil")
    assert kind in {problem for problem, _ in problems(archive)}


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_named(mode: int, folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    info = zipfile.ZipInfo(f"{TOP}/link")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(info, "/etc/passwd")
    assert ("link", "link") in problems(archive)


def test_bombs_are_named_and_not_unpacked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_DEFLATED", 32 << 20)
    archive = packed(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened, opened.open(f"{TOP}/bomb", "w") as out:
        for _ in range(40):
            out.write(bytes(1 << 20))
    assert archive.stat().st_size < 1 << 20
    result = checked(archive)
    assert [(problem.kind, problem.name) for problem in result.problems] == [("bomb", f"{TOP}/bomb")]
    assert result.bytes < 1 << 20
    data = bytearray(packed(folder, archive).read_bytes())  # one body for two members, after Fifield 2019
    with zipfile.ZipFile(archive) as opened:
        first, second = sorted(opened.infolist(), key=lambda info: info.header_offset)[:2]
    entry = data.rindex(b"PK\1\2", 0, data.rindex(second.filename.encode()))
    data[entry + 42 : entry + 46] = (first.header_offset + 4).to_bytes(4, "little")
    archive.write_bytes(data)
    assert "bomb" in {kind for kind, _ in problems(archive)}


def test_what_is_no_whole_archive_is_told(folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    whole = archive.read_bytes()
    for data in (b"", b"PK", b"hello" * 100, whole[: len(whole) // 2], whole[:-10]):
        archive.write_bytes(data)
        with pytest.raises(InputError, match="no ZIP archive, or not the whole"):
            checked(archive)
    claimed = bytearray(whole)
    at = claimed.rindex(b"PK\5\6")
    claimed[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    archive.write_bytes(claimed)
    with pytest.raises(InputError, match="directory"):
        checked(archive)
    with pytest.raises(NotFoundInput):
        checked(tmp_path / "nowhere.zip")


def test_without_a_list_nothing_is_vouched_for(folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    bare = rebuilt(archive, tmp_path / "b.zip", lambda name, data: None if name == "checksums.sha256" else data)
    assert {kind for kind, _ in problems(bare)} == {"list"}
    odd = rebuilt(
        archive, tmp_path / "c.zip", lambda name, data: b"hello\n" + data if name == "checksums.sha256" else data
    )
    assert problems(odd) == {("list", "checksums.sha256")}
    with pytest.raises(InputError, match="neither"):
        checked(folder)


def test_unpacking_is_whole_or_nothing(folder: Path, tmp_path: Path) -> None:
    archive = packed(folder, tmp_path / "a.zip")
    work = received.extract(archive, tmp_path / "there")
    next(work)
    work.close()
    assert list((tmp_path / "there").iterdir()) == []
    finish(received.extract(archive, tmp_path / "there"))
    with pytest.raises(AlreadyThere):
        finish(received.extract(archive, tmp_path / "there"))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../evil.txt", b"evil")
    with pytest.raises((InputError, ValueError)):  # even when nobody asked first
        finish(received.extract(archive, tmp_path / "other"))
    assert not (tmp_path / "evil.txt").exists() and list((tmp_path / "other").iterdir()) == []


@given(st.text(max_size=40))
def test_a_name_without_fault_stays_inside(name: str) -> None:
    if not fault(name):
        joined = os.path.normpath(f"/safe/{name}")
        assert joined.startswith("/safe/") and joined == f"/safe/{name}"


@given(st.lists(st.sampled_from(["a", "A", "a/b", "b", "é", "é"]), max_size=4))
def test_clashes_are_what_one_folder_cannot_hold(names: list[str]) -> None:
    import unicodedata

    keys = [unicodedata.normalize("NFC", name).lower() for name in names]
    assert bool(list(clashes(names))) == (len(set(keys)) < len(keys) or {"a", "a/b"} <= set(keys))
