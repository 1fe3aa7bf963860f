"""Every format holds the same session: real sets and a hostile one, in all of them, read back, moved and converted."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest

from stemwright.audio.folder import read_stems
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import SessionError
from stemwright.model import Clip, Session, Stem
from stemwright.naming import RESERVED
from stemwright.safety import sha256
from stemwright.session.arrange import arrange
from stemwright.session.fields import FIELDS
from stemwright.session.formats import Written, formats, placed, read_session, write_session
from stemwright.session.render import residual_dbfs
from stemwright.session.unpacked import is_unpacked
from stemwright.session.verify import verify_session
from stemwright.units import linear
from stemwright.workflows.convert import convert
from support import finish

PLACE, OTHER = "a-place-that-nothing-may-name", "another-place-of-equal-length"
REAL = ("ghostpines30", "mdn_boas", "lmms_saber-finalstep")
RATES = ("44100", "48000", "96000")


@dataclass(frozen=True, slots=True)
class Material:
    """A set in a folder of its own, what its files were, and its session."""

    folder: Path
    plan: Session
    sums: dict[Path, str]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("every")


@pytest.fixture(scope="module")
def kept() -> dict[object, Any]:
    """What was made once, whatever the order of the tests."""
    return {}


@pytest.fixture(scope="module", params=(*RATES, *REAL))
def material(request: pytest.FixtureRequest, base: Path, kept: dict[object, Any]) -> Material:
    folder = base / request.param / PLACE / "Song"
    if request.param not in kept:
        if request.param not in REAL:
            rate, _, count = request.param.partition("/")
            plan = hostile.plan(folder, int(rate), int(count or hostile.TRACKS))
        else:
            shared: Path = request.getfixturevalue("shared")
            shutil.copytree(shared / "material/music" / request.param, folder)
            plan = arrange(read_stems(folder))
        assert residual_dbfs(replace(plan, tracks=()), plan) > -40, "a null of silence proves nothing"
        kept[request.param] = Material(folder, plan, {path: sha256(path) for path in hostile.files(plan)})
    found: Material = kept[request.param]
    return found


@pytest.fixture(scope="module", params=formats())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def written(material: Material, name: str, kept: dict[object, Any]) -> tuple[Session, Written]:
    """The session beside its stems; an AAF of lossy stems that go above full scale gets lowered ones."""
    if (material.folder, name) not in kept:
        try:
            kept[material.folder, name] = material.plan, write_session(name, material.plan, material.folder / "Song")
        except SessionError as error:
            assert name == "aaf" and "above 0 dBFS" in error.message and next(iter(material.sums)).suffix == ".mp3"
            lowered = _lowered(material.folder.parent / "Lowered")
            path = material.folder.parent / "Lowered" / "Song"
            kept[material.folder, name] = lowered, write_session(name, lowered, path)
    found: tuple[Session, Written] = kept[material.folder, name]
    return found


def _lowered(folder: Path) -> Session:
    """The lossy stems of `../Song` as 24-bit WAVs 12 dB lower, as `prep` takes them; clip gain undoes it."""
    folder.mkdir()
    stems = read_stems(folder.with_name("Song"))

    def low(stem: Stem) -> Stem:
        path = folder / f"{stem.file.path.stem}.wav"
        with WavWriter(path, stem.file.format.sample_rate, stem.file.format.channels) as out:
            for block in blocks(stem.file):
                out.write(quantise(block * np.float32(linear(-12.0))))
        return replace(stem, file=probe(path), gain_db=-12.0)

    return arrange(replace(stems, stems=tuple(map(low, stems.stems))))


def test_the_session_that_is_read_is_the_one_that_was_planned(
    material: Material, name: str, written: tuple[Session, Written]
) -> None:
    plan, made = written
    found = verify_session(made.outputs[0].path, plan)
    assert not found.differences and not found.skipped and _fine(found.warnings)
    states = dict(found.fields)
    module = formats()[name]
    assert {field for field, state in states.items() if state == "kept"} == _used(plan) & module.EXPRESSES
    assert (found.residual_dbfs is None) == ("audio" not in module.EXPRESSES)
    if found.residual_dbfs is not None:
        assert found.residual_dbfs <= found.limit_dbfs < -100
        read = [t.name for t in read_session(made.outputs[0].path, *_homes(plan)).session.tracks if not t.is_group]
        assert len(read) == len({clip.file.path for t in plan.tracks for clip in t.clips})
    assert {path: sha256(path) for path in material.sums} == material.sums


def _homes(session: Session) -> set[Path]:
    """The folders that its media lie in."""
    return {path.parent for path in hostile.files(session)}


def _fine(warnings: tuple[str, ...]) -> bool:
    """Nothing is missing; a copy inside the session that has another name than the stem is no flaw."""
    return all("was unpacked" in warning for warning in warnings)


def _used(plan: Session) -> set[str]:
    return {field for field, (_, users) in FIELDS.items() if any(users(plan))}


def test_losses_name_what_a_format_has_no_place_for_and_nothing_else(
    material: Material, name: str, written: tuple[Session, Written]
) -> None:
    plan, made = written
    module = formats()[name]
    lost = [loss for loss in made.losses if loss.field not in module.EXPRESSES]
    assert {loss.field for loss in lost} == _used(plan) - module.EXPRESSES and len(lost) == len({x.field for x in lost})
    for loss in lost:
        assert loss.subject == ", ".join(dict.fromkeys(FIELDS[loss.field][1](plan)))
    assert all(loss.field in FIELDS and loss.subject and loss.reason for loss in made.losses)


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    """What a file holds, by name: as it is, and unpacked when it is packed."""
    data = path.read_bytes()
    yield path.name, data
    if data.startswith(b"\x1f\x8b"):
        yield path.name, gzip.decompress(data)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from ((info.filename, archive.read(info)) for info in archive.infolist())


@pytest.mark.parametrize("material", ["48000", "lmms_saber-finalstep"], indirect=True)
def test_nothing_that_is_written_names_a_place_on_this_machine(
    name: str, written: tuple[Session, Written], tmp_path: Path
) -> None:
    plan, made = written
    if name == "aaf":  # a linked one has to: hosts want absolute addresses
        made = write_session(name, plan, tmp_path / "Song", embed=True)
    home = str(next(iter(hostile.files(plan))).parents[2])
    for output in made.outputs:
        for entry, data in _unpacked(output.path):
            for word in (PLACE, home, str(Path.home()) + "/", "file:///"):
                for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                    assert word.encode(encoding) not in data, (entry, word)


@pytest.mark.parametrize("material", ["48000", "lmms_saber-finalstep"], indirect=True)
def test_names_are_safe_on_every_system(written: tuple[Session, Written]) -> None:
    _, made = written
    folder = made.outputs[0].path.parent
    folder = folder.parent if folder.name == "Song Ardour" else folder
    names = [output.path.relative_to(folder).as_posix() for output in made.outputs]
    if zipfile.is_zipfile(made.outputs[0].path):
        with zipfile.ZipFile(made.outputs[0].path) as archive:
            names += archive.namelist()
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(names)
    for part in (part for name in names for part in name.split("/")):
        assert not re.search(r'[<>:"|?*\\\x00-\x1f\x7f]', part) and part[-1] not in ". " and part[0] != " "
        assert not RESERVED.match(part) and len(part.encode()) <= 255, part


@pytest.fixture(scope="module")
def elsewhere(base: Path) -> Path:
    """The same set in another folder, every session of it written by another process in another year."""
    folder = base / "48000" / OTHER / "Song"
    folder.parent.mkdir(parents=True)
    code = (
        "import sys, time, random; from pathlib import Path; time.time = lambda: 1e9; random.seed(5)\n"
        f"sys.path[:0] = {[str(Path(place).resolve()) for place in (Path(__file__).parent, *sys.path)]!r}\n"
        "import hostile; hostile.write_all(Path(sys.argv[1]), 48_000)"
    )
    odd = {"PYTHONHASHSEED": "77", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "HOME": str(folder.parent)}
    subprocess.run([sys.executable, "-c", code, folder], check=True, env=os.environ | odd, cwd=folder.parent)
    return folder


@pytest.mark.parametrize("material", ["48000"], indirect=True)
def test_another_process_writes_the_same_bytes(
    material: Material, written: tuple[Session, Written], elsewhere: Path
) -> None:
    assert len(OTHER) == len(PLACE)
    for output in written[1].outputs:
        other = (elsewhere / output.path.relative_to(material.folder)).read_bytes()
        for encoding in ("utf-8", "utf-16-le"):  # a linked AAF names its place
            other = other.replace(OTHER.encode(encoding), PLACE.encode(encoding))
        assert other == output.path.read_bytes(), output.path.name


@pytest.mark.parametrize("material", ["48000", "lmms_saber-finalstep"], indirect=True)
def test_writing_again_gives_the_same_bytes(written: tuple[Session, Written], name: str) -> None:
    plan, made = written
    before = {output.path: sha256(output.path) for output in made.outputs}
    again = write_session(name, plan, made.outputs[0].path)
    assert again == made and {output.path: sha256(output.path) for output in again.outputs} == before


def _at(plan: Session, old: Path, new: Path) -> Session:
    """The same session with its files in another folder."""

    def moved(clip: Clip) -> Clip:
        return replace(clip, file=replace(clip.file, path=new / clip.file.path.relative_to(old)))

    tracks = (replace(track, clips=tuple(map(moved, track.clips))) for track in plan.tracks)
    return replace(plan, tracks=tuple(tracks))


@pytest.mark.parametrize("material", ["48000", "lmms_saber-finalstep"], indirect=True)
def test_a_folder_that_was_moved_still_opens(
    material: Material, written: tuple[Session, Written], tmp_path: Path
) -> None:
    plan, made = written
    new = tmp_path / "moved" / "ins Büro"
    shutil.copytree(material.folder, new)
    path = new / made.outputs[0].path.relative_to(material.folder)
    opened = read_session(path, new / "more")
    assert _fine(opened.warnings)
    away = [file for file in hostile.files(opened.session) if not file.is_relative_to(new)]
    assert all(is_unpacked(probe(path)) for path in away)
    assert verify_session(path, _at(plan, material.folder, new)).ok


@cache
def _sound(path: Path) -> str:
    """The samples of a file in 24 bits, hashed."""
    return sha256_of(b"".join(quantise(block).tobytes() for block in blocks(probe(path)))).hexdigest()


def _lying(session: Session) -> dict[str, list[tuple[int, int, int, str]]]:
    """What lies where on each track, in order, and what it sounds like."""
    return {
        track.name.replace("`", "'"): [(c.at, c.length, c.source_from, _sound(c.file.path)) for c in track.clips]
        for track in session.tracks
        if not track.is_group
    }


@pytest.mark.parametrize("material", ["48000/60"], indirect=True)
@pytest.mark.parametrize("target", formats())
def test_converting_keeps_every_clip_and_what_both_formats_hold(
    material: Material, written: tuple[Session, Written], name: str, target: str, tmp_path: Path
) -> None:
    plan, source = written[0], written[1].outputs[0].path
    goal = placed(target, tmp_path / "Converted")
    losses = finish(convert(source, goal, tuple(_homes(plan)))).result.losses
    read = read_session(source, *_homes(plan)).session
    again = read_session(goal, *_homes(read)).session
    held = formats()[name].EXPRESSES
    if "audio" in held & formats()[target].EXPRESSES:
        moved = [name for name, clips in _lying(plan).items() if _lying(again).get(name) != clips]
        assert not moved and list(_lying(again)) == list(_lying(plan))
    if target == "aaf" and not read.tracks:
        assert "markers" in {loss.field for loss in losses}
        return
    found = verify_session(goal, read)
    assert not [difference for difference in found.differences if difference.field in {*held, "tracks"}]
    kept = {field for field, state in found.fields if state == "kept"}
    assert _used(plan) & held & formats()[target].EXPRESSES <= kept
