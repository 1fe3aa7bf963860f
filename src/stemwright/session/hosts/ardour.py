"""Ardour: `ardour7-export` and its like of later versions render the session range through the master bus, headless.

It exits with 0 even when media are missing, plays silence for them, and crashes on its way out in one of five runs
(7.3), so only its audio tells anything. Settings and caches of its own user are left out of it. What it renders is
the session range, which the copy has from frame 0 to the end, and with silence as long as the timecode of the session
start around it, which the copy does without.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from subprocess import CompletedProcess

from stemwright.errors import MissingExtra
from stemwright.model import Session
from stemwright.safety import child
from stemwright.session.formats.ardour.clocks import SUPERCLOCKS
from stemwright.session.hosts import link
from stemwright.session.media import Roots
from stemwright.units import rescale

NAME = "Ardour"
ATTEMPTS = 5

_EXPORT = re.compile(r"ardour(\d+)-export")
_FLAGS = re.compile(rb'(<Source\b[^>]*?\bflags=")[^"]*')
"""What Ardour may do to a source: without "Writable" it opens the file only for reading."""

_OFFSET = re.compile(rb'(<Option\b[^>]*?name="timecode-offset"[^>]*?value=")[^"]*')
_RANGE = re.compile(rb"<Location\b[^>]*IsSessionRange[^>]*>")
_PLACE = re.compile(rb'\b(start|end)="([ab]?)[^"]*"')
"""`a` and superclocks or `b` and ticks since version 7, plain frames before."""


def find(program: str) -> Path:
    """The newest `ardourN-export` of the PATH or of the bundles in /opt. Raises MissingExtra."""
    folders = [Path(folder) for folder in os.get_exec_path()] + list(Path("/opt").glob("Ardour*/bin"))
    found = [Path(program)] if program else [path for folder in folders for path in folder.glob("ardour*-export")]
    versions = {path: int(m[1]) for path in found if (m := _EXPORT.fullmatch(path.name)) and os.access(path, os.X_OK)}
    if not versions:
        raise MissingExtra("Ardour is not installed: there is no ardour7-export or later", "`apt install ardour`")
    return max(versions, key=versions.__getitem__)


def play(
    program: Path, path: Path, session: Session, roots: Roots, folder: Path, out: Path, timeout_s: float
) -> CompletedProcess[bytes]:
    """Render the whole session as 32-bit float; see the package."""
    home = folder / path.absolute().parent.name
    home.mkdir()
    (home / path.name).write_bytes(_copied(path.read_bytes(), session))
    for file in path.parent.glob("interchange/*/*files/*"):  # audiofiles, midifiles
        if file.is_file():
            link(file, home / file.relative_to(path.parent))
    own = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "CACHE")}
    return child([program, "-b", "float", "-o", out, home, path.stem], timeout_s=timeout_s, cwd=folder, env=own)


def _copied(data: bytes, session: Session) -> bytes:
    """The session with sources that are only read, and with the range from 0 to its end."""
    end = f"{session.frames}", f"a{rescale(session.frames, session.sample_rate, SUPERCLOCKS)}"

    def place(found: re.Match[bytes]) -> bytes:
        name, unit = found[1].decode(), bool(found[2])
        return f'{name}="{end[unit] if name == "end" else ("0", "a0")[unit]}"'.encode()

    data = _OFFSET.sub(rb"\g<1>0", _FLAGS.sub(rb"\1", data))
    return _RANGE.sub(lambda found: _PLACE.sub(place, found[0]), data)
