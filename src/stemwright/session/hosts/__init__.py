"""Real DAWs that render a session, so that ours can be nulled against it.

A host is a module of this package, called like the session format that it opens:
- `NAME`;
- `find(program) -> Path`: its executable, given by the user or looked up. Raises MissingExtra or NotFoundInput;
- `ATTEMPTS`: how often it may crash;
- `play(program, path, session, roots, folder, out, timeout_s) -> CompletedProcess`: renders the session file `path`,
  read as `session`, whose media lie beside it or in `roots`, from frame 0 on to the WAV file `out`. It works on a copy
  in `folder` that reaches the media through links: a DAW writes backups, histories, peaks and headers when it opens a
  session.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np

from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks
from stemwright.errors import InputError, NotFoundInput, SessionError
from stemwright.model import AudioFile, Session
from stemwright.registry import discover
from stemwright.safety import writable
from stemwright.session.media import Roots
from stemwright.session.render import FRAMES, NULL_DBFS, Law, render
from stemwright.units import db

_PATIENCE_S = 180.0
"""For a host to start and to open a session; rendering may take four times as long as the session lasts."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host by the name of its module, and its executable where it is not looked up."""

    name: str
    program: str = ""
    timeout_s: float = 0.0  # of one render; 0 leaves it to the length of the session

    @property
    def title(self) -> str:
        """What people call it."""
        return str(_module(self).NAME)


def require_format(host: Host, path: Path, form: str) -> None:
    """Raise SessionError for a session that a host does not open."""
    if form != host.name:
        raise SessionError(
            f"{path}: is no session that {host.title} opens",
            f"`stemwright session STEMS --to {host.name}` writes one",
        )


def played_residual(
    host: Host, path: Path, read: Session, expected: Session, roots: tuple[Path, ...], law: Law
) -> tuple[float, list[tuple[str, str]]]:
    """Peak of the host's render less ours of `expected`, dBFS, and what is wrong as (planned, found).

    Only the first two channels are compared. Silence may be missing or follow, for a second or up to the last marker,
    where a host ends. Raises as `played` and `render` do.
    """
    with played(host, path, read, roots) as file:
        if file.format.sample_rate != expected.sample_rate:
            return 0.0, [(f"{expected.sample_rate} Hz", f"{file.format.sample_rate} Hz")]
        frames = max(file.frames, expected.frames)
        silence = repeat(np.zeros((2, FRAMES), np.float32))
        theirs = chain(blocks(file, FRAMES), silence)
        peak = 0.0
        for ours, block in zip(render(expected, law, frames), theirs, strict=False):
            n = min(ours.shape[1], block.shape[1])
            heard = np.nan_to_num(block[:2, :n], nan=np.inf, posinf=np.inf, neginf=-np.inf)
            left = np.abs(ours[:, :n] - heard).max(initial=0.0)
            peak = max(peak, float(left), float(np.abs(ours[:, n:]).max(initial=0.0)))
        wrong = []
        second = expected.sample_rate
        longest = max(expected.frames, 0, *(marker.end for marker in read.markers))
        if not expected.frames - second <= file.frames <= longest + second:
            wrong.append((f"{expected.frames} frames", f"{file.frames} frames"))
        if not db(peak) <= NULL_DBFS:
            wrong.append((f"less than {NULL_DBFS:.1f} dBFS left", f"{db(peak):.1f} dBFS"))
        return db(peak), wrong


@contextmanager
def played(host: Host, path: Path, session: Session, roots: tuple[Path, ...] = ()) -> Iterator[AudioFile]:
    """The render of the session file `path`, which was read as `session`; gone when the block ends.

    A host may crash on its way out: it is then run again, and what it left counts only when no run ends well and the
    file is as long as the session.
    Raises MissingExtra and NotFoundInput without the host, SessionError when it fails, takes too long or writes no
    audio, OutputError and DiskFull when there is no room for the copy.
    """
    module = _module(host)
    program = module.find(host.program)
    limit = host.timeout_s or _PATIENCE_S + 4 * session.frames / session.sample_rate
    media = Roots(path.absolute().parent, roots, search=False)
    with TemporaryDirectory(prefix="stemwright-", ignore_cleanup_errors=True) as made:
        kept: AudioFile | None = None
        hung = 0
        for attempt in range(module.ATTEMPTS):
            folder = Path(made) / str(attempt)
            out = folder / "render.wav"
            code, reason = 0, f"did not end within {limit:.0f} s"
            try:
                folder.mkdir()
                done = module.play(program, path, session, media, folder, out, limit)
                code = done.returncode
                reason = f"ended with {code}{_told(done.stderr)}" if code else ""
            except subprocess.TimeoutExpired:
                hung += 1
            except OSError as error:
                if error.filename == str(program):
                    raise NotFoundInput(f"{program}: cannot be run: {error.strerror}", "is it the program?") from error
                raise writable(error, folder) from error
            file = _audio(out)
            if file and (not reason or file.frames == session.frames):
                kept = file
            if not reason or code > 0 or hung > 1:
                break
        if not kept:
            raise SessionError(
                f"{path}: {module.NAME} {reason or 'rendered no audio'}",
                f"open it in {module.NAME} to see what is wrong with it",
            )
        yield kept


def link(file: Path, target: Path) -> None:
    """Let `target`, in the copy of a session, be `file`: a symbolic link, or a copy where the system allows none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(file.absolute())
    except (OSError, NotImplementedError):  # Windows asks for a privilege
        shutil.copyfile(file, target)


def _module(host: Host) -> ModuleType:
    return discover(__name__)[host.name]


def _audio(path: Path) -> AudioFile | None:
    try:
        return probe(path)
    except InputError:
        return None


def _told(stderr: bytes) -> str:
    """The last line of what a program said."""
    lines = stderr.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:200]}" if last else ""
