"""pack and watch from end to end on real deliveries."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.audio import coders
from stemwright.audio.probe import probe
from stemwright.errors import (
    AlreadyThere,
    DamagedAudio,
    InputError,
    MissingExtra,
    NotFoundInput,
    OutputError,
    WrongOption,
)
from stemwright.handover import manifest
from stemwright.workflows import dropped
from stemwright.workflows.facts import Given
from stemwright.workflows.pack import PackOptions, pack_folder, packed, verify
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.push import push_to
from support import finish, pulse_song, tone, write_stems, write_wav

GIVEN = Given(bpm=120, key="Am")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stems = write_stems(tmp_path_factory.mktemp("p") / "Song", pulse_song(6))
    return finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper", "midi")))).result.folder


@pytest.fixture
def delivery(delivered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(delivered, tmp_path / delivered.name))


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_a_delivery_is_packed_whole_and_stays_as_it_is(delivery: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in delivery.rglob("*") if path.is_file()}
    outcome = finish(pack_folder(delivery))
    archive = delivery.with_name(f"{delivery.name}.zip")
    assert [(output.path, output.kind) for output in outcome.outputs] == [(archive, "archive")] and not outcome.warnings
    assert names(archive) == {f"{delivery.name}/{name}" for name in outcome.result.files}
    held = {path.relative_to(delivery).as_posix() for path in before}
    lists = {"checksums.sha256", "checksums.md5", "checksums_audio.csv"}
    assert set(outcome.result.files) == held | lists | {"report.html"}
    assert {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in delivery.rglob("*") if path.is_file()
    } == before
    assert outcome.result.audio == 3
    with zipfile.ZipFile(archive) as opened:
        page = opened.read(f"{delivery.name}/report.html").decode()
        assert json.loads(opened.read(f"{delivery.name}/manifest.json"))["schema"] == "stemwright.manifest/1"
    assert "./Song_Drums.wav" in page, "the page plays the stems beside it"
    there = finish(verify(archive, delivery.parent / "there")).result
    assert there.problems == () and there.extracted == delivery.parent / "there" / delivery.name
    assert finish(verify(there.extracted)).result.problems == ()
    assert finish(verify(delivery)).result.problems == (), "a delivery is checked by its manifest"


def test_packing_again_replaces_our_own_archive_only(delivery: Path) -> None:
    first = finish(pack_folder(delivery)).result.archive
    data = first.read_bytes()
    assert finish(pack_folder(delivery)).result.archive.read_bytes() == data
    first.write_bytes(b"the user's own")
    with pytest.raises(AlreadyThere):
        finish(pack_folder(delivery))
    assert first.read_bytes() == b"the user's own"
    finish(pack_folder(delivery, PackOptions(force=True)))
    assert first.read_bytes() == data


def test_unfinished_and_failing_deliveries_are_refused(delivery: Path) -> None:
    forced = PackOptions(force=True)
    (delivery / manifest.INCOMPLETE).write_text("not finished")
    with pytest.raises(OutputError, match="not finished"):
        finish(pack_folder(delivery))
    assert f"{delivery.name}/{manifest.INCOMPLETE}" in names(finish(pack_folder(delivery, forced)).result.archive)
    (delivery / manifest.INCOMPLETE).unlink()
    gone = delivery / "Song_Drums.wav"
    kept = gone.rename(delivery.parent / "kept.wav")
    with pytest.raises(OutputError, match=r"Song_Drums\.wav is missing"):
        finish(pack_folder(delivery))
    kept.rename(gone)
    write_wav(gone, tone(50, 1.0, 44_100), 44_100)  # too short now: LEN rules
    with pytest.raises(OutputError, match="the audit found"):
        finish(pack_folder(delivery))
    outcome = finish(pack_folder(delivery, forced))
    assert outcome.warnings == ("Song_Drums.wav was changed since the delivery was made",)


def test_a_plain_folder_of_stems_gets_a_manifest(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Stems", pulse_song(3))
    planned = finish(pack_folder(stems, PackOptions(dry_run=True)))
    assert not planned.outputs and not planned.result.complete and len(planned.result.files) == 4
    archive = finish(pack_folder(stems, PackOptions(out=tmp_path / "x" / "a.zip"))).result.archive
    assert archive == tmp_path / "x" / "a.zip" and "Stems/manifest.json" in names(archive)
    assert finish(verify(archive)).result.problems == ()
    with pytest.raises(NotFoundInput):
        finish(pack_folder(tmp_path / "nowhere"))
    with pytest.raises(InputError):
        finish(verify(stems, tmp_path / "there"))


def test_prep_packs_what_it_made_and_packs_it_again(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(3))

    def run(bpm: float) -> tuple[Path, bytes]:
        work = prep(stems, PrepOptions(given=replace(GIVEN, bpm=bpm), to=("midi",)))
        outcome = finish(packed(work, PackOptions()))
        (archive,) = [output.path for output in outcome.outputs if output.kind == "archive"]
        return archive, archive.read_bytes()

    first = run(120)
    assert first[0].stem == "Song_120_Am" and run(120) == first
    assert run(121)[0].stem == "Song_121_Am"
    work = prep(stems, PrepOptions(given=GIVEN, to=("midi",), dry_run=True))
    assert not finish(packed(work, PackOptions())).outputs


@pytest.mark.skipif(not (shutil.which("ffmpeg") or shutil.which("lame")), reason="no MP3 encoder here")
def test_a_refused_archive_does_not_hide_the_delivery(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(3))
    (tmp_path / "Song_120_Am.zip").write_bytes(b"the user's own")
    outcome = finish(packed(prep(stems, PrepOptions(given=GIVEN, to=("midi",))), PackOptions()))
    assert outcome.result.complete and any(output.kind == "stem" for output in outcome.outputs)
    (told,) = outcome.failed
    assert told.startswith("not packed: ") and "is there already" in told and "--force" in told


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.7z"])
def test_an_archive_is_a_zip(name: str, delivery: Path) -> None:
    with pytest.raises(WrongOption, match=r"\.zip"):
        finish(pack_folder(delivery, PackOptions(out=delivery.parent / name)))
    assert not (delivery.parent / name).exists()


def test_references_are_mp3_of_the_same_length(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Stems", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    outcome = finish(pack_folder(stems, PackOptions(mp3=True)))
    found = finish(verify(outcome.result.archive, tmp_path / "there")).result
    assert not found.problems
    made = sorted((tmp_path / "there" / "Stems" / "MP3").iterdir())
    assert [path.name for path in made] == ["Song_Bass.mp3", "Song_Drums.mp3"]
    for path in made:
        file = probe(path)
        assert file.format.container == "mp3" and abs(file.frames / file.format.sample_rate - 2) < 0.1
    assert list(stems.iterdir()) == [*stems.glob("*.wav")]


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (FileNotFoundError(), MissingExtra),
        (subprocess.TimeoutExpired("ffmpeg", 1), DamagedAudio),
        (subprocess.CompletedProcess([], 1, b"", b"Unknown encoder 'libmp3lame'"), DamagedAudio),
    ],
)
def test_an_encoder_that_fails_is_told(
    happens: object, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def child(argv: object, **_: object) -> object:
        if isinstance(happens, BaseException):
            raise happens
        return happens

    monkeypatch.setattr(coders, "child", child)
    stems = write_stems(tmp_path / "Stems", {"Drums": tone(100)}, 48_000)
    with pytest.raises(error):
        finish(pack_folder(stems, PackOptions(mp3=True)))
    assert [path.name for path in tmp_path.iterdir()] == ["Stems"]


def test_a_folder_is_pushed_with_its_lists_last(delivery: Path, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    url = (tmp_path / "there").as_uri()
    planned = finish(push_to(delivery, url, dry_run=True)).result
    assert not planned.complete and not (tmp_path / "there").exists()
    made = finish(push_to(delivery, url)).result
    assert made.sent == planned.sent and made.sent[-1] == f"{delivery.name}/manifest.json"
    assert finish(verify(tmp_path / "there" / delivery.name)).result.problems == ()
    (tmp_path / "there" / made.sent[0]).unlink()
    again = finish(push_to(delivery, url)).result
    assert again.sent == made.sent[:1] and again.there_before == made.sent[1:]
    with pytest.raises(NotFoundInput):
        finish(push_to(tmp_path / "nowhere", url))


# ---- watch ----------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes by sleeping only; something happens at each sleep."""

    def __init__(self, *events) -> None:
        self.now, self.events = 0.0, list(events)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.events:
            self.events.pop(0)()


def test_a_growing_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = tmp_path / "Song.wav"

    def grow() -> None:
        with song.open("ab") as file:
            file.write(b"more")

    (tmp_path / "empty.wav").touch()
    (tmp_path / "notes.txt").write_text("no audio")
    (tmp_path / ".hidden.wav").write_bytes(b"x")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / manifest.NAME).write_text("{}")
    write_wav(tmp_path / "made" / "a.wav", tone(100, 0.1))
    clock = Clock(grow, grow, grow, grow)
    monkeypatch.setattr(dropped, "time", clock)
    ready = finish(dropped.ready(tmp_path, {}, settle_s=3))
    assert list(ready) == [song] and song.stat().st_size == 16 and clock.now >= 4 + 3
    clock.events = [lambda: None] * 20 + [grow]
    again = finish(dropped.ready(tmp_path, ready, settle_s=3))
    assert clock.now >= 7 + 20 + 3 and again != ready, "what was seen is not ready again before it changes"


def test_a_folder_is_ready_when_all_in_it_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stems = tmp_path / "Stems"
    stems.mkdir()

    def drop(name: str):
        return lambda: write_wav(stems / name, tone(100, 0.1))

    clock = Clock(drop("a.wav"), drop("b.wav"), lambda: None, drop("c.wav"))
    monkeypatch.setattr(dropped, "time", clock)
    ready = finish(dropped.ready(tmp_path, {}, settle_s=3))
    assert [name for name, *_ in ready[stems]] == ["a.wav", "b.wav", "c.wav"]
    shutil.rmtree(stems)
    assert dropped.waiting(tmp_path) == {}
    with pytest.raises(NotFoundInput):
        finish(dropped.ready(tmp_path / "gone", {}, 1))


def test_the_same_audio_under_another_name_is_not_made_again(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "In" / "Song", pulse_song(3))
    out = tmp_path / "Out"
    asked = PrepOptions(given=GIVEN, to=("midi",), out=out)
    made = finish(dropped.once(stems, out, prep(stems, asked)))
    assert made.result and made.result.complete
    again = finish(dropped.once(stems, out, prep(stems, asked)))
    assert again.result and {planned.action for planned in again.result.plan} == {"done before"}
    copy = tmp_path / "In" / "Copy"
    copy.mkdir()
    for path in stems.iterdir():
        shutil.copy(path, copy / path.name.replace("Song_", "Take "))
    other = finish(dropped.once(copy, out, prep(copy, asked)))
    assert other.result is None and "Song_120_Am" in other.warnings[0] and len(list(out.iterdir())) == 1
