"""Real hosts render a session and are nulled against us: Ardour itself, and stand-ins for what REAPER may do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import soundfile
from session_kit import moving_song, wav

from stemwright.errors import MissingExtra, NotFoundInput, SessionError
from stemwright.model import Clip, Marker, Session, Song, Track
from stemwright.session.formats import ardour as ardour_format
from stemwright.session.formats import read_session, write_session
from stemwright.session.hosts import Host, ardour, played, reaper
from stemwright.session.render import NULL_DBFS, balance
from stemwright.session.verify import verify_session
from support import REPOSITORY, pulse_song, run, write_stems

needs_ardour = pytest.mark.skipif(not shutil.which("ardour7-export"), reason="Ardour 7 is not installed")
posix = pytest.mark.skipif(os.name == "nt", reason="a script is no program there")

REAPER = """
import base64, json, sys
import numpy as np, rpp, soundfile
from pathlib import Path

def one(element, name):
    return element.find(name)[1:]

def floats(element, name):
    return [float(word) for word in one(element, name)]

path = Path(sys.argv[-1])
assert sys.argv[-2] == "-renderproject" and "-newinst" in sys.argv and path.suffix == ".rpp"
data = path.read_bytes()
assert data.count(b"\\n") == data.count(b"\\r\\n")
project = rpp.loads(data.decode().replace("\\r\\n", "\\n"))
rate = int(one(project, "SAMPLERATE")[0])
fmt = one(project, "RENDER_FMT")
assert (fmt[1:], one(project, "RENDER_PATTERN"), one(project, "PANLAW")) == (["2", str(rate)], [""], ["1"])
assert one(project, "RENDER_RANGE")[0] == "1" and one(project, "RENDER_RANGE")[3] == "0"
assert sum((part[0] if isinstance(part, list) else part.tag) in ("RENDER_FILE", "RENDER_CFG") for part in project) == 2
config = base64.b64decode(project.find("RENDER_CFG")[0])
subtype = {0x20: "FLOAT", 0x18: "PCM_24"}[config[4]]
assert config[:4] == b"evaw"

def balance(pan):
    return np.array([[min(1, 1 - pan)], [min(1, 1 + pan)]])

tracks, folders = [], []
for track in project.iterfind("TRACK"):
    tracks.append((track, tuple(folders)))
    step = [int(word) for word in one(track, "ISBUS")]
    if step[0] == 1:
        folders.append(track)
    elif step[1] < 0:
        del folders[step[1]:]
muted = lambda way: any(one(t, "MUTESOLO")[0] != "0" for t in way)
soloed = lambda way: any(one(t, "MUTESOLO")[1] != "0" for t in way)
any_solo = soloed([track for track, _ in tracks])
heard = []
for track, above in tracks:
    way = (track, *above)
    if muted(way) or (any_solo and not soloed(way)):
        continue
    for item in track.iterfind("ITEM"):
        if item.find("SOURCE") is None:
            continue
        at, length, skip, fade_in, fade_out = (
            round(floats(item, name)[place] * rate)
            for name, place in (("POSITION", 0), ("LENGTH", 0), ("SOFFS", 0), ("FADEIN", 1), ("FADEOUT", 1))
        )
        audio, own = soundfile.read(path.parent / one(item.find("SOURCE"), "FILE")[0], always_2d=True)
        assert own == rate
        audio = audio.T[:, skip : skip + length]
        n = np.arange(audio.shape[1])
        audio = audio * floats(item, "VOLPAN")[0] * floats(item, "VOLPAN")[2]
        audio = audio * np.minimum(1, n / max(fade_in, 1)) if fade_in else audio
        audio = audio * np.minimum(1, (length - n) / max(fade_out, 1)) if fade_out else audio
        for t in way:
            volume, pan = floats(t, "VOLPAN")[:2]
            audio = audio * volume * balance(pan)
        heard.append((at + LATE * (not heard), audio))
out = np.zeros((2, max(at + audio.shape[1] for at, audio in heard) + TAIL))
for at, audio in heard:
    out[:, at : at + audio.shape[1]] += audio
soundfile.write(one(project, "RENDER_FILE")[0], out.T, rate, subtype=subtype)
"""


def program(path: Path, source: str, **names: object) -> str:
    """An executable of that Python source, with `names` set in front of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    path.write_text(f"#!{sys.executable}\n{given}{dedent(source)}", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def fake(folder: Path, late: int = 0, tail: int = 0) -> Host:
    """REAPER with PANLAW 1, as far as a session of ours asks it; `late` moves its first item by so many frames."""
    return Host("reaper", program(folder / "bin" / "reaper", REAPER, LATE=late, TAIL=tail))


def tracks(folder: Path, rate: int) -> tuple[Track, ...]:
    """Buses in buses, gains, pans, a mute, fades, offsets; levels that do not clip."""
    mono, stereo, third = (wav(folder / f"{n}.wav", 48_000, c, rate) for n, c in (("A", 1), ("Bb", 2), ("Ccc", 1)))
    return (
        Track("Drums", "drums", is_group=True, gain_db=-9.0, pan=0.3),
        Track("Inner", is_group=True, group="Drums", gain_db=1.5),
        Track("Kick", clips=(Clip(mono, 1000, 30_000, 500, -2.0, 12_000, 9_001),), group="Inner", pan=-0.4),
        Track("Rooms", clips=(Clip(stereo, 0, 40_000),), group="Drums", pan=-0.25),
        Track("Bass", clips=(Clip(third, 2401, 30_000, 7, fade_in=1, fade_out=3),), gain_db=-12.0, pan=1.0),
        Track("Out", clips=(Clip(third, 0, 30_000),), mute=True),
    )


def plan(folder: Path, rate: int = 48_000) -> Session:
    return Session(moving_song(rate), tracks(folder, rate), rate, 50_000, (Marker(0, "Intro"),))


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() + str(path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    } | {str(path): "folder" for path in folder.rglob("*") if path.is_dir()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A REAPER project of `plan`, its media elsewhere."""
    (tmp_path / "stems").mkdir()
    return write_session("reaper", plan(tmp_path / "stems"), tmp_path / "Mix" / "Söng").outputs[0].path


def plan_of(project: Path) -> Session:
    return plan(project.parents[1] / "stems")


@needs_ardour
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_ardour_nulls_against_the_plan_and_changes_nothing(tmp_path: Path, rate: int) -> None:
    planned = plan(tmp_path, rate)
    path = write_session("ardour", planned, tmp_path / "Söng 'x'").outputs[0].path
    before = tree(tmp_path)
    found = verify_session(path, planned, host=Host("ardour"))
    assert found.ok and found.host == "Ardour" and found.residual_dbfs is not None
    assert found.host_residual_dbfs is not None and -200 < found.host_residual_dbfs < NULL_DBFS
    assert tree(tmp_path) == before


@needs_ardour
def test_a_wrong_law_shift_or_plan_is_heard_by_ardour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(tmp_path)
    path = write_session("ardour", planned, tmp_path / "s").outputs[0].path
    law = ardour_format.PAN_LAW
    monkeypatch.setattr(
        ardour_format, "PAN_LAW", replace(law, pan=lambda pan, n: balance.pan(pan, n) * 10 ** (-3 / 20))
    )
    wrong = verify_session(path, host=Host("ardour"))
    assert wrong.host_residual_dbfs is not None and wrong.host_residual_dbfs > -30
    assert [(d.field, d.subject) for d in wrong.differences] == [("audio", "render by Ardour")]
    monkeypatch.setattr(ardour_format, "PAN_LAW", replace(law, last=0))
    fades = verify_session(path, host=Host("ardour")).host_residual_dbfs
    assert fades is not None and -110 < fades < -20  # a fade of 3 frames weighs most


@needs_ardour
def test_ardour_hears_a_missing_medium_and_a_longer_plan(tmp_path: Path) -> None:
    planned = plan(tmp_path)
    path = write_session("ardour", planned, tmp_path / "s").outputs[0].path
    longer = replace(planned, frames=planned.frames + 50_000)
    (told,) = verify_session(path, longer, frozenset({"markers"}), Host("ardour")).differences
    assert (told.planned, told.found) == ("100000 frames", "50000 frames")
    next(path.parent.rglob("Bb.wav")).unlink()
    found = verify_session(path, host=Host("ardour"))
    assert ("Rooms", "missing") in {(d.subject, d.found) for d in found.differences}
    against = verify_session(path, planned, host=Host("ardour"))
    assert against.host_residual_dbfs is not None and against.host_residual_dbfs > -30


@needs_ardour
def test_a_session_range_and_a_timecode_of_their_own_move_nothing(tmp_path: Path) -> None:
    """As in real sessions, whose range begins with the song."""
    planned = plan(tmp_path)
    path = write_session("ardour", planned, tmp_path / "s").outputs[0].path
    text = path.read_text(encoding="utf-8")
    text, count = re.subn(r'start="a0" end="a\d+"', 'start="a5880000" end="a176400000"', text, count=1)
    assert count == 1 and "<Config>" in text
    text = text.replace("<Config>", '<Config><Option name="timecode-offset" value="9600"/>')
    path.write_text(text, encoding="utf-8")
    found = verify_session(path, planned, frozenset({"audio"}), Host("ardour"))
    assert found.ok and found.host_residual_dbfs is not None and found.host_residual_dbfs < NULL_DBFS


@needs_ardour
def test_of_six_channels_ardour_and_we_hear_the_first_two(tmp_path: Path) -> None:
    six = wav(tmp_path / "six.wav", 9600, 6)
    group = Track("G", is_group=True, gain_db=-12.0)
    session = Session(Song("S", 48_000), (group, Track("Six", clips=(Clip(six, 0, 9600),), group="G")), 48_000, 9600)
    path = write_session("ardour", session, tmp_path / "s").outputs[0].path
    found = verify_session(path, session, host=Host("ardour"))
    assert found.ok and found.host_residual_dbfs is not None and found.host_residual_dbfs < NULL_DBFS


@needs_ardour
def test_ardour_says_that_it_cannot_open_a_session(tmp_path: Path) -> None:
    path = write_session("ardour", plan(tmp_path), tmp_path / "s").outputs[0].path
    read = read_session(path).session
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(SessionError, match="Ardour ended with 1: ") as caught, played(Host("ardour"), path, read):
        pass
    assert "open it in Ardour" in caught.value.hint


CRASH = """
import os, shutil, sys
open(LOG, "a").write("run ")
if WHOLE:
    shutil.copy(WHOLE, sys.argv[sys.argv.index("-o") + 1])
os.abort()
"""


@posix
def test_a_crash_counts_only_when_the_audio_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Song("S", 48_000), (Track("T", clips=(Clip(wav(tmp_path / "T.wav"), 0, 4800),)),), 48_000, 4800)
    path = write_session("ardour", session, tmp_path / "s").outputs[0].path
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MissingExtra) as caught, played(Host("ardour"), path, session):
        pass
    assert "apt install ardour" in caught.value.hint
    program(tmp_path / "bin" / "ardour7-export", "raise SystemExit('the older one')")
    for whole, runs in (("T.wav", ardour.ATTEMPTS), ("", ardour.ATTEMPTS), ("short.wav", ardour.ATTEMPTS)):
        wav(tmp_path / "short.wav", 4799)
        log = tmp_path / f"{whole}.log"
        program(tmp_path / "bin" / "ardour10-export", CRASH, LOG=str(log), WHOLE=whole and str(tmp_path / whole))
        if whole == "T.wav":
            with played(Host("ardour"), path, session) as file:
                assert file.frames == 4800
            assert not file.path.exists()
        else:
            with pytest.raises(SessionError, match="Ardour ended with -6"), played(Host("ardour"), path, session):
                pass
        assert log.read_text().split() == ["run"] * runs


@posix
def test_reaper_nulls_against_the_plan_and_changes_nothing(project: Path, tmp_path: Path) -> None:
    host, planned = fake(tmp_path), plan_of(project)
    before = tree(project.parents[1])
    found = verify_session(project, planned, host=host)
    assert found.ok and found.host == "REAPER"
    assert found.host_residual_dbfs is not None and -200 < found.host_residual_dbfs < NULL_DBFS
    assert tree(project.parents[1]) == before


@posix
def test_a_stem_one_frame_late_is_heard(project: Path, tmp_path: Path) -> None:
    found = verify_session(project, plan_of(project), host=fake(tmp_path, late=1))
    assert [d.subject for d in found.differences] == ["render by REAPER"]
    assert found.host_residual_dbfs is not None and found.host_residual_dbfs > -40 and not found.ok


@posix
def test_a_silent_tail_may_last_a_second_or_to_the_last_marker(tmp_path: Path) -> None:
    session = Session(Song("S", 48_000), (Track("T", clips=(Clip(wav(tmp_path / "T.wav"), 0, 4800),)),), 48_000, 4800)
    path = write_session("reaper", session, tmp_path / "s").outputs[0].path
    assert verify_session(path, session, host=fake(tmp_path, tail=48_000)).ok
    (told,) = verify_session(path, session, host=fake(tmp_path, tail=48_001)).differences
    assert (told.planned, told.found) == ("4800 frames", "52801 frames")
    marked = replace(session, markers=(Marker(10_000, "End"),))
    path = write_session("reaper", marked, tmp_path / "s").outputs[0].path
    assert verify_session(path, marked, host=fake(tmp_path, tail=48_001)).ok


@posix
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sys; print('no licence', file=sys.stderr); sys.exit(3)", "REAPER ended with 3: no licence"),
        ("import time; time.sleep(60)", "REAPER did not end within 1 s"),
        ("", "REAPER rendered no audio"),
        ("import os; os.abort()", "REAPER ended with -6"),
    ],
)
def test_a_reaper_that_fails_is_an_error(source: str, told: str, project: Path, tmp_path: Path) -> None:
    host = Host("reaper", program(tmp_path / "r", source), timeout_s=1.0 if "sleep" in source else 30.0)
    with pytest.raises(SessionError, match=told) as caught:
        verify_session(project, host=host)
    assert "open it in REAPER" in caught.value.hint


@posix
def test_a_program_that_is_none(project: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "alien").write_text("#!/nowhere/at/all\n")
    (tmp_path / "alien").chmod(0o755)
    for name in ("gone", "text", "alien"):
        with pytest.raises(NotFoundInput, match=f"{name}: (is no program that can|cannot) be run") as caught:
            verify_session(project, host=Host("reaper", str(tmp_path / name)))
        assert caught.value.hint
    bundle = tmp_path / "REAPER.app"
    inner = program(bundle / "Contents/MacOS/REAPER", "")
    assert reaper.find(str(bundle)) == Path(inner)


@posix
def test_nan_and_another_rate_are_no_null(project: Path, tmp_path: Path) -> None:
    source = """
    import re, sys, soundfile, numpy as np
    out = re.search('RENDER_FILE "(.*)"', open(sys.argv[-1], newline="").read())[1]
    soundfile.write(out, np.full((50000, 2), VALUE), RATE, subtype="FLOAT")
    """
    host = Host("reaper", program(tmp_path / "nan", source.replace("VALUE", "np.nan"), RATE=48_000))
    found = verify_session(project, plan_of(project), host=host)
    assert found.host_residual_dbfs == float("inf") and not found.ok
    program(tmp_path / "nan", source, VALUE=0.0, RATE=44_100)
    (told,) = verify_session(project, plan_of(project), host=host).differences
    assert (told.planned, told.found) == ("48000 Hz", "44100 Hz")


@posix
def test_the_render_settings_and_nothing_else_of_a_project_are_changed(tmp_path: Path) -> None:
    rest = ["  PANLAW 0.5", "  <TRACK", '    NAME "RENDER_FILE"', "    RENDER_ODD 1", "  >", ">"]
    text = ["<REAPER_PROJECT 0.1", '  RENDER_FILE "mine"', "  RENDER_FMT 0 1 0", "  <RENDER_CFG", "    bDNwbQ==", "  >"]
    text += ["  <RENDER_CFG2", "    bDNwbQ==", "  >", *rest]
    made = list(reaper._copied("\n".join(text), (), 44_100, tmp_path, tmp_path / "o.wav"))
    assert made[0] == text[0] and made[-len(rest) :] == rest and "bDNwbQ==" not in str(made)
    assert [line.split()[0] for line in made[1 : -len(rest)]].count("RENDER_FILE") == 1


def test_many_clips_sound_at_once_with_few_files_open(tmp_path: Path) -> None:
    """Found with 1,000 stems: each kept its file open."""
    resource = pytest.importorskip("resource")
    files = [wav(tmp_path / f"{n:03}.wav", 70_000, 1) for n in range(4)]
    band = tuple(Track(f"T{n}", clips=(Clip(files[n % 4], n, 70_000),), gain_db=-60.0) for n in range(300))
    session = Session(Song("S", 48_000), band, 48_000, 71_000)
    from stemwright.session.render import render

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, hard))
    try:
        made = np.concatenate(list(render(session)), axis=1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    expected = np.zeros(71_000)
    for n, track in enumerate(band):
        expected[n : n + 70_000] += soundfile.read(track.clips[0].file.path)[0] * 10**-3
    assert np.allclose(made, expected, rtol=0, atol=1e-12)


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "Song_120_Am", pulse_song(3.0))


@posix
def test_the_command_shows_what_the_host_played(
    capsys: pytest.CaptureFixture[str], stems: Path, tmp_path: Path
) -> None:
    assert run(capsys, "session", stems, "--to", "reaper")[0] == 0
    path = stems / "Song_120_Am.rpp"
    good, late = (fake(tmp_path / name, late) for name, late in (("good", 0), ("late", 1)))
    code, out, _ = run(capsys, "session", "verify", path, "--reaper", good.program)
    assert code == 0 and "render by REAPER -" in out
    code, out, _ = run(capsys, "session", "verify", path, "--reaper", late.program, "--json")
    document = json.loads(out)
    assert (code, document["ok"], document["result"]["host"]) == (1, False, "REAPER")
    assert document["result"]["host_residual_dbfs"] > -60
    assert [d["subject"] for d in document["result"]["differences"]] == ["render by REAPER"]
    code, _, err = run(capsys, "session", "verify", path, "--reaper", tmp_path / "nowhere")
    assert code == 1 and "is no program" in err and "help: " in err
    code, _, err = run(capsys, "session", "verify", path, "--ardour")
    assert code == 1 and "is no session that Ardour opens" in err and "--to ardour" in err
    assert run(capsys, "session", "verify", path, "--ardour", "--reaper", good.program)[0] == 2


@needs_ardour
def test_the_command_lets_ardour_play(capsys: pytest.CaptureFixture[str], stems: Path) -> None:
    assert run(capsys, "session", stems, "--to", "ardour")[0] == 0
    path = next(stems.rglob("*.ardour"))
    code, out, _ = run(capsys, "session", "verify", path, "--ardour")
    assert code == 0 and "render by Ardour -" in out
    assert run(capsys, "session", "verify", path, "--ardour", "--against", stems)[0] == 0


@posix
def test_ctrl_c_ends_the_host_and_its_children(project: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    source = """
    import os, subprocess, sys, time
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open(PIDS + ".new", "w").write(f"{os.getpid()} {other.pid}")
    os.rename(PIDS + ".new", PIDS)
    time.sleep(60)
    """
    argv = [sys.executable, "-m", "stemwright", "session", "verify", project]
    argv += ["--against", project.parents[1] / "stems"]
    argv += ["--reaper", program(tmp_path / "hang", source, PIDS=str(pids))]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        while not pids.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0]
    assert process.returncode == 130, out
    assert list((tmp_path / "tmp").iterdir()) == []
    for pid in map(int, pids.read_text().split()):
        assert _ended(pid)


def _ended(pid: int) -> bool:
    """Whether a process is gone, or waits only to be counted by its parent."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
