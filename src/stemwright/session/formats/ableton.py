"""Ableton Live 12.1 set (.als): gzip of XML, in a project folder `NAME Project` of its own as Live makes one.

There is no public specification. Element names, order and values are those of sets that Live 11 and 12 saved (see
`_abletonparts`); the set itself is our own from its first to its last element. Media stay where they are: Live finds
them relative to the set (`RelativePathType` 1, `../` for outside of the folder), so set and stems move together.

Live has a palette of 70 colours, one clip at a time on a track, and faders that end at +6 dB: `held` says what of a
session remains. A region becomes a locator at its start. Live pans with constant power, mono and
stereo alike: unity in the centre, so that stems sum to the mix, and +3 dB at the sides.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.model import Clip, Loss, Session
from stemwright.naming import unique
from stemwright.safety import atomic
from stemwright.session.formats import FIELDS, Opened, Written, _abletoncolours, _abletonread
from stemwright.session.formats._abletonfill import fill_set
from stemwright.session.formats._abletonparts import LOUDEST, SOFTEST
from stemwright.session.formats._abletonxml import build
from stemwright.session.match import Filled
from stemwright.session.media import Roots, foreign
from stemwright.session.render import Floats, Law
from stemwright.units import db

NAME = "Ableton Live"
SUFFIXES = (".als",)
EXPRESSES = frozenset(FIELDS) - {"regions", "marker_colours", "start_timecode", "frame_rate"}
OPTIONS: frozenset[str] = frozenset()
MIXED_RATES = True
PROVED = (
    "Read by `logic2ableton` (tracks, clip times, locators) and `buildable` (tracks, groups), element order "
    "compared with sets saved by Live 12.1 and 12.2; never opened in Live."
)


def _pan(pan: float, channels: int) -> Floats:
    """Sinusoidal constant power, 0 dB at the centre and +3 dB at the sides (manual, Audio Fact Sheet)."""
    angle = (pan + 1) * np.pi / 4
    sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)]) if pan else np.ones(2)
    return sides[:, None] if channels == 1 else np.diag(sides)


PAN_LAW = Law(_pan)

_TAKEN = frozenset({"wav", "aiff", "flac", "ogg"})

INFO = "Ableton Project Info"
"""The folder by which Live knows a project folder."""


def place(path: Path) -> Path:
    """Where a set called `path` goes: into the project folder of its own that Live wants."""
    folder = f"{path.stem} Project"
    return path if path.parent.name == folder else path.parent / folder / path.name


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the set. Raises SessionError for what it cannot hold: see `build`; a group after its members."""
    from lxml import etree

    root = build(held(session), path.parent.absolute())
    etree.indent(root, "\t")
    save(etree.tostring(root, encoding="UTF-8", xml_declaration=True), path)
    return Written(losses=tuple(_losses(session)))


def fill(template: Path, session: Session, path: Path, mapping: Mapping[str, str]) -> Filled:
    """Fill the user's own set. Raises what `match` and `read` raise, and SessionError for Live 10 or older."""
    data, told = fill_set(template, session, path.parent.absolute(), mapping)
    save(data, path)
    return told


def save(xml: bytes, path: Path) -> None:
    """Write a set as Live does, without a name or a time in the gzip header, and the folder that marks a project."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, packed, mtime=0) as stream:
        stream.write(xml)
    with atomic(path) as part:
        part.write_bytes(packed.getvalue())
        (path.parent / INFO).mkdir(exist_ok=True)


def read(path: Path, roots: Roots) -> Opened:
    """Read a set of Live 10 to 12; its media may also lie beside its project folder.

    Raises SessionError for what is none or a damaged one, InputError for a file that is locked.
    """
    return _abletonread.read(path, roots)


def held(session: Session) -> Session:
    """What a set holds of a session: see above."""
    names = [track.name for track in session.tracks]
    tracks = []
    for track in session.tracks:
        gain = min(max(track.gain_db, db(SOFTEST)), db(LOUDEST))
        lanes = _lanes(track.clips) or [[]]
        for lane in lanes:
            name = track.name
            if lane is not lanes[0]:
                name = unique([*names, name])[-1]
                names.append(name)
            colour = _abletoncolours.rounded(track.colour)
            tracks.append(replace(track, name=name, clips=tuple(lane), gain_db=gain, colour=colour))
    return replace(session, tracks=tuple(tracks))


def _lanes(clips: tuple[Clip, ...]) -> list[list[Clip]]:
    """The clips in order, on as many tracks as it takes for none to overlap another."""
    lanes: list[list[Clip]] = []
    for clip in sorted(clips, key=lambda clip: clip.at):
        free = next((lane for lane in lanes if lane[-1].at + lane[-1].length <= clip.at), None)
        if free is None:
            lanes.append(free := [])
        free.append(clip)
    return lanes


def _losses(session: Session) -> Iterator[Loss]:
    yield from foreign(session, _TAKEN, "Live on every system")
    for track in session.tracks:
        if not db(SOFTEST) <= track.gain_db <= db(LOUDEST):
            yield Loss(track.name, "gain", "Live's faders end at +6 and -70 dB")
        if len(_lanes(track.clips)) > 1:
            yield Loss(
                track.name, "audio", "Live plays one clip of a track at a time: clips that overlap got a track more"
            )
        if any(clip.file.format.channels > 2 for clip in track.clips):
            yield Loss(track.name, "audio", "Live's tracks are stereo: of more channels two are heard at most")
    far = [track.name for track in session.tracks if track.colour and _abletoncolours.is_noticed(track.colour)]
    if far:
        yield Loss(", ".join(far), "colours", "Live has 70 colours; the nearest is plainly another")
