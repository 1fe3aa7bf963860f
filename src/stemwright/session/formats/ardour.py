"""Ardour 7 session: a folder `NAME Ardour` that holds `NAME.ardour` and, in `interchange`, a copy of every stem.

The folder is Ardour's own layout and can be moved as a whole. Copies are exact: a WAV byte by byte, everything else
unpacked to WAV of the same samples, lossy files to 32-bit float. Ardour's pan law takes 3 dB
from a mono track in the centre; its fader makes up for it (`_ardourpan`), so that stems sum to the mix. Fades are
linear, and added where they cross inside a clip. The timecode of the session start is left out: Ardour 7.3 exports
with silence of the length of that offset before and after the audio.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stemwright.audio.stream import blocks
from stemwright.audio.take import take
from stemwright.audio.wav import WavWriter
from stemwright.errors import AlreadyThere, StemwrightError
from stemwright.model import AudioFile, Loss, Output, Session
from stemwright.naming import safe_name
from stemwright.safety import PART, moved, writable, write_bytes
from stemwright.session.formats import FIELDS, STAMP, Opened, Written, _ardourread
from stemwright.session.formats import _ardourxml as xml
from stemwright.session.formats._ardourtime import TICKS
from stemwright.session.formats._xml import parse
from stemwright.session.grid import grid
from stemwright.session.media import Roots
from stemwright.session.render import Law, balanced

NAME = "Ardour"
SUFFIXES = (".ardour",)
EXPRESSES = frozenset(FIELDS) - {"key", "marker_colours", "start_timecode"}
COPIES_MEDIA = True
OPTIONS: frozenset[str] = frozenset()
PROVED = "Rendered by Ardour 7.3 itself at 44.1, 48 and 96 kHz: what is left against our own sum lies below -120 dBFS."

PAN_LAW = Law(balanced, last=1, adds=True)
"""Gain and pan as in the Session; fades reach 0 and 1 in their first and last frame. Measured in Ardour 7.3."""


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
    root = xml.build(held(session), path.stem, media)
    data = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", suffix=f".{os.getpid()}{PART}", dir=home.parent) as made:
            for file, name in media.items():
                _copy(file, Path(made) / name)
            audio.mkdir(parents=True, exist_ok=True)
            stale = _stale(path, audio, media)
            with moved({Path(made) / name: audio / name for name in media.values()}):
                write_bytes(path, data)
            for old in stale:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise writable(error, path) from error
    return Written(tuple(Output(audio / name, "media", "ardour") for name in media.values()), tuple(_losses(session)))


def held(session: Session) -> Session:
    """The session as Ardour holds it: with a frame rate that it knows."""
    known = (session.frame_rate, session.drop_frame) in xml.TIMECODES.values()
    return session if known else replace(session, frame_rate=Fraction(30), drop_frame=False)


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


def _stale(path: Path, audio: Path, media: Mapping[AudioFile, str]) -> list[Path]:
    """Copies that only the session to be replaced names: none when Ardour has saved it, or another, since."""
    if [*path.parent.glob("*.ardour")] != [path]:
        return []
    try:
        old = parse(path.read_bytes(), path)
    except StemwrightError:
        return []
    program = old.find("ProgramVersion")
    if program is None or program.get("modified-with") != "stemwright":
        return []
    names = {source.get("name", "") for source in old.iterfind("Sources/Source")} - {*media.values()}
    used = {file.path.resolve() for file in media}
    there = {file.name: file for file in audio.glob("*.wav")}
    return [there[name] for name in sorted(names & there.keys()) if there[name].resolve() not in used]


def _copy(file: AudioFile, target: Path) -> None:
    if file.format.encoding != "lossy":
        take(file, target, made=STAMP)
        return
    with WavWriter(target, file.format.sample_rate, file.format.channels, 32, "float") as out:
        for block in blocks(file):
            out.write(block)


def _losses(session: Session) -> Iterator[Loss]:
    if held(session) != session:
        yield Loss("song", "frame_rate", "Ardour has no such frame rate; it is 30 there")
    for track in session.tracks:
        if track.pan and any(clip.file.format.channels > 2 for clip in track.clips):
            yield Loss(track.name, "pan", "Ardour's session pans mono and stereo tracks only")
        if any(clip.fade_in + clip.fade_out > clip.length for clip in track.clips):
            yield Loss(track.name, "fades", "Ardour adds fades that cross inside a clip")
    mono = [track for track in session.tracks if xml.is_mono(track.clips)]
    if raised := [track.name for track in mono if abs(track.pan) < 1]:
        yield Loss(
            ", ".join(raised), "gain", "faders stand up to 3 dB higher, against Ardour's pan law for mono tracks"
        )
    if turned := [track.name for track in mono if 0 < abs(track.pan) < 1]:
        yield Loss(", ".join(turned), "pan", "pan knobs stand where Ardour's law sounds as planned")
    for file in dict.fromkeys(clip.file for track in session.tracks for clip in track.clips):
        if file.format.bits > (32 if file.format.encoding == "float" else 24):
            yield Loss(file.path.name, "audio", "rounded to 32-bit float")
    if any((point.quarters * TICKS).denominator != 1 for point in grid(session.song)):
        yield Loss("song", "tempo_map", f"a change was rounded to 1/{TICKS} of a quarter note")
