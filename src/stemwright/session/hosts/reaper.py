"""REAPER: `-renderproject` renders a project with the render settings that stand in it, then quits.

So the copy asks for its whole length at its own rate, without a tail, in 32-bit float, under an absolute name. Lines
end with CR LF, as REAPER writes them everywhere. REAPER has its own settings and licence from its user.
Sources: REAPER's command line help; the state chunk definitions of ReaTeam; public render scripts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

from stemwright.errors import NotFoundInput, SessionError
from stemwright.model import Session
from stemwright.safety import child
from stemwright.session.formats.reaper.chunks import quote, split
from stemwright.session.hosts import link
from stemwright.session.media import Roots, find_media

NAME = "REAPER"
ATTEMPTS = 1

_FLAGS = ("-newinst", "-nosplash", "-noactivate", "-ignoreerrors")

_WAV_FLOAT = "ZXZhdyAAAQ=="
"""RENDER_CFG: "evaw" (WAV), 32-bit float."""


def find(program: str) -> Path:
    """The given executable, or what it names on the PATH or inside a macOS bundle. Raises NotFoundInput."""
    path = Path(program)
    bundled = path / "Contents/MacOS/REAPER"
    found = str(bundled) if bundled.is_file() else shutil.which(program)
    if not found:
        raise NotFoundInput(f"{program}: is no program that can be run", "give the path of REAPER's executable")
    return Path(found).absolute()


def play(
    program: Path, path: Path, session: Session, roots: Roots, folder: Path, out: Path, timeout_s: float
) -> CompletedProcess[bytes]:
    """Render the whole project; see the package. Raises SessionError for a temporary folder REAPER cannot name."""
    project = folder / "session" / "session.rpp"
    project.parent.mkdir()
    if quote(str(out))[1:-1] != str(out):
        raise SessionError(f"{out}: a REAPER project cannot hold this file name", "set TMPDIR to another folder")
    lines = _copied(
        path.read_bytes().decode("utf-8", "surrogateescape"), roots, session.sample_rate, project.parent, out
    )
    project.write_bytes("".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape"))
    return child([program, *_FLAGS, "-renderproject", project], timeout_s=timeout_s, cwd=folder)


def _copied(text: str, roots: Roots, rate: int, home: Path, out: Path) -> Iterator[str]:
    """The lines of a project with our render settings, its media linked into `home`."""
    media: dict[Path, str] = {}
    inside: list[str] = []
    for raw in text.rstrip("\r\n").split("\n"):
        line = raw.strip()
        if line.startswith("<"):
            inside.append(line[1:].partition(" ")[0])
        told = inside[1:2] or [line]
        if not (len(inside) <= 2 and told[0].startswith("RENDER_")):
            yield _linked(line, roots, home, media) if inside[-1:] == ["SOURCE"] else raw.rstrip("\r")
        if inside == ["REAPER_PROJECT"] and line.startswith("<"):
            yield from (
                f"  RENDER_FILE {quote(str(out))}",
                '  RENDER_PATTERN ""',
                f"  RENDER_FMT 0 2 {rate}",
                "  RENDER_RANGE 1 0 0 0 0",
                "  RENDER_STEMS 0",
                "  RENDER_DITHER 0",
                "  <RENDER_CFG",
                f"    {_WAV_FLOAT}",
                "  >",
            )
        if line == ">" and inside:
            inside.pop()


def _linked(line: str, roots: Roots, home: Path, media: dict[Path, str]) -> str:
    words = split(line)
    file = find_media(words[1], roots) if words[:1] == ["FILE"] and words[1:] else None
    if file is None:
        return line
    if file not in media:
        media[file] = f"Media/{len(media) + 1}{file.suffix}"
        link(file, home / media[file])
    return f'FILE "{media[file]}"'
