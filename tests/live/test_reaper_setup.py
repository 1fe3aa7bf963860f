"""REAPER's own files are changed only when asked for, are kept, and come back; the report names nothing private."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright import live
from stemwright.errors import AlreadyThere, HostError, NotFoundInput
from stemwright.live import Asked
from stemwright.workflows import live as work
from support import finish, tone, write_wav

reapy_config = pytest.importorskip("reapy.config.config")
REAPER = live.host("reaper")
INI = "[REAPER]\nlastproject=/home/me/My Song.rpp\ncsurf_cnt=1\ncsurf_0=OSC\n"
KEYS = "KEY 1 65 40001 0"  # without an end of line, as an editor may leave it


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A resource folder of a REAPER that does not run."""
    (tmp_path / "reaper.ini").write_text(INI)
    (tmp_path / "reaper-kb.ini").write_text(KEYS)
    monkeypatch.setattr(reapy_config, "get_python_shared_library", lambda: "/usr/lib/libpython3.11.so")
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.ini")}


def test_steps_change_nothing(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    told = REAPER.setup(False, folder)
    assert told.done == ()
    assert any("2307" in step and str(folder) in step and "reaper-kb.ini" in step for step in told.steps)
    assert sorted(folder.rglob("*")) == before


def test_write(folder: Path) -> None:
    told = REAPER.setup(True, folder)
    now = files(folder)
    assert "lastproject=/home/me/My Song.rpp" in now["reaper.ini"]
    assert "csurf_0=OSC" in now["reaper.ini"]
    assert "csurf_1=HTTP 0 2307" in now["reaper.ini"]
    assert "pythonlibdll64=libpython3.11.so" in now["reaper.ini"]
    first, second = now["reaper-kb.ini"].splitlines()
    assert first == KEYS
    assert second.startswith("SCR 4 0 RS")
    assert second.endswith("activate_reapy_server.py")
    assert "activate_reapy_server=" in now["reaper-extstate.ini"]
    assert (folder / "reaper.ini.before-stemwright-1").read_text() == INI
    assert (folder / "reaper-kb.ini.before-stemwright-1").read_text() == KEYS
    scripts = {path.name for path in (folder / "Scripts" / "stemwright").iterdir()}
    assert {"Audit stems.lua", "Send to mix engineer.lua", "stemwright.lua"} == scripts
    assert {output.path.name for output in told.outputs} == scripts
    REAPER.setup(True, folder)
    assert files(folder) == now
    assert (folder / "reaper.ini.before-stemwright-1").read_text() == INI


def test_what_reapy_cannot_do_is_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(folder)
    monkeypatch.setattr(reapy_config, "set_ext_state", lambda *_: {}["gone"])
    with pytest.raises(HostError, match="its files are as they were"):
        REAPER.setup(True, folder)
    assert files(folder) == before


def test_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(folder)
    with pytest.raises(NotFoundInput, match="no resource folder"):
        REAPER.setup(True, tmp_path / "elsewhere")
    monkeypatch.setattr("reapy.config.resource_path.get_reaper_process_path", lambda: "/opt/REAPER/reaper")
    with pytest.raises(HostError, match="REAPER is running"):
        REAPER.setup(True, folder)
    assert files(folder) == before


def test_doctor(fake_reaper: Callable, tmp_path: Path) -> None:
    media = write_wav(tmp_path / "Secret Vocal.wav", tone(440, 1.0))
    fake = fake_reaper(
        projects=[
            {"path": "/home/me/My Song.rpp", "tracks": [{"name": "Secret Vocal", "items": [{"file": str(media)}]}]}
        ]
    )
    before = fake.state()["projects"]
    report = tmp_path / "report.txt"
    examined = finish(work.doctor("reaper", Asked(fake.port), report)).result
    assert examined.ok, examined
    text = report.read_text()
    assert "[x] REAPER: 7.41/linux-x86_64" in text
    assert "[x] all functions of export: yes" in text
    for private in ("Secret", "My Song", "/home", str(tmp_path), "Renders"):
        assert private not in text
    assert fake.state()["projects"] == before
    with pytest.raises(AlreadyThere):
        finish(work.doctor("reaper", Asked(fake.port), report))


def test_doctor_of_an_incomplete_reaper(fake_reaper: Callable, tmp_path: Path) -> None:
    fake = fake_reaper(missing=["SetTempoTimeSigMarker"], fail={"GetProjectLength": 1})
    examined = finish(work.doctor("reaper", Asked(fake.port), tmp_path / "report.txt")).result
    wrong = {check.what: check.told for check in examined.checks if not check.ok}
    assert wrong["all functions of build"] == "missing: SetTempoTimeSigMarker"
    assert "refused GetProjectLength" in wrong["REAPER answers all that it is asked"]


def test_doctor_without_reaper(tmp_path: Path) -> None:
    examined = finish(work.doctor("reaper", Asked(1), tmp_path / "report.txt")).result
    assert not examined.ok
    assert (
        "[ ] REAPER answers all that it is asked: no REAPER answers on port 1" in (tmp_path / "report.txt").read_text()
    )


def test_doctor_leaves_out_what_a_host_says(fake_reaper: Callable, tmp_path: Path) -> None:
    fake = fake_reaper(fail={"GetMasterTrack": 1}, error="cannot read /home/me/My Song.wav: gone")
    finish(work.doctor("reaper", Asked(fake.port), tmp_path / "report.txt"))
    text = (tmp_path / "report.txt").read_text()
    assert "REAPER refused GetMasterTrack; see REAPER" in text
    assert "Song" not in text


STUB = """
local said = {}
reaper = {
  GetOS = function() return %(system)s end,
  GetSetProjectInfo_String = function() return true, %(targets)s end,
  GetUserInputs = function(title, count, captions, guess) return %(ok)s, guess end,
  ClearConsole = function() end,
  ShowConsoleMsg = function(text) io.write(text) end,
  ExecProcess = function(line, limit) return "0\\r\\n" .. line end,
}
dofile(%(script)s)
"""


@pytest.fixture
def run_lua(tmp_path: Path) -> Callable[..., str]:
    """Runs an action in the real Lua with a stub of REAPER's functions and returns what it shows."""
    import shutil

    lua = shutil.which("lua5.4") or shutil.which("lua")
    if not lua:
        pytest.skip("no Lua here")
    program = tmp_path / "it's a program"
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n')
    program.chmod(0o755)
    scripts = Path(__file__).parents[2] / "templates" / "reaper"
    for script in scripts.iterdir():
        text = script.read_text().replace('PROGRAM = "stemwright"', f"PROGRAM = [==[{program}]==]")
        (tmp_path / script.name).write_text(text)

    def run(script: str, targets: str, system: str = "Other", ok: bool = True) -> str:
        quoted = {
            "script": f"[==[{tmp_path / script}]==]",
            "targets": f"[==[{targets}]==]",
            "system": f"[==[{system}]==]",
        }
        stub = tmp_path / "stub.lua"
        stub.write_text(STUB % {**quoted, "ok": str(ok).lower()})
        done = subprocess.run([lua, stub], capture_output=True, text=True, check=True, timeout=30)
        return done.stdout

    return run


HARD = '/Mu sic/it\'s "50%" $HOME `id` &|\\ ü'


@pytest.mark.parametrize(
    ("script", "words"),
    [("Audit stems.lua", ["audit"]), ("Send to mix engineer.lua", ["prep", "--pack"])],
)
def test_actions_pass_any_path_to_the_program(run_lua: Callable, script: str, words: list[str]) -> None:
    shown = run_lua(script, f"{HARD}/Kick.wav;{HARD}/Snare.wav")
    assert shown.splitlines() == [f"[{word}]" for word in (*words, "--progress", "none", "--", HARD)]


@pytest.mark.parametrize("folder", ["C:\\Mu sic\\Stems", 'C:\\a "b" c\\\\', "D:\\50% & ^x"])
def test_actions_quote_for_windows(run_lua: Callable, tmp_path: Path, folder: str) -> None:
    line = run_lua("Audit stems.lua", f"{folder}\\Kick.wav", "Win64").strip()
    everything = [str(tmp_path / "it's a program"), "audit", "--progress", "none", "--", folder]
    assert taken_apart(line) == everything


def taken_apart(line: str) -> list[str]:
    """A command line as Microsoft's CommandLineToArgvW takes it apart."""
    words, word, inside, started, at = [], "", False, False, 0
    while at < len(line):
        slashes = len(line[at:]) - len(line[at:].lstrip("\\"))
        at += slashes
        quote = line[at : at + 1] == '"'
        word += "\\" * (slashes // 2 if quote else slashes)
        started = started or slashes > 0
        if quote and slashes % 2:
            word += '"'
        elif quote:
            inside, started = not inside, True
        elif line[at : at + 1] == " " and not inside:
            words += [word] if started else []
            word, started = "", False
        else:
            word += line[at : at + 1]
            started = True
        at += 1
    return [*words, word] if started else words


def test_a_cancelled_action_does_nothing(run_lua: Callable) -> None:
    assert run_lua("Audit stems.lua", "/Stems/Kick.wav", ok=False) == ""
