"""`convert`, `session verify` and `session --verify` as a user meets them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support import pulse_song, run, run_json, write_stems, write_wav


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stems(tmp_path_factory.mktemp("made") / "Song_120_Am", pulse_song(3.0))


@pytest.fixture
def stems(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / made.name
    folder.mkdir()
    for path in made.glob("*.wav"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def project(stems: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(capsys, "session", stems, "--to", "reaper")[0] == 0
    return stems / "Song_120_Am.rpp"


def test_a_session_is_verified_after_writing(capsys: pytest.CaptureFixture[str], stems: Path) -> None:
    code, document = run_json(capsys, "session", stems, "--to", "reaper,midi", "--verify")
    proofs = {proof["format"]: proof for proof in document["result"]["verified"]}
    assert code == 0 and set(proofs) == {"reaper", "midi"}
    assert proofs["reaper"]["differences"] == [] and ["gain", "unused"] in proofs["reaper"]["fields"]
    assert proofs["midi"]["residual_dbfs"] is None
    code, out, _ = run(capsys, "session", stems, "--to", "reaper", "--verify", "--force")
    assert code == 0 and "Song_120_Am.rpp: as planned in" in out and "null test -inf dBFS" in out


def test_verify_compares_with_the_stems_beside_or_elsewhere(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "session", "verify", project)
    assert code == 0 and "audio" in out and "null test -inf dBFS" in out
    moved = tmp_path / "elsewhere" / "Song.rpp"
    moved.parent.mkdir()
    moved.write_bytes(project.read_bytes())
    code, out, _ = run(capsys, "session", "verify", moved)
    assert code == 1 and out.count("missing") == 3
    code, out, _ = run(capsys, "session", "verify", moved, "--against", project.parent)
    assert code == 1 and out.count("missing") == 3  # where they are is no place where the DAW would look
    assert run(capsys, "session", project.parent, "--to", "reaper", "-o", moved.parent / "again")[0] == 0
    there = moved.parent / "again" / project.name
    assert run(capsys, "session", "verify", there, "--against", project.parent)[0] == 0


def test_verify_fails_for_a_wrong_session(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    project.write_text(
        project.read_text(encoding="utf-8").replace("MUTESOLO 0 0 0", "MUTESOLO 1 0 0", 1), encoding="utf-8"
    )
    code, out, _ = run(capsys, "session", "verify", project)
    assert code == 1 and "mute: " in out and "planned False, found True" in out
    code, document = run_json(capsys, "session", "verify", project)
    assert (code, document["ok"], document["schema"]) == (1, False, "stemwright.verify/1")
    assert {d["field"] for d in document["result"]["differences"]} >= {"mute"}


def test_verify_finds_a_stem_that_was_changed_or_added_afterwards(
    capsys: pytest.CaptureFixture[str], project: Path, made: Path
) -> None:
    song = pulse_song(3.0)
    write_wav(project.parent / "Song_Late.wav", song["Keys"], 44_100)
    code, out, _ = run(capsys, "session", "verify", project)
    assert code == 1 and "tracks: Late: planned there, found missing" in out
    (project.parent / "Song_Late.wav").unlink()
    write_wav(project.parent / "Song_Keys.wav", pulse_song(4.0)["Keys"], 44_100)
    code, out, _ = run(capsys, "session", "verify", project)
    assert code == 1 and "audio: Keys: planned length" in out


def test_verify_says_what_is_wrong_with_its_input(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert run(capsys, "session", "verify")[0] == 2
    assert run(capsys, "session", "verify", project.parent / "nowhere.rpp")[0] == 1
    assert run(capsys, "session", "verify", project.parent / "Song_Keys.wav")[0] == 2
    assert run(capsys, "session", "verify", project, "--against", project.parent / "nowhere")[0] == 1
    code, out, _ = run(capsys, "session", "verify", "--help")
    assert code == 0 and "stemwright session verify" in out and "--against" in out
    project.write_text("not a project\n", encoding="utf-8")
    code, out, err = run(capsys, "session", "verify", project)
    assert (code, out) == (1, "") and "help: " in err and "Traceback" not in err


def test_settings_of_session_still_hold(
    capsys: pytest.CaptureFixture[str], stems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stemwright.toml").write_text('[session]\nto = "midi"\nverify = true\n', encoding="utf-8")
    code, document = run_json(capsys, "session", stems)
    assert code == 0 and [proof["format"] for proof in document["result"]["verified"]] == ["midi"]
    monkeypatch.setenv("STEMWRIGHT_SESSION_TO", "reaper")
    assert run(capsys, "session", stems)[0] == 0 and (stems / "Song_120_Am.rpp").is_file()


def test_convert_reads_one_format_and_writes_another(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    target = project.with_suffix(".mid")
    code, document = run_json(capsys, "convert", project, target, "--dry-run")
    assert code == 0 and not target.exists() and document["outputs"] == [] and document["result"]["tracks"] == 0
    code, out, err = run(capsys, "convert", project, target)
    assert code == 0 and f"wrote {target}: 0 tracks" in out and "warning" not in err
    before = target.read_bytes()
    code, _, err = run(capsys, "convert", project, target)
    assert code == 1 and "--force" in err
    assert run(capsys, "convert", project, target, "--force")[0] == 0 and target.read_bytes() == before


def test_convert_there_and_back_is_proved_by_the_stems(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    code, _, _ = run(capsys, "convert", project, project.with_name("Back.rpp"))
    assert code == 0 and run(capsys, "session", "verify", project.with_name("Back.rpp"))[0] == 0


def test_convert_finds_media_in_other_folders_when_told(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "Song.rpp"
    moved.parent.mkdir()
    moved.write_bytes(project.read_bytes())
    code, _, err = run(capsys, "convert", moved, tmp_path / "a.rpp")
    assert code == 1 and err.count("is not beside the session") == 3 and "--media" in err
    assert (tmp_path / "a.rpp").read_text(encoding="utf-8").count('FILE "elsewhere/Song_') == 3
    for target in ("a.ardour", "a.aaf"):  # which would copy them
        code, _, err = run(capsys, "convert", moved, tmp_path / "no" / target)
        assert code == 1 and "media are missing: " in err and "--media" in err and not (tmp_path / "no").exists()
    assert run(capsys, "convert", moved, tmp_path / "a.mid")[0] == 0  # which holds none
    code, _, err = run(capsys, "convert", moved, tmp_path / "b.rpp", "--media", project.parent)
    assert code == 0 and err.count("has its name") == 3 and "missing" not in err
    assert run(capsys, "session", "verify", tmp_path / "b.rpp", "--against", project.parent)[0] == 0


def test_convert_knows_stems_in_the_folder_above(
    capsys: pytest.CaptureFixture[str], stems: Path, tmp_path: Path
) -> None:
    assert run(capsys, "session", stems, "--to", "reaper", "-o", tmp_path / "out")[0] == 0
    source, target = tmp_path / "out" / f"{stems.name}.rpp", tmp_path / "conv" / "A2.rpp"
    code, _, err = run(capsys, "convert", source, target)
    assert code == 0 and "beside" not in err and "name" not in err
    assert f'FILE "../{stems.name}/Song_' in target.read_text(encoding="utf-8")
    assert run(capsys, "session", "verify", target, "--against", stems)[0] == 0


def test_missing_media_keep_their_names(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    text = project.read_text(encoding="utf-8")
    names = ["../gone/Song_", "/Volumes/Disk/Takes/Song_", "C:/Users/Ann/Song_", "Media/Song_"]
    for name in names:
        there = tmp_path / "there" / "Song.rpp"
        there.parent.mkdir(exist_ok=True)
        there.write_text(text.replace("FILE Song_", f"FILE {name}").replace('FILE "Song_', f'FILE "{name}'), "utf-8")
        code, document = run_json(capsys, "convert", there, there.with_name("Again.rpp"), "--force")
        assert (code, document["ok"], len(document["result"]["missing"])) == (1, False, 3)
        again = there.with_name("Again.rpp").read_text(encoding="utf-8").replace('"', "")
        assert again.count(f"FILE {name}") == 3, name
        assert run(capsys, "convert", there, there.with_name("Dry.rpp"), "--dry-run")[0] == 1


def test_convert_never_replaces_its_source(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    before = project.read_bytes()
    code, _, err = run(capsys, "convert", project, project, "--force")
    assert code == 1 and "another name" in err and project.read_bytes() == before


def test_convert_says_what_it_cannot_do(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    code, _, err = run(capsys, "convert", project, project.with_suffix(".rp"))
    assert code == 2 and "did you mean '.rpp'?" in err
    assert run(capsys, "convert", project.parent / "Song_Keys.wav", project.with_suffix(".mid"))[0] == 2
    assert run(capsys, "convert", project.with_name("gone.rpp"), project.with_suffix(".mid"))[0] == 1
    assert run(capsys, "convert", project)[0] == 2
    project.write_bytes(b"<REAPER_PROJECT")
    code, out, err = run(capsys, "convert", project, project.with_suffix(".mid"))
    assert "Traceback" not in err and (code == 0 or out == "")


def test_a_loss_is_one_short_line_for_each_session(capsys: pytest.CaptureFixture[str], stems: Path) -> None:
    code, _, err = run(capsys, "session", stems, "--bpm", "120", "--key", "Am")
    lines = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert code == 0 and lines == [
        "warning: Song_120_Am.aaf has no place for the tempo and colours (Drums, Bass and Keys)"
    ]
    code, document = run_json(capsys, "session", stems, "--force", "--bpm", "120", "--key", "Am")
    full = {name: {loss["field"] for loss in losses} for name, losses in document["result"]["losses"]}
    assert full["Song_120_Am.aaf"] == {"tempo", "key", "colours"} and "audio" in full["Song_120_Am.mid"]


def test_options_of_one_format(capsys: pytest.CaptureFixture[str], stems: Path) -> None:
    made = {}
    for style in ("bitwig", "raw"):
        argv = ("session", stems, "--to", "reaper,dawproject", "--dawproject-style", style, "--force")
        assert run(capsys, *argv)[0] == 0
        with zipfile.ZipFile(stems / "Song_120_Am.dawproject") as project:
            made[style] = b"<Warp " in project.read("project.xml")
    assert made == {"bitwig": True, "raw": False}
    code, _, err = run(capsys, "session", stems, "--to", "reaper", "--dawproject-style", "raw", "--force")
    assert code == 2 and "--dawproject-style is about dawproject" in err
    assert run(capsys, "session", stems, "--to", "reaper", "--embed", "--force")[0] == 2
    assert run(capsys, "session", stems, "--fps", "26", "--force")[0] == 2
    assert run(capsys, "prep", stems, "--fps", "29.97df", "--dawproject-style", "raw", "--to", "dawproject")[0] == 0
    _, out, _ = run(capsys, "session", "--help")
    assert "ableton" in out and "protools_text" not in out


@pytest.mark.parametrize("layout", ["mix-engineer", "practice"])
def test_verify_says_how_a_session_is_laid_out(capsys: pytest.CaptureFixture[str], stems: Path, layout: str) -> None:
    assert run(capsys, "session", stems, "--to", "reaper", "--layout", layout)[0] == 0
    code, out, _ = run(capsys, "session", "verify", stems / "Song_120_Am.rpp")
    assert code == 0 and f"as planned, laid out as {layout} in " in out
    code, out, _ = run(capsys, "session", "verify", stems / "Song_120_Am.rpp", "--layout", "film-tv")
    assert (code == 1) == (layout == "practice")
    assert code == 0 or " from the layout film-tv" in out


@pytest.mark.parametrize("suffix", [".als", ".ardour"])
def test_a_project_in_a_folder_of_its_own_is_told_there_and_never_replaced(
    suffix: str, capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    code, document = run_json(capsys, "convert", project, tmp_path / f"New{suffix}")
    there = Path(document["result"]["target"])
    assert code == 0 and there.is_file() and there.parent.name.startswith("New ")
    there.write_bytes(b"edited in the DAW")
    code, _, err = run(capsys, "convert", project, tmp_path / f"New{suffix}")
    assert code == 1 and f"{there}: is there already" in err and there.read_bytes() == b"edited in the DAW"
    assert run(capsys, "convert", project, there, "--force")[0] == 0 and there.stat().st_size > 1000
