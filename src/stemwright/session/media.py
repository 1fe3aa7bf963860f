"""The media that a session file names: found beside it or in folders that the user allows, never elsewhere.

A session file comes from somebody else. What it says about places on his machine is a hint at names, so an absolute
path, a `file:` URL or `C:\\Users\\...` is looked up by its last parts inside the session's own folder and the allowed
roots. Nothing outside of them is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from stemwright.audio.probe import probe
from stemwright.errors import InputError, OutputError
from stemwright.model import AudioFile, AudioFormat
from stemwright.safety import safe_join

Roots = tuple[Path, ...]
"""Folders in which media may be looked up: that of the session file first."""

_USUAL = ("", "Media", "Audio Files", "Audio", "Samples/Imported")
"""Where sessions keep media, below a root."""


def find_media(name: str, roots: Roots) -> Path | None:
    """The file that a session means by `name` (a path of any system or a `file:` URL); None when no root has it."""
    parts = _parts(name)
    wanted = [parts[-keep:] for keep in (len(parts), 2, 1) if 0 < keep <= len(parts)]
    for root in roots:
        for tail in wanted:
            for folder in _USUAL:
                with suppress(InputError, OSError):
                    path = safe_join(root, str(PurePosixPath(folder, *tail)))
                    if path.is_file():
                        return path
    return None


def read_media(name: str, roots: Roots, *, sample_rate: int, frames: int, channels: int = 2) -> tuple[AudioFile, str]:
    """The facts of a named file, and a warning, empty when all is well.

    A missing or unreadable file is stood for by one of `frames` frames and of the given format at the place where it
    should be, so that the session around it can still be read, compared and written.
    """
    path = find_media(name, roots)
    try:
        if path:
            return probe(path), ""
        reason = f"{_parts(name)[-1] if _parts(name) else repr(name)}: is not beside the session"
    except (InputError, OutputError) as error:
        reason = error.message
    should = path or roots[0] / PurePosixPath(*_parts(name)[-1:] or ["unnamed"])
    form = AudioFormat(should.suffix[1:].lower() or "wav", "pcm", 24, sample_rate, channels)
    return AudioFile(should, form, frames), reason


def relative(path: Path, base: Path) -> str:
    """How a session in `base` names a medium: relative, with forward slashes; absolute only on another drive."""
    try:
        return Path(os.path.relpath(path, base)).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _parts(name: str) -> list[str]:
    if name.lower().startswith("file:"):
        with suppress(ValueError):  # a bracket that is no address
            name = unquote(urlsplit(name).path)
    return list(_plain(name.replace("\\", "/")))


def _plain(name: str) -> Iterator[str]:
    """Path parts below any root, without drive letters, `.` and `..`."""
    for part in name.split("/"):
        if part.strip() not in ("", ".", "..") and not (len(part) == 2 and part[1] == ":") and "\0" not in part:
            yield part
