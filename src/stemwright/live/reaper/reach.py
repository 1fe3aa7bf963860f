"""How REAPER is made reachable, and what works of it here.

reapy's own `configure_reaper` edits three of REAPER's files. It keeps one backup of its own; here all three are saved
first, put back when it fails, and it is not run beside a running REAPER, which would write over them.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stemwright import resources
from stemwright.errors import HostError, NotFoundInput
from stemwright.live import Asked, Check, Setup, Wanted, packages
from stemwright.live.reaper.insert import build
from stemwright.live.reaper.link import Reaper, projects, reaper
from stemwright.live.reaper.project import state
from stemwright.live.reaper.rendering import export
from stemwright.live.reaper.wire import reapy_config
from stemwright.model import AudioFile, AudioFormat, Clip, Estimate, Marker, Output, Session, Song, Track
from stemwright.safety import writable, write_text

_FILES = ("reaper.ini", "reaper-kb.ini", "reaper-extstate.ini")
_SAVED = ".before-stemwright"
_ACTIONS = ("Audit stems", "Send to mix engineer")


def setup(confirmed: bool, folder: Path | None = None) -> Setup:
    """The steps to a REAPER that answers; those in REAPER's own files are done when that was confirmed.

    `folder` is REAPER's resource folder (Options > Show REAPER resource path), looked for unless it is given. Raises
    MissingExtra, NotFoundInput without that folder, HostError while REAPER runs or when reapy fails, OutputError.
    """
    config = reapy_config()
    found = folder or config.resource_path.get_resource_path(detect_portable_install=False)
    where = Path(found or "REAPER's resource folder")
    last = (
        "start REAPER; a first start asks whether the firewall may let it listen: only this machine needs to be let in",
        f"in REAPER: Actions > Show action list > New action > Load ReaScript, choose {' and '.join(_ACTIONS)} in "
        f"{where / 'Scripts' / 'stemwright'}",
        "stemwright live reaper doctor",
    )
    if not confirmed:
        by_hand = config.config.get_activate_reapy_server_path()
        return Setup(
            steps=(
                "quit REAPER",
                f"stemwright live reaper setup --write: lets REAPER load Python, adds a web interface on port "
                f"{config.WEB_INTERFACE_PORT} and reapy's action, and copies two actions of ours; that changes "
                f"{', '.join(_FILES)} in {where}{'' if found else ' (give it as --folder: it was not found)'}, and "
                f"keeps each as it was (NAME{_SAVED}-1). Or by hand in REAPER: Preferences > Plug-ins > ReaScript, "
                "enable Python; Preferences > Control/OSC/web, add a web browser interface on port "
                f"{config.WEB_INTERFACE_PORT}; load {by_hand} in the action list, and run it after every start of "
                "REAPER",
                *last,
            )
        )
    if not (where / _FILES[0]).is_file():
        raise NotFoundInput(
            f"{where}: is no resource folder of REAPER",
            "start and quit REAPER once, or give the folder that its Options > Show REAPER resource path opens as "
            "--folder",
        )
    _refuse_running(config)
    try:
        saved = _saved(where)
        _configure(config, where, saved)
        made = tuple(_scripts(where / "Scripts" / "stemwright"))
    except OSError as error:
        raise writable(error, where) from error
    done = [f"REAPER loads Python and reapy; its files as they were: {', '.join(path.name for path in saved.values())}"]
    return Setup((*done, f"{len(made)} scripts copied"), last, tuple(Output(path, "script") for path in made))


def _refuse_running(config: Any) -> None:
    try:
        config.resource_path.get_reaper_process_path()
    except RuntimeError as error:  # reapy tells by its words whether none or several run
        if "No REAPER" in str(error):
            return
    raise HostError("REAPER is running", "quit it first: it would write over what is changed in its files")


def _saved(folder: Path) -> dict[Path, Path]:
    """The user's files as they are now, each copied beside itself; earlier copies stay."""
    saved = {}
    for path in (folder / name for name in _FILES):
        if path.is_file():
            number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}{_SAVED}-{n}").exists())
            saved[path] = path.with_name(f"{path.name}{_SAVED}-{number}")
            shutil.copy2(path, saved[path])
    return saved


def _configure(config: Any, folder: Path, saved: dict[Path, Path]) -> None:
    try:
        _end_line(folder / _FILES[1])  # reapy appends a line without looking, and does not end its own
        config.configure_reaper(str(folder), detect_portable_install=False)
        _end_line(folder / _FILES[1])
    except Exception as error:
        for path in (folder / name for name in _FILES):
            if path in saved:
                shutil.copy2(saved[path], path)
            else:
                path.unlink(missing_ok=True)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HostError(
            f"reapy could not set REAPER up: {reason}; its files are as they were",
            "install Python from python.org, and stemwright[reaper] into it, or do it by hand: leave --write away",
        ) from error


def _end_line(path: Path) -> None:
    if path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")


def _scripts(folder: Path) -> Iterator[Path]:
    """Our actions, which know where this stemwright is: REAPER itself may have another PATH."""
    program = shutil.which(str(Path(sys.executable).with_name("stemwright"))) or shutil.which("stemwright")
    for name in resources.names("reaper", ".lua"):
        text = resources.find("reaper", name, ".lua").read_text(encoding="utf-8")
        if program:
            text = text.replace('local PROGRAM = "stemwright"', f"local PROGRAM = [==[{program}]==]")
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"{name}.lua", text)
        yield folder / f"{name}.lua"


def doctor(link: Reaper) -> Iterator[Check]:
    """What of REAPER answers; nothing in it is changed."""
    yield Check("REAPER", True, link.version)
    given = packages("reapy")
    yield Check("one package gives reapy", len(given) == 1, ", ".join(given))
    yield Check("open projects", True, str(len(projects(link))))
    for action, used in _used().items():
        missing = ", ".join(sorted(function for function in used if not link.knows(function)))
        yield Check(f"all functions of {action}", not missing, missing and f"missing: {missing}")
    read = state(link)
    clips = sum(len(track.clips) for track in read.tracks)
    yield Check("reading the project", True, f"{len(read.tracks)} tracks, {clips} clips, {len(link.calls.made)} calls")
    named = sum(not re.fullmatch(r"(?:marker|region) \d+", marker.name) for marker in read.markers or ())
    yield Check("names of markers", True, f"{named} of {len(read.markers or ())}")
    yield Check("sample rate, Hz", bool(read.sample_rate), str(read.sample_rate))
    yield Check("render settings", bool(read.render.format), str(read.render))


def _used() -> dict[str, set[str]]:
    """The functions that each action calls, as a dry run finds them."""
    file = AudioFile(Path("Kick.wav"), AudioFormat("wav", "pcm", 24, 48_000, 2), 48_000)
    song = Song("Song", 48_000, bpm=Estimate(120.0, 1.0, "user"))
    track = Track("Kick", clips=(Clip(file, 0, 48_000),), colour="#ff0000", comment="dry")
    plan = Session(song, (track,), 48_000, 48_000, (Marker(0, "Bar 1"),))
    actions: dict[str, Callable[[Reaper], object]] = {
        "audit": state,
        "build": lambda link: build(link, plan),
        "export": lambda link: export(link, Wanted(Path("stems"))),
    }
    used = {}
    for action, work in actions.items():
        with reaper(Asked(dry_run=True)) as link:
            work(link)
        used[action] = {call.partition("(")[0] for call in link.calls.made} - {"GET"}
    return used
