"""The clips of a DAWproject, in the forms that the package tells, and the audio behind them.

They go into a new project or into the user's own one.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from stemwright.audio.probe import changed
from stemwright.model import AudioFile, Clip, Session, Track
from stemwright.naming import RESERVED, unused
from stemwright.safety import reading
from stemwright.session.formats import STAMP
from stemwright.session.formats.dawproject.reader import GAIN_IN_VOLUME
from stemwright.session.formats.xml import add, text
from stemwright.session.grid import GridPoint, quarters_at
from stemwright.units import linear, seconds

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSAFE = re.compile(r'[<>:"/\\|?*]')
"""What a file name on some system cannot hold."""


@dataclass(frozen=True, slots=True)
class Making:
    """What every part of the project needs."""

    session: Session
    points: tuple[GridPoint, ...]
    names: Mapping[Path, str]
    """Where in the zip each file lies."""
    style: str
    ids: Iterator[str]
    unit: str = "beats"
    """What the timeline of the clips counts in; "seconds" asks for the style "raw"."""

    def beats(self, frame: int) -> Fraction:
        """Where a frame lies on the timeline, in its unit."""
        at = seconds(frame, self.session.sample_rate)
        return quarters_at(self.points, at) if self.unit == "beats" else at


def entry_names(files: Mapping[Path, AudioFile], used: Iterable[str] = ()) -> dict[Path, str]:
    """A place in the zip for each file, beside the `used` ones."""
    taken = {PurePosixPath(name).stem.lower() for name in used}
    names = {path: Path(_UNSAFE.sub("_", text(path.name))) for path in files}
    stems = {path: f"{name.stem}_" if RESERVED.match(name.name) else name.stem for path, name in names.items()}
    return {path: f"audio/{unused(stem, taken)}{names[path].suffix.lower()}" for path, stem in stems.items()}


def entry(name: str) -> zipfile.ZipInfo:
    """An entry of the zip, the same whenever it is written."""
    info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


def store(made: zipfile.ZipFile, file: AudioFile, name: str) -> None:
    """Put a file into the zip as it is. Raises NotFoundInput or InputError, DamagedAudio for one that changes."""
    info = entry(name)
    with reading(file.path):
        source = file.path.open("rb")
    with source:
        size = info.file_size = file.path.stat().st_size  # more than 2 GiB asks for ZIP64
        with made.open(info, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    if info.file_size != size:
        raise changed(file.path)


def put_clip(making: Making, clips: _Element, track: Track, clip: Clip, shared: float = 0.0) -> None:
    """Add a clip of a track, of whose gain the volume of the track contains `shared` dB."""
    beats, rate = making.beats, making.session.sample_rate
    at, end = beats(clip.at), beats(clip.end)
    place: dict[str, object] = {"time": at, "duration": end - at, "name": track.name}
    place |= {"comment": f"{GAIN_IN_VOLUME}{shared:.9g} dB"} if shared else {}
    if making.style == "raw":
        start = seconds(clip.source_from, rate)
        holder = add(
            clips, "Clip", **place, contentTimeUnit="seconds", playStart=start,
            playStop=start + seconds(clip.length, rate), fadeTimeUnit="seconds",
            fadeInTime=seconds(clip.fade_in, rate), fadeOutTime=seconds(clip.fade_out, rate),
        )  # fmt: skip
        _audio(making, _with_gain(making, holder, clip, shared), clip.file)
        return
    outer = add(
        clips, "Clip", **place, playStart=0.0, fadeTimeUnit="beats", fadeInTime=beats(clip.at + clip.fade_in) - at,
        fadeOutTime=end - beats(clip.end - clip.fade_out),
    )  # fmt: skip
    zero = beats(clip.at - clip.source_from)
    inner = add(
        add(outer, "Clips", id=next(making.ids)), "Clip", time=0.0, duration=end - at, contentTimeUnit="beats",
        playStart=at - zero,
    )  # fmt: skip
    holder = _with_gain(making, inner, clip, shared)
    warps = add(holder, "Warps", contentTimeUnit="seconds", timeUnit="beats", id=next(making.ids))
    length = _audio(making, warps, clip.file)
    start = seconds(clip.at - clip.source_from, rate)
    bends = (point.at - start for point in making.points if 0 < point.at - start < length)
    for content in (Fraction(0), *bends, length):
        add(warps, "Warp", time=quarters_at(making.points, start + content) - zero, contentTime=content)


def _with_gain(making: Making, clip: _Element, model: Clip, shared: float) -> _Element:
    """Where the content of a clip goes: the clip itself, or lanes beside an expression that holds its gain."""
    if model.gain_db == shared:
        return clip
    lanes = add(clip, "Lanes", id=next(making.ids))
    points = add(lanes, "Points", unit="linear", id=next(making.ids))
    add(points, "Target", expression="gain")
    add(points, "RealPoint", time=0.0, value=linear(model.gain_db - shared), interpolation="hold")
    return lanes


def _audio(making: Making, parent: _Element, file: AudioFile) -> Fraction:
    """Add the reference to a file; its duration in seconds."""
    rate, duration = file.format.sample_rate, seconds(file.frames, file.format.sample_rate)
    audio = add(parent, "Audio", channels=file.format.channels, duration=duration, sampleRate=rate, id=next(making.ids))
    add(audio, "File", path=making.names[file.path])
    return duration
