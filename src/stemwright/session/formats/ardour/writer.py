"""Writing an Ardour session: its folder, the copies of the stems, what it loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from stemwright.audio.stream import blocks
from stemwright.audio.take import take
from stemwright.audio.wav import WavWriter
from stemwright.errors import AlreadyThere, StemwrightError
from stemwright.model import AudioFile, Loss, Output, Session
from stemwright.naming import safe_name, unused
from stemwright.safety import moved, workroom, write_bytes, writing
from stemwright.session.formats import STAMP, Written
from stemwright.session.formats.ardour.builder import TIMECODES, build, is_mono
from stemwright.session.formats.ardour.clocks import TICKS
from stemwright.session.formats.xml import parse
from stemwright.session.grid import grid


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
    root = build(held(session), path.stem, media)
    data = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    with writing(path):
        home.parent.mkdir(parents=True, exist_ok=True)
        with workroom(home.parent) as made:
            for file, name in media.items():
                _copy(file, Path(made) / name)
            audio.mkdir(parents=True, exist_ok=True)
            stale = _stale(path, audio, media)
            with moved({Path(made) / name: audio / name for name in media.values()}):
                write_bytes(path, data)
            for old in stale:
                old.unlink(missing_ok=True)
    return Written(tuple(Output(audio / name, "media", "ardour") for name in media.values()), tuple(_losses(session)))


def held(session: Session) -> Session:
    """The session as Ardour holds it: with a frame rate that it knows."""
    known = (session.frame_rate, session.drop_frame) in TIMECODES.values()
    return session if known else replace(session, frame_rate=Fraction(30), drop_frame=False)


def _media(session: Session) -> dict[AudioFile, str]:
    """A name for the copy of every file, unique whatever the case of its letters."""
    taken: set[str] = set()
    return {file: f"{unused(safe_name(file.path.stem, 80), taken)}.wav" for file in session.files}


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
        if track.pan and track.channels > 2:
            yield Loss(track.name, "pan", "Ardour's session pans mono and stereo tracks only")
        if any(clip.fade_in + clip.fade_out > clip.length for clip in track.clips):
            yield Loss(track.name, "fades", "Ardour adds fades that cross inside a clip")
    mono = [track for track in session.tracks if is_mono(track.clips)]
    if raised := [track.name for track in mono if abs(track.pan) < 1]:
        yield Loss(
            ", ".join(raised), "gain", "faders stand up to 3 dB higher, against Ardour's pan law for mono tracks"
        )
    if turned := [track.name for track in mono if 0 < abs(track.pan) < 1]:
        yield Loss(", ".join(turned), "pan", "pan knobs stand where Ardour's law sounds as planned")
    for file in session.files:
        if file.format.bits > (32 if file.format.encoding == "float" else 24):
            yield Loss(file.path.name, "audio", "rounded to 32-bit float")
    if any((point.quarters * TICKS).denominator != 1 for point in grid(session.song)):
        yield Loss("song", "tempo_map", f"a change was rounded to 1/{TICKS} of a quarter note")
