"""The command line as a user meets it: words, streams, exit codes, JSON, errors in one line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from stemwright import resources
from stemwright.cli import cli
from stemwright.cli.output import console
from stemwright.registry import module_names
from stemwright.session.formats import formats
from support import REPOSITORY, pulse_song, run, run_json, tone, write_stems, write_wav

COMMANDS = module_names("stemwright.cli.commands")


def test_help_is_light() -> None:
    """Nothing heavy is imported for --help; every command is listed."""
    heavy = ("numpy", "torch", "lxml", "soundfile", "rich", "numba", "demucs", "pedalboard", "jinja2", "aaf2", "mido")
    probe = f"""
import sys
from stemwright.cli import main
try: main(["--help"])
except SystemExit: pass
print("HEAVY", [m for m in {heavy!r} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_two_examples_and_json(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None and command.help
    assert command.help.count(f"stemwright {name}") >= 2
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        words = {word for parameter in leaf.params for word in parameter.opts}
        assert {"--json", "--quiet", "--verbose"} <= words, leaf.name


def test_settings_are_called_as_flags() -> None:
    """What `--format` sets is `format` in a settings file and STEMWRIGHT_AUDIT_FORMAT in the environment."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        for option in command.params if command else ():
            flags = [flag.removeprefix("--").replace("-", "_") for flag in (*option.opts, *option.secondary_opts)]
            assert isinstance(option, click.Argument) or option.name in flags, f"{name}: {flags}"


def test_commands_are_short() -> None:
    """A command is at most 40 lines over the library; a group of commands may hold several."""
    for path in (REPOSITORY / "src/stemwright/cli/commands").glob("[!_]*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 48 * text.count("def "), path.name


def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "prep", "--nonsense")[0] == 2
    assert run(capsys, "prep")[0] == 2
    assert run(capsys, "prep", "--demo", "song.wav")[0] == 2
    assert run(capsys, "split", "x.wav", "--only", "vocals", "--without", "drums")[0] == 2


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        ("adit {0}", "audit"),
        ("audit {0} --profile protool", "protools"),
        ("audit {0} --format junt", "junit"),
        ("audit {0} --select LVX", "LVL"),
        ("fix {0} --profile netflx", "netflix"),
        ("prep {0} --to repaer", "reaper"),
        ("prep {0} --notes mix-engineers", "mix-engineer"),
        ("session {0} --layout mixengineer", "mix-engineer"),
        ("notes {0} --template mix_engineer", "mix-engineer"),
        ("split {0}/Song_Drums.wav --preset 4_track", "4_tracks"),
        ("split {0}/Song_Drums.wav --model htdemux", "htdemucs"),
        ("rule LVL01", "LVL001"),
        ("session verfy {0}/S.rpp", "verify"),
        ("session verfy", "verify"),
    ],
)
def test_a_name_that_nothing_bears_is_wrong_usage(
    argv: str, meant: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run(capsys, *argv.format(folder).split(), "--progress", "none")
    assert (code, out) == (2, "") and f"did you mean '{meant}'?" in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "argv",
    [
        *(f"{command} {{0}} --{flag}" for command in ("prep", "session", "notes") for flag in ("key Q", "bpm-range 9")),
        "prep {0} --bpm-range 140-70",
        "prep {0} --effects Kazoo=delay",
        "audit {0} --report x.nope",
        "audit {0} --select LVL --ignore LVL",
        "split {0}/Song_Drums.wav --prompt guitar",
        "split {0}/Song_Drums.wav --selection 900:1000",
        "bench split --rows nope",
        "watch {0} --bpm-range fast",
    ],
)
def test_a_value_that_cannot_be_is_wrong_usage(argv: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    code, out, err = run(capsys, *argv.format(folder).split(), "--progress", "none")
    assert (code, out) == (2, "") and "help: " in err


def test_short_steps_show_no_percentage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from stemwright.cli import output
    from stemwright.model import Progress

    clock = iter([0.0, 0.0, 0.5, 0.6, 10.0, 16.0, 20.0])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
    draw, _ = output._plain()
    for step, done in (("read", 0), ("read", 2), ("split", 1), ("split", 3), ("split", 6), ("split", 8)):
        draw(Progress(step, done, 8 if step == "split" else 2))
    assert capsys.readouterr().err.splitlines() == ["read", "split", "split 38%", "split 75%", "split 100%"]


def test_a_file_without_a_command_is_told_what_to_say(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    song = write_wav(tmp_path / "notes.wav", tone(100))
    code, _, err = run(capsys, song)
    assert code == 2 and f"`stemwright prep {song}`" in err and "did you mean" not in err


def test_help_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    words = "".join(run(capsys, "prep", "--help")[1].split())  # lines may break within a name
    for names in (formats(), *map(resources.names, ("profiles", "sessions"))):
        assert f"Known:{','.join(names)}." in words


@pytest.mark.parametrize("command", ["prep", "split", "audit", "session", "notes"])
def test_missing_input_is_one_line_and_a_hint(command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, command, tmp_path / "nowhere")
    assert (code, out) == (1, "")
    first, second = err.strip().splitlines()[-2:]
    assert first.startswith("error: ") and "no such file or folder" in first
    assert second.startswith("  help: ")


def test_errors_are_json_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = run_json(capsys, "audit", tmp_path / "nowhere")
    assert code == 1 and document["ok"] is False and document["schema"] == "stemwright.error/1"


def test_audit_exit_codes_follow_fail_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder with a warning only: fine by default, 1 with --fail-on warning."""
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    (folder / "notes.txt").write_text("notes", encoding="utf-8")
    write_wav(folder / "Song_Keys two.wav", tone(200))  # a space in the name
    code, document = run_json(capsys, "audit", folder)
    result = document["result"]
    assert code == 0 and document["ok"] is True
    assert isinstance(result, dict) and "NAM002" in {finding["rule"] for finding in result["findings"]}
    assert run(capsys, "audit", folder, "--fail-on", "warning")[0] == 1
    assert run(capsys, "audit", folder, "--fail-on", "warning", "--select", "NAM", "--ignore", "NAM002")[0] == 0
    assert run(capsys, "audit", folder, "--fail-on", "never", "--select", "NAM002")[0] == 0
    assert run(capsys, "audit", folder, "--select", "XYZ")[0] == 2


def test_text_named_wav_is_a_finding_for_audit_and_an_error_for_prep(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_stems(tmp_path / "S", {"Drums": tone(100)}, 48_000)
    (folder / "Song_Vocals.wav").write_text("not audio at all, just words", encoding="utf-8")
    code, document = run_json(capsys, "audit", folder)
    assert code == 1 and "INT002" in json.dumps(document["result"])
    code, _, err = run(capsys, "prep", folder / "Song_Vocals.wav")
    assert code == 1 and "really audio" in err
    assert run(capsys, "prep", folder)[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["S"]


def test_folder_of_text_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    for command in ("prep", "audit", "session", "notes"):
        code, _, err = run(capsys, command, tmp_path)
        assert code == 1 and "holds no audio files" in err, command


def test_stems_one_level_down_are_pointed_at(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("Stems", "Old"):
        write_stems(tmp_path / "tree" / name, {"Drums": tone(100)}, 48_000)
    assert f"give one of {tmp_path}/tree/Old, {tmp_path}/tree/Stems" in run(capsys, "audit", tmp_path / "tree")[2]
    (tmp_path / "tree" / "Old").rename(tmp_path / "Old")
    assert f"the stems lie in {tmp_path}/tree/Stems: give that folder" in run(capsys, "audit", tmp_path / "tree")[2]


def test_findings_say_where_and_a_hot_stem_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    hot = tone(100, 20.0)
    for second in (1, 2.5, 4, 9, 12):
        hot[:, int(second * 48_000) : int(second * 48_000) + 5] = 1.0
    folder = write_stems(tmp_path / "S", {"Drums": hot, "Bass": tone(60, 20.0)}, 48_000)
    out = run(capsys, "audit", folder, "--select", "CLP,LVL")[1]
    [clipped] = [line for line in out.splitlines() if "Song_Drums" in line]
    assert clipped.startswith("error   CLP001  Song_Drums.wav: is clipped at full scale in ")
    assert "(0:01.000, 0:02.500, 0:04.000 and 2 more); see also LVL003 (" in clipped
    assert " dBTP), LVL001 (0.00 dBFS), LVL004 (" in clipped
    longer = run(capsys, "audit", folder, "--select", "CLP,LVL", "-v")[1]
    assert "0:09.000 and 0:12.000)" in longer and "LVL001  Song_Drums.wav: peaks at 0.00 dBFS" in longer
    document = run_json(capsys, "audit", folder, "--select", "CLP,LVL")[1]["result"]
    assert {"CLP001", "LVL001"} <= {f["rule"] for f in document["findings"] if f["subject"] == "Song_Drums.wav"}  # type: ignore[index]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_watching_tells_what_changed_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    argv = [sys.executable, "-m", "stemwright", "audit", str(folder), "--watch", "--select", "NAM002,PKG005"]
    said: list[str] = []

    def wait_for(text: str) -> None:
        assert process.stderr is not None
        while not said or text not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said

    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        wait_for("watching")
        write_wav(folder / "Song_Keys two.wav", tone(200))
        wait_for("new:")
        (folder / "Song_Keys two.wav").unlink()
        wait_for("gone:")
        wait_for("watching")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    told = "".join(said)
    assert re.search(r"^\d\d:\d\d:\d\d  Song_Keys two\.wav is new$", told, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d  new: NAM002  Song_Keys two\.wav: ", told, re.MULTILINE)
    assert "Song_Keys two.wav is gone" in told and "gone: NAM002  Song_Keys two.wav" in told
    assert process.returncode == 0 and "interrupted" not in told + err and "Traceback" not in err


def test_rule_explains_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "rule", "LVL001")
    assert code == 0 and "Why the mix engineer cares" in out
    assert "LVL001" in run(capsys, "rule")[1]
    assert run(capsys, "rule", "ZZZ999")[0] == 2


def test_settings_files_and_environment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stemwright.toml").write_text('[audit]\nfail_on = "warning"\n', encoding="utf-8")
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass drum": tone(60)}, 48_000)
    assert run(capsys, "audit", folder)[0] == 1
    assert run(capsys, "audit", folder, "--fail-on", "never")[0] == 0
    monkeypatch.setenv("STEMWRIGHT_AUDIT_FAIL_ON", "never")
    assert run(capsys, "audit", folder)[0] == 0
    out = run(capsys, "config", "show")[1]
    assert "audit.fail_on = 'never'  (STEMWRIGHT_AUDIT_FAIL_ON)" in out and "prep.quality = 'good'  (default)" in out
    monkeypatch.delenv("STEMWRIGHT_AUDIT_FAIL_ON")
    assert f"audit.fail_on = 'warning'  ({tmp_path / 'stemwright.toml'})" in run(capsys, "config", "show")[1]
    (tmp_path / "stemwright.toml").write_text("[audit]\nfial_on = 1\n", encoding="utf-8")
    code, _, err = run(capsys, "audit", folder)
    assert code == 1 and "there is no setting [audit] fial_on" in err
    (tmp_path / "stemwright.toml").write_text("[audit\n", encoding="utf-8")
    assert run(capsys, "audit", folder)[0] == 1


def test_session_and_notes_do_not_overwrite(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "Song_120_Am", pulse_song(3.0))
    code, document = run_json(capsys, "session", folder, "--to", "reaper", "--dry-run")
    assert code == 0 and not list(folder.glob("*.[rR][pP][pP]"))
    code, document = run_json(capsys, "session", folder, "--to", "reaper,midi")
    assert code == 0
    for output in document["outputs"]:  # type: ignore[attr-defined]
        assert Path(output["path"]).is_file()
    code, _, err = run(capsys, "session", folder, "--to", "reaper")
    assert code == 1 and "--force" in err
    assert run(capsys, "session", folder, "--to", "reaper", "--force")[0] == 0
    assert run(capsys, "session", folder, "--to", "cassette")[0] == 2
    assert run(capsys, "notes", folder)[0] == 0
    assert "120" in (folder / "Song_120_Am_notes.txt").read_text(encoding="utf-8")
    assert run(capsys, "notes", folder)[0] == 1


def test_piped_output_is_plain_and_quiet_is_silent(tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    argv = [sys.executable, "-m", "stemwright", "audit", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "\x1b" not in done.stdout + done.stderr and "audio files" in done.stdout
    done = subprocess.run([*argv, "-q", "--fail-on", "never"], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    done = subprocess.run([*argv, "--progress", "json", "--json"], capture_output=True, text=True, check=False)
    json.loads(done.stdout)
    assert all(json.loads(line)["schema"] == "stemwright.progress/1" for line in done.stderr.splitlines())


def test_audit_works_without_torch(tmp_path: Path) -> None:
    """With the optional packages missing, audit still works, split says what to install."""
    write_stems(tmp_path / "S", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    hook = """
import sys
sys.modules.update(dict.fromkeys(("torch", "demucs", "onnx", "safetensors")))
from stemwright.cli import main
main(sys.argv[1:])
"""
    base = [sys.executable, "-c", hook]
    done = subprocess.run([*base, "audit", str(tmp_path / "S")], capture_output=True, text=True, check=False)
    assert "audio files" in done.stdout and "Traceback" not in done.stderr
    song = str(tmp_path / "S" / "Song_Drums.wav")
    done = subprocess.run([*base, "split", song], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "pip install 'stemwright[split]'" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_exits_130(tmp_path: Path) -> None:
    """An interrupt in the middle of a long measurement: one line, 130, nothing written."""
    noise = tone(100, 240.0)
    folder = write_stems(tmp_path / "S", {"Drums": noise, "Bass": noise, "Keys": noise}, 48_000)
    before = sorted(folder.iterdir())
    argv = [sys.executable, "-m", "stemwright", "prep", str(folder), "--progress", "plain"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err
    assert sorted(folder.iterdir()) == before


def test_a_name_is_printed_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("[bold]Kick :drum: [/]")
    assert capsys.readouterr().out == "[bold]Kick :drum: [/]\n"


def test_verbose_times_the_steps(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "Song_120_Am", pulse_song(3.0))
    assert "took" not in run(capsys, "audit", folder, "--progress", "none")[2]
    err = run(capsys, "prep", folder, "-v", "--progress", "none", "--to", "midi")[2]
    assert "stems took" in err and "audit took" in err


def test_unexpected_errors_are_one_line_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stemwright.workflows import audit

    monkeypatch.setattr(audit, "read_stems", lambda folder: 1 / 0)
    code, _, err = run(capsys, "audit", tmp_path)
    assert code == 1 and "unexpected ZeroDivisionError" in err and "Traceback" not in err
    assert "Traceback" in run(capsys, "audit", tmp_path, "-vv")[2]
