"""The media that a session file names: found where its DAW would find them or, on request, by their names.

A session file comes from somebody else and may name any place. A medium is looked for

1. literally, as the DAW does: relative to the session's folder (or to `bases`), or at an absolute path. The file must
   really lie in that folder or one that the user allows, or in the folder above when the name begins with `..`.
   Nothing else is opened, not even through a link;
2. with `search`, for sessions that were moved: in those folders by its last folders and name, then by its name alone,
   then whatever the case of the letters. This is told, and refused where it gives two media one file.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote, urlsplit

from stemwright.audio.probe import probe
from stemwright.errors import InputError, OutputError
from stemwright.model import AudioFile, AudioFormat, Loss, Session
from stemwright.session.told import Told

_PADDED = frozenset({"mp3", "m4a", "mp4", "aac"})
"""Containers of encoders that put silence before the audio (1105 or 2112 frames), which not every decoder removes."""

_USUAL = ("", "Media", "Audio Files", "Audio", "Samples/Imported")
"""Where sessions keep media, below a root."""

_DEEPEST = 4
"""Last parts of a path that a search compares."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the media of one session may lie."""

    home: Path
    """The folder of the session file."""
    allowed: tuple[Path, ...] = ()
    """Folders that the user names."""
    search: bool = True
    bases: tuple[Path, ...] = ()
    """What names are relative to in a format in which that is not `home`."""
    beside: bool = False
    """Whether hosts of the format look beside the session themselves, by last folder and name."""
    taken: dict[Path, list[str]] = field(default_factory=dict)
    """Parts of the names that were read, by their files."""
    listed: dict[Path, dict[str, str]] = field(default_factory=dict)
    """Folders as `_listing` gives them."""


def find_media(name: str, roots: Roots) -> Path | None:
    """The file that a session means by `name` (a path of any system or a `file:` URL); None when there is none."""
    return _literal(name, roots) or (_search(name, roots) if roots.search else None)


def is_rate(rate: float | Fraction) -> bool:
    """Whether it is a sample rate in Hz that audio may have."""
    return 8000 <= rate <= 768_000


def read_media(name: str, roots: Roots, *, sample_rate: int, frames: int, channels: int = 2) -> tuple[AudioFile, str]:
    """The facts of a named file, and a warning, empty when it is where the session says.

    A missing or unreadable file is stood for by one of `frames` frames, of the given format and of no bytes at the
    place that is named, so that the session around it can still be read, compared and written.
    """
    meant, parts = _meant(name, roots), _parts(name)
    shown = parts[-1] if parts else repr(name)
    told = f"{shown}: is not beside the session" if roots.search else f"{name}: is not where the session names it"
    path = _literal(name, roots)
    searched = None if path or not roots.search else _search(name, roots)
    found = path or searched
    if found:
        known = roots.taken.setdefault(found.resolve(), parts)
        if searched and not _same(parts, known):
            told = f"{'/'.join(parts)}: is not there, and {found.name} stands for {'/'.join(known)}"
        else:
            try:
                why = f"{'/'.join(parts)}: is not there, but {relative(found, roots.home)} has its name"
                return probe(found), "" if path else why
            except (InputError, OutputError) as error:
                told, meant = error.message, found
    form = AudioFormat(meant.suffix[1:].lower() or "wav", "pcm", 24, sample_rate, channels)
    return AudioFile(meant, form, frames), told


@dataclass(frozen=True, slots=True)
class Media:
    """The media of one session while it is read: each is looked up once, and told of unless it is there."""

    roots: Roots
    told: Told
    known: dict[str, AudioFile] = field(default_factory=dict)

    def file(self, name: str, sample_rate: int, frames: int, channels: int = 2) -> AudioFile:
        """As `read_media`; what stands for a missing file is as long as the longest piece that is played of it."""
        file = self.known.get(name)
        if file is None or (file.frames < frames and not file.bytes):
            file, warning = read_media(name, self.roots, sample_rate=sample_rate, frames=frames, channels=channels)
            self.known[name] = file
            if warning:
                self.told.tell(warning)
        return file


def relative(path: Path, base: Path) -> str:
    """How a session in `base` names a medium: relative, with forward slashes, from where `base` really is.

    A link to a file is named, not what it leads to. Absolute are paths on another drive or of another machine.
    """
    if not _of_another_machine(path):
        with suppress(ValueError, OSError, RuntimeError):
            return Path(os.path.relpath(path.parent.resolve() / path.name, base.resolve())).as_posix()
        path = path.absolute()
    return path.as_posix()


def foreign(session: Session, takes: frozenset[str], hosts: str) -> Iterator[Loss]:
    """What to tell of media that a session refers to as they are, in containers other than those its hosts take."""
    files = session.files
    for container in dict.fromkeys(file.format.container for file in files):
        names = ", ".join(file.path.name for file in files if file.format.container == container)
        if container in _PADDED:
            reason = f"programs disagree by up to 50 ms on where {container} begins; bounce it to WAV"
            yield Loss(names, "audio", reason)
        elif container not in takes:
            yield Loss(names, "audio", f"{hosts} cannot be trusted to read {container}; bounce it to WAV")


def _literal(name: str, roots: Roots) -> Path | None:
    for text in _spellings(name):
        for base in roots.bases or (roots.home,):
            if found := _inside(base / text, roots, text.startswith(("../", "..\\"))):
                return found
    tails = (_parts(name)[-keep:] for keep in (2, 1)) if roots.beside else ()
    return next(filter(None, (_inside(roots.home.joinpath(*tail), roots) for tail in tails)), None)


def _inside(path: Path, roots: Roots, above: bool = False) -> Path | None:
    """A path, without links in its folder, when it is a file in one of the roots, or in the folder above the first."""
    with suppress(OSError, ValueError, RuntimeError):  # a NUL byte, a name too long, a loop of links
        if path.is_file():
            folders = [folder.resolve() for folder in (roots.home, *roots.bases, *roots.allowed)]
            if above and folders[0].parent != Path(folders[0].anchor):
                folders.append(folders[0].parent)
            if any(path.resolve().is_relative_to(folder) for folder in folders):
                return path.parent.resolve() / path.name
    return None


def _search(name: str, roots: Roots) -> Path | None:
    parts, whole = _parts(name), [[name]] if "\\" in name and "/" not in name else []
    folders = [root / usual for root in (roots.home, *roots.bases, *roots.allowed) for usual in _USUAL]
    tails = [*whole, *(parts[-keep:] for keep in range(min(len(parts), _DEEPEST), 0, -1))]
    exact = (folder.joinpath(*tail) for tail in tails for folder in folders)
    nearly = (path for tail in tails for folder in folders if (path := _in_any_case(folder, tail, roots)))
    return next((found for some in (exact, nearly) for path in some if (found := _inside(path, roots))), None)


def _in_any_case(folder: Path, parts: list[str], roots: Roots) -> Path | None:
    for part in parts:
        if folder not in roots.listed:
            roots.listed[folder] = _listing(folder)
        name = roots.listed[folder].get(_key(part))
        if not name:
            return None
        folder /= name
    return folder


def _listing(folder: Path) -> dict[str, str]:
    """What a folder holds, by `_key`; an empty name where two share it."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for path in folder.iterdir():
            key = _key(path.name)
            found[key] = "" if key in found else path.name
    return found


def _key(name: str) -> str:
    """One for all cases and compositions of letters, as Windows and macOS compare names."""
    return unicodedata.normalize("NFC", name).casefold()


def _same(one: list[str], other: list[str]) -> bool:
    """Whether two names may mean one file: what is known of both is the same."""
    count = min(len(one), len(other))
    return [*map(_key, one[-count:])] == [*map(_key, other[-count:])]


def _spellings(name: str) -> tuple[str, ...]:
    """The paths that a name may be: a backslash separates folders, but is a letter like others on some systems."""
    if name.lower().startswith("file:"):
        with suppress(ValueError):  # a bracket that is no address
            name = unquote(urlsplit(name).path)
            return (name[1:] if PureWindowsPath(name[1:]).drive else name,)
    return (name, name.replace("\\", "/")) if "\\" in name else (name,)


def _parts(name: str) -> list[str]:
    """Path parts below any root, without drive letters, `.` and `..`."""
    parts = _spellings(name)[-1].replace("\\", "/").split("/")
    drive = parts[:1] if len(parts[0]) == 2 and parts[0][1] == ":" else []
    return [part for part in parts[len(drive) :] if part.strip() not in ("", ".", "..") and "\0" not in part]


def _meant(name: str, roots: Roots) -> Path:
    """The place that is named, on whatever machine."""
    text = _spellings(name)[-1].replace("\0", "")
    base = (*roots.bases, roots.home)[0]
    if roots.beside:
        text = "/".join(_parts(name)[-2:])
    path = Path(text) if PureWindowsPath(text).drive else base / text
    return path if _parts(text) and path.name not in ("", "..") else roots.home / "unnamed"


def _of_another_machine(path: Path) -> bool:
    """Whether not even the folder of a user or of a disk, the third part of a path, is there."""
    above = [*path.parents][::-1]
    with suppress(OSError, ValueError):
        if path.exists():
            return False
        if path.is_absolute():
            return not above[min(2, len(above) - 1)].exists()
    return os.name != "nt" and PureWindowsPath(str(path)).is_absolute()
