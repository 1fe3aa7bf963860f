"""Ardour 7 session: a folder `NAME Ardour` that holds `NAME.ardour` and, in `interchange`, a copy of every stem.

The folder is Ardour's own layout and can be moved as a whole. Copies are exact: a WAV byte by byte, everything else
unpacked to WAV of the same samples, lossy files to 32-bit float. Ardour plays a mono track 3 dB lower at the centre
(equal power), which is told as a loss because stems were summed without it. Fades are linear. The timecode of the
session start is left out: Ardour 7.3 exports with silence of the length of that offset before and after the audio.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stemwright.audio.stream import blocks
from stemwright.audio.take import take
from stemwright.audio.wav import WavWriter
from stemwright.errors import AlreadyThere
from stemwright.model import AudioFile, Loss, Output, Session
from stemwright.naming import safe_name
from stemwright.safety import PART, atomic, writable
from stemwright.session.formats import FIELDS, Opened, Written, _ardourread
from stemwright.session.formats import _ardourxml as xml
from stemwright.session.formats._ardourtime import TICKS
from stemwright.session.grid import grid
from stemwright.session.media import Roots

NAME = "Ardour"
SUFFIXES = (".ardour",)
EXPRESSES = frozenset(FIELDS) - {"key", "marker_colours", "start_timecode"}
OPTIONS: frozenset[str] = frozenset()


def place(path: Path) -> Path:
    """Where a session called `path` goes: into the folder of its own that Ardour wants."""
    folder = f"{path.stem} Ardour"
    return path if path.parent.name == folder else path.parent / folder / path.name


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the session and its media: all of it or nothing.

    Raises AlreadyThere when the folder holds a medium of the same name but no session that it could belong to, and
    what reading a stem raises.
    """
    from lxml import etree

    home = path.parent
    audio = home / "interchange" / home.name / "audiofiles"
    media = _media(session)
    taken = next((audio / name for name in media.values() if not path.exists() and (audio / name).exists()), None)
    if taken:
        raise AlreadyThere(f"{taken} is there already and belongs to another session", "write to another folder")
    root = xml.build(session, path.stem, media)
    data = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", suffix=f".{os.getpid()}{PART}", dir=home.parent) as made:
            for file, name in media.items():
                _copy(file, Path(made) / name)
            with atomic(path) as part:
                part.write_bytes(data)
                audio.mkdir(parents=True, exist_ok=True)
                for name in media.values():
                    (Path(made) / name).replace(audio / name)
    except OSError as error:
        raise writable(error, path) from error
    return Written(tuple(Output(audio / name, "media", "ardour") for name in media.values()), tuple(_losses(session)))


def read(path: Path, roots: Roots) -> Opened:
    """Read a session. Raises SessionError for what is none or a damaged one, InputError for a file that is locked."""
    return _ardourread.read(path, roots)


def _media(session: Session) -> dict[AudioFile, str]:
    """A name for the copy of every file, unique whatever the case of its letters."""
    found: dict[AudioFile, str] = {}
    taken: set[str] = set()
    for file in (clip.file for track in session.tracks for clip in track.clips):
        if file not in found:
            name = plain = safe_name(file.path.stem, 80)
            count = 1
            while name.lower() in taken:
                count += 1
                name = f"{plain}_{count}"
            taken.add(name.lower())
            found[file] = f"{name}.wav"
    return found


def _copy(file: AudioFile, target: Path) -> None:
    if file.format.encoding != "lossy":
        take(file, target)
        return
    with WavWriter(target, file.format.sample_rate, file.format.channels, 32, "float") as out:
        for block in blocks(file):
            out.write(block)


def _losses(session: Session) -> Iterator[Loss]:
    for track in session.tracks:
        if track.pan and any(clip.file.format.channels > 2 for clip in track.clips):
            yield Loss(track.name, "pan", "Ardour's session pans mono and stereo tracks only")
    mono = [t.name for t in session.tracks if {c.file.format.channels for c in t.clips} == {1}]
    if mono:
        yield Loss(", ".join(mono), "gain", "Ardour's pan law plays a mono track 3 dB lower at the centre")
    for file in dict.fromkeys(clip.file for track in session.tracks for clip in track.clips):
        if file.format.bits > (32 if file.format.encoding == "float" else 24):
            yield Loss(file.path.name, "audio", "rounded to 32-bit float")
    if any((point.quarters * TICKS).denominator != 1 for point in grid(session.song)):
        yield Loss("song", "tempo_map", f"a change was rounded to 1/{TICKS} of a quarter note")
