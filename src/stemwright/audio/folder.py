"""A folder of stems as a `StemSet`: roles by name, the reference mix recognised, unreadable files kept as facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from stemwright.audio import stated
from stemwright.audio.probe import SUFFIXES, majority_rate, probe
from stemwright.errors import InputError, NotFoundInput
from stemwright.model import AudioFile, Estimate, Song, Stem, StemSet, Unreadable
from stemwright.naming import bpm_and_key_in, guess_role, label, natural, role_order, title_of
from stemwright.safety import PART, readable

MAX_NOTES = 1 << 16
"""Bytes of the notes that are read."""

PUT_AWAY = ("_originals_", "_quarantine")
"""Starts of the names of folders in which a repair in place keeps what it took out."""

_NOTES = ("note", "info", "readme", "session")
_LETTER = re.compile(r"[^\W\d_]")
_TRACK_NUMBER = re.compile(r"^(\d{1,2}|0\d\d)[ ._-]+(?=.*[^\W\d_])")
"""A number in front of a name; `808 Kick` has none."""


def read_stems(folder: Path) -> StemSet:
    """Everything that lies directly in a folder, sorted into stems, mix, unreadable and other files.

    The part that all stem names share ("Song_") is no part of a stem's name. What `notes.toml` states is taken over.
    Raises NotFoundInput when the folder is not there or holds no audio file at all, InputError when it may not be
    read, SettingsError for a wrong `notes.toml`.
    """
    try:
        everything = sorted(path for path in folder.iterdir() if not path.name.endswith(PART))
    except NotADirectoryError:
        raise InputError(f"{folder}: is a file", "give the folder that holds the stems") from None
    except OSError as error:
        raise readable(error, folder) from error
    folders = [path for path in everything if _holds(path, Path.is_dir)]
    audio: list[AudioFile] = []
    others: list[Path] = []
    subfolders, unreadable = _subfolders(folders)
    for path in (path for path in everything if path not in folders):
        if not _promises_audio(path.name):
            others.append(path)
            continue
        try:
            audio.append(probe(path))
        except InputError as error:
            unreadable.append(Unreadable(path, error.kind, error.message.removeprefix(f"{path}: ")))
    if not audio and not unreadable:
        hint = "give the folder that the stems lie in (WAV, AIFF, FLAC, ...)"
        if subfolders:
            some = ", ".join(map(str, subfolders[:3])) + (", ..." if subfolders[3:] else "")
            hint = f"the stems lie in {some}: give that folder" if len(subfolders) == 1 else f"give one of {some}"
        raise NotFoundInput(f"{folder}: holds no audio files", hint)
    stems, mix, other_mixes = _sort(tuple(audio))
    rate = majority_rate(tuple(audio)) if audio else 48_000
    noted = stated.read(folder)
    found = StemSet(
        stated.told(_song(folder, rate, (*stems, *((mix,) if mix else ()))), noted),
        stems,
        mix,
        folder,
        "",
        tuple(unreadable),
        tuple(subfolders),
        tuple(others),
        tuple(path for path in everything if _holds(path, Path.is_symlink)),
        _notes(others),
        other_mixes=other_mixes,
    )
    return stated.spoken_of(found, noted)


def require_readable(stems: StemSet) -> None:
    """Raises InputError for a set with a file that cannot be read."""
    for bad in stems.unreadable:
        hint = "mend or remove it first; `stemwright audit` lists all that is wrong"
        raise InputError(f"{bad.path}: {bad.reason}", hint)


def _promises_audio(name: str) -> bool:
    """Whether a file is to be read as audio, or stands for audio that is still in iCloud (".Kick.wav.icloud")."""
    if name.startswith(".") and name.endswith(".icloud"):
        name = name[1:].removesuffix(".icloud")
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _holds(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except OSError:  # no permission
        return False


def _subfolders(folders: list[Path]) -> tuple[list[Path], list[Unreadable]]:
    """Folders that hold audio, not those that sessions keep their media in; and those that may not be looked into."""
    found, locked = [], []
    for inner in folders:
        try:
            audio = any(path.suffix.lower() in SUFFIXES for path in inner.iterdir())
        except OSError as error:
            if not inner.name.startswith("."):
                locked.append(Unreadable(inner, "locked", f"is a folder: {error.strerror or error}"))
            continue
        if audio and inner.name not in ("Audio Files", "Media") and not inner.name.startswith((".", *PUT_AWAY)):
            found.append(inner)
    return found, locked


def _notes(others: list[Path]) -> str:
    """The text of the file that is most likely the notes; empty when there is none or it is no text."""
    texts = [path for path in others if path.suffix.lower() in (".txt", ".md") and not path.name.startswith((".", "_"))]
    texts.sort(key=lambda path: not any(word in path.name.lower() for word in _NOTES))
    for path in texts:
        try:
            if not path.is_file():  # a pipe would never end
                continue
            with path.open("rb") as file:
                data = file.read(MAX_NOTES)
        except OSError:
            continue
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16", "replace")
        if b"\0" not in data:
            return data.decode("utf-8-sig", "replace")
    return ""


def stem_names(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Track names for files: their names without track number and without the beginning that all share.

    That beginning ends at `_`, `-` or a space, and never takes the last letter of a name: `Vox_1`, `Vox_2` stay. Where
    two names would become the same, they keep their numbers.
    """
    stems = [path.stem for path in paths]
    bare = [_TRACK_NUMBER.sub("", stem) for stem in stems]
    bare = [_TRACK_NUMBER.sub("", name) for name in _without_shared_start(bare)]
    names = bare if len(set(bare)) == len(bare) else _without_shared_start(stems)
    return tuple(name.replace("_", " ").strip(" -") or stem for name, stem in zip(names, stems, strict=True))


def noted_names(paths: tuple[Path, ...]) -> dict[str, str]:
    """File name -> the name under which a `notes.toml` tells of it: the track's, while no other has that."""
    names = stem_names(paths)
    count = Counter(name.casefold() for name in names)
    return {
        path.name: name if count[name.casefold()] == 1 else path.name for path, name in zip(paths, names, strict=True)
    }


def _without_shared_start(names: list[str]) -> list[str]:
    starts = [match.end() for match in re.finditer("[_ -]", min(names, default=""))]
    for end in reversed(starts if len(names) > 1 else []):
        shared = all(name[:end] == names[0][:end] for name in names)
        if shared and all(_LETTER.search(name[end:]) for name in names):
            return [name[end:] for name in names]
    return names


def _sort(files: tuple[AudioFile, ...]) -> tuple[tuple[Stem, ...], Stem | None, tuple[Stem, ...]]:
    """Stems, the reference mix (of several the first that is as long as most stems) and further mixes."""
    names = stem_names(tuple(file.path for file in files))
    found = [Stem(file, guess_role(name), name) for file, name in zip(files, names, strict=True)]
    mixes = [stem for stem in found if stem.role == "mix"] if len(found) > 1 else []
    if len(mixes) == len(found):  # one mix, and stems with names like mixes
        mixes = mixes[:1]
    stems = sorted((stem for stem in found if stem not in mixes), key=lambda s: (role_order(s.role), natural(s.name)))
    lengths = Counter(stem.file.frames for stem in stems).most_common(1)
    mixes.sort(key=lambda mix: mix.file.frames != lengths[0][0])  # stable: else the first
    mix = Stem(mixes[0].file, "mix", label("mix")) if mixes else None
    return tuple(stems), mix, tuple(mixes[1:])


def _song(folder: Path, rate: int, stems: tuple[Stem, ...]) -> Song:
    name = folder.resolve().name
    bpm, key = bpm_and_key_in(name)
    artist = next((stem.file.tag("artist") for stem in stems if stem.file.tag("artist")), "")
    return Song(
        title=title_of(name),
        sample_rate=rate,
        artist=artist,
        bpm=Estimate(bpm, 0.9, "filename") if bpm else None,
        key=Estimate(key, 0.9, "filename") if key else None,
    )
