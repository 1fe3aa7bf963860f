"""A folder of stems as a `StemSet`: roles by name, the reference mix recognised, unreadable files kept as facts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from stemwright.audio.probe import SUFFIXES, majority_rate, probe
from stemwright.errors import InputError, NotAudio, NotFoundInput, UnreadableAudio
from stemwright.model import AudioFile, Estimate, Song, Stem, StemSet, Unreadable
from stemwright.naming import bpm_and_key_in, guess_role, label, role_order, title_of
from stemwright.safety import PART, readable

_LETTER = re.compile(r"[^\W\d_]")
_TRACK_NUMBER = re.compile(r"^(\d{1,2}|0\d\d)[ ._-]+(?=.*[^\W\d_])")
"""A number in front of a name; `808 Kick` has none."""


def read_stems(folder: Path) -> StemSet:
    """Everything that lies directly in a folder, sorted into stems, mix, unreadable and other files.

    The part that all stem names share ("Song_") is no part of a stem's name. Raises NotFoundInput when the folder
    is not there or holds no audio file at all.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.endswith(PART) and not path.is_dir())
    except NotADirectoryError:
        raise InputError(f"{folder}: is a file", "give the folder that holds the stems") from None
    except OSError as error:
        raise readable(error, folder) from error
    audio: list[AudioFile] = []
    unreadable: list[Unreadable] = []
    others: list[Path] = []
    for path in entries:
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            others.append(path)
            continue
        try:
            audio.append(probe(path))
        except InputError as error:
            unreadable.append(Unreadable(path, _kind(error, path), error.message.removeprefix(f"{path}: ")))
    if not audio and not unreadable:
        raise NotFoundInput(
            f"{folder}: holds no audio files", "give the folder that the stems lie in (WAV, AIFF, FLAC, ...)"
        )
    stems, mix = _sort(tuple(audio))
    rate = majority_rate(tuple(audio)) if audio else 48_000
    return StemSet(
        _song(folder, rate, (*stems, *((mix,) if mix else ()))),
        stems,
        mix,
        folder,
        "",
        tuple(unreadable),
        _subfolders(folder),
        tuple(others),
    )


def _subfolders(folder: Path) -> tuple[Path, ...]:
    """Folders inside that hold audio; not those that sessions keep their media in."""
    found = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            audio = any(path.suffix.lower() in SUFFIXES for path in inner.iterdir())
        except OSError:
            audio = False
        if audio and inner.name not in ("Audio Files", "Media"):
            found.append(inner)
    return tuple(found)


def _kind(error: InputError, path: Path) -> Literal["empty", "not-audio", "damaged", "no-reader"]:
    if isinstance(error, NotAudio):
        return "empty" if path.stat().st_size == 0 else "not-audio"
    return "no-reader" if isinstance(error, UnreadableAudio) else "damaged"


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


def _without_shared_start(names: list[str]) -> list[str]:
    starts = [match.end() for match in re.finditer("[_ -]", min(names, default=""))]
    for end in reversed(starts if len(names) > 1 else []):
        shared = all(name[:end] == names[0][:end] for name in names)
        if shared and all(_LETTER.search(name[end:]) for name in names):
            return [name[end:] for name in names]
    return names


def _sort(files: tuple[AudioFile, ...]) -> tuple[tuple[Stem, ...], Stem | None]:
    names = stem_names(tuple(file.path for file in files))
    found = [Stem(file, guess_role(name), name) for file, name in zip(files, names, strict=True)]
    mix = next((stem for stem in found if stem.role == "mix"), None) if len(found) > 1 else None
    stems = sorted((stem for stem in found if stem is not mix), key=lambda s: (role_order(s.role), s.name.lower()))
    if mix:
        mix = Stem(mix.file, "mix", label("mix"))
    return tuple(stems), mix


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
