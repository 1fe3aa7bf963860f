"""Pro Tools' "Session Info as Text" as the session that is open there, for an audit of the session itself.

The text does not tell which tracks are master faders, nor whether a plug-in is bypassed: a track without clips that is
called like a master is taken for one. Clips count by the first channel of their track.
"""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath

from stemwright.errors import NotFoundInput, SessionError
from stemwright.model import DawSession, DawTrack, Marker, PlacedClip, Plugin, TrackKind
from stemwright.session.formats.protools_text import MOST_BYTES
from stemwright.session.formats.protools_text.listing import HINT, Event, ListedTrack, SessionText, parse

_MASTER = re.compile(r"(?i)\W*(?:master|main|mix ?(?:bus|down)|2.?(?:bus|mix)|stereo (?:bus|mix|out))\b.*")
_BYPASSED = re.compile(r"(?i)\b(?:bypassed|inactive)\b")
_CHANNELS = {"": 1, "Mono": 1, "Stereo": 2}


def read_info(path: Path) -> DawSession:
    """Read an exported text. Raises NotFoundInput, and SessionError for what is no such text or counts in bars."""
    if not path.is_file():
        raise NotFoundInput(f"{path}: is no file", HINT)
    if path.stat().st_size > MOST_BYTES:
        raise SessionError(f"{path}: is too large for a session text", HINT)
    return session_of(parse(path.read_bytes(), path, feet=True))


def told(text: str) -> DawSession:
    """The session that a text from Pro Tools itself tells of. Raises SessionError as `read_info` does."""
    return session_of(parse(text.encode(), Path("what Pro Tools answered"), feet=True))


def session_of(text: SessionText) -> DawSession:
    """The text in the words of the model."""
    only_audio = len(text.tracks) <= (text.audio_tracks or 0)
    tracks = tuple(_track(track, text, only_audio) for track in text.tracks)
    bits = re.match(r"\d+", text.depth)
    used = [Plugin(name, "active" not in instances.split()) for name, instances in text.plugins or ()]
    return DawSession(
        host="Pro Tools (session info)",
        name=text.name,
        sample_rate=text.rate,
        bits=int(bits[0]) if bits else None,
        tracks=tracks,
        markers=None if text.markers is None else tuple(Marker(at, name) for at, name in text.markers),
        length=max((clip.at + clip.length for track in tracks for clip in track.clips), default=0),
        plugins=None if text.plugins is None else tuple(used),
    )


def _track(track: ListedTrack, text: SessionText, only_audio: bool) -> DawTrack:
    states = track.state.split()
    return DawTrack(
        name=track.name,
        kind=_kind(track, only_audio),
        clips=tuple(_clip(event, text) for event in track.events if event.channel == 1 and not event.fade),
        plugins=None if track.plugins is None else tuple(map(_plugin, track.plugins)),
        channels=_CHANNELS.get(track.format, max((event.channel for event in track.events), default=None)),
        muted="Muted" in states,
        soloed="Solo" in states,
        inactive="Inactive" in states,
        hidden="Hidden" in states,
    )


def _clip(event: Event, text: SessionText) -> PlacedClip:
    source = text.source(event.clip) if text.sources else ""
    return PlacedClip(
        name=event.clip,
        at=event.at,
        length=event.end - event.at,
        file=Path(PureWindowsPath(source).name) if source else None,
        missing=event.clip in text.offline,
        muted=event.state == "Muted",
    )


def _plugin(name: str) -> Plugin:
    return Plugin(_BYPASSED.sub("", name).strip(), True if _BYPASSED.search(name) else None)


def _kind(track: ListedTrack, only_audio: bool) -> TrackKind:
    if track.events or only_audio:
        return "audio"
    return "master" if _MASTER.fullmatch(track.name) else "other"
