"""Media taken out of session files that hold their audio: they live as long as the process that reads them.

What must live longer, because a new session refers to it, is copied by `kept`. Folders of processes that were killed
are removed by the next one that unpacks.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from stemwright.errors import AlreadyThere
from stemwright.model import AudioFile, Clip, Session
from stemwright.safety import PART, copy_file, sweep

_folders: list[Path] = []
"""Of this process, the newest last."""


def new_folder() -> Path:
    """An empty folder for the media of one session file; removed when the process ends."""
    if not _folders or not _folders[-1].is_dir():
        base = Path(tempfile.gettempdir())
        sweep(base, deep=False)
        _folders.append(Path(tempfile.mkdtemp(prefix=".stemwright-", suffix=f".{os.getpid()}{PART}", dir=base)))
        atexit.register(shutil.rmtree, _folders[-1], ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=_folders[-1]))


def is_unpacked(file: AudioFile) -> bool:
    """Whether a file goes when the process ends."""
    return any(file.path.is_relative_to(folder) for folder in _folders)


@contextmanager
def kept(session: Session, folder: Path, *, force: bool = False) -> Iterator[tuple[Session, tuple[Path, ...]]]:
    """The session with its unpacked media copied to `folder`, and the copies, for a block that writes the session.

    When the block fails, or is interrupted, the copies go, but for those that replaced something. Raises AlreadyThere
    when the folder holds a file of the same name and `force` is not given, OutputError, DiskFull.
    """
    files = filter(is_unpacked, session.files)
    copies = {file.path: replace(file, path=folder / file.path.name) for file in files}

    def copy_of(clip: Clip) -> Clip:
        return replace(clip, file=copies.get(clip.file.path, clip.file))

    there = next((file.path for file in copies.values() if file.path.exists() and not force), None)
    if there:
        raise AlreadyThere(f"{there}: is there already", "write to another folder")
    fresh = [file.path for file in copies.values() if not file.path.exists()]
    made_folder = bool(copies) and not folder.exists()
    tracks = tuple(replace(track, clips=tuple(map(copy_of, track.clips))) for track in session.tracks)
    try:
        for path, file in copies.items():
            copy_file(path, file.path)
        yield replace(session, tracks=tracks), tuple(file.path for file in copies.values())
    except BaseException:
        for path in fresh:
            path.unlink(missing_ok=True)
        if made_folder:
            with suppress(OSError):
                folder.rmdir()
        raise
