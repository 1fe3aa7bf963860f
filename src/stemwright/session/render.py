"""A session as its host plays it: clips at their places, fades, gains, pan, mute, solo, through groups into stereo.

Sums are float64 `[2, frames]`, in blocks, so memory does not grow with the length. A host's pan law says how loud a
channel is left and right; groups are stereo and sum what comes in. A group that is muted silences its members; where
something is soloed, only soloed tracks and what lies inside soloed groups are heard, and mute wins over solo. Fades
are linear; those that cross inside a clip are multiplied in most hosts. Of files with more than two channels the
first two are heard, as on a stereo bus. Nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.stream import Reader, open_audio
from stemwright.errors import SessionError
from stemwright.model import Clip, Session, Track
from stemwright.units import db, linear

Floats = NDArray[np.float64]
Pan = Callable[[float, int], Floats]
"""(pan -1 to +1, source channels 1 or 2) -> gains `[2, source channels]`."""

FRAMES = 1 << 16
"""Frames of a block."""

NULL_DBFS = -120.0
"""What may be left of a null test."""

MOST_OPEN = 64
"""Files of one render that stay open; what sounds beside them is opened anew for each block."""


@dataclass(frozen=True, slots=True)
class Law:
    """How a host pans and fades."""

    pan: Pan
    last: int = 0
    """A fade over n frames is full at its frame n - `last`, counted from 0."""
    adds: bool = False
    """Fades that cross inside a clip are added there, not multiplied."""


def balanced(pan: float, channels: int) -> Floats:
    """Centre at unity, the far side turned down linearly: REAPER with PANLAW 1; what stereo balance is elsewhere."""
    sides = np.array([min(1.0, 1.0 - pan), min(1.0, 1.0 + pan)])
    return sides[:, None] if channels == 1 else np.diag(sides)


balance = Law(balanced)
"""Of every host whose format says no `PAN_LAW` of its own."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A clip that is heard, and the gains `[2, channels]` with which it reaches the sum, clip gain included."""

    clip: Clip
    gains: Floats


def voices(session: Session, law: Law = balance) -> list[Voice]:
    """Every clip that is heard. Raises SessionError for groups that are missing or in a circle, and foreign rates."""
    groups = {track.name: track for track in session.tracks if track.is_group}
    soloed = any(track.solo for track in session.tracks)
    heard = []
    for track in session.tracks:
        way = (track, *_groups(track, groups))
        if any(t.mute for t in way) or (soloed and not any(t.solo for t in way)):
            continue
        for clip in track.clips:
            form = clip.file.format
            if form.sample_rate != session.sample_rate:
                raise SessionError(
                    f"{clip.file.path}: has {form.sample_rate} Hz in a session of {session.sample_rate} Hz",
                    f"bounce it again at {session.sample_rate} Hz",
                )
            gains = linear(clip.gain_db) * linear(track.gain_db) * law.pan(track.pan, min(form.channels, 2))
            for group in way[1:]:
                gains = linear(group.gain_db) * law.pan(group.pan, 2) @ gains
            heard.append(Voice(clip, gains))
    return heard


def render(session: Session, law: Law = balance, frames: int | None = None) -> Iterator[Floats]:
    """The session, or its first `frames` (silence behind its end), in blocks `[2, n]`.

    Raises SessionError as `voices` does; NotFoundInput, DamagedAudio and their kin for media that cannot be read.
    """
    length = session.frames if frames is None else frames
    waiting = sorted(voices(session, law), key=lambda voice: -voice.clip.at)
    sounding: list[Generator[tuple[int, Floats], None, None]] = []
    try:
        for start in range(0, length, FRAMES):
            total = np.zeros((2, FRAMES))
            while waiting and waiting[-1].clip.at < start + FRAMES:
                sounding.append(_pieces(waiting.pop(), law, len(sounding) < MOST_OPEN))
            sounding = [pieces for pieces in sounding if _add(pieces, total, start)]
            yield total[:, : length - start]
    finally:
        for pieces in sounding:
            pieces.close()


def residual_dbfs(one: Session, other: Session, law: Law = balance) -> float:
    """Peak of the difference of two renders, dBFS; -inf when they are equal. Raises as `render` does."""
    frames = max(one.frames, other.frames)
    pairs = zip(render(one, law, frames), render(other, law, frames), strict=True)
    return db(max((float(np.abs(a - b).max()) for a, b in pairs), default=0.0))


def _groups(track: Track, groups: dict[str, Track]) -> Iterator[Track]:
    """The groups that a track sounds through, the nearest first."""
    seen = {track.name} if track.is_group else set()
    while track.group is not None:
        if track.group in seen or track.group not in groups:
            what = "is inside itself" if track.group in seen else "does not exist"
            raise SessionError(f"{track.name}: its group {track.group!r} {what}", "mend the groups of this session")
        seen.add(track.group)
        track = groups[track.group]
        yield track


def _add(pieces: Generator[tuple[int, Floats], None, None], total: Floats, start: int) -> bool:
    """Add what a voice gives up to the end of the block at `start`; whether there may be more."""
    for at, piece in pieces:
        end = at - start + piece.shape[1]
        total[:, at - start : end] += piece
        if end == total.shape[1]:
            return True
    return False


def _pieces(voice: Voice, law: Law, stays_open: bool) -> Generator[tuple[int, Floats], None, None]:
    """(frame on the timeline, what sounds from there on); no piece crosses the end of a block."""
    clip, file = voice.clip, voice.clip.file
    at = clip.at + max(0, -clip.at, -clip.source_from)
    end = clip.at + min(clip.length, file.frames - clip.source_from)
    reader: Reader | None = None
    with ExitStack() as opened:
        while at < end:
            if reader is None:
                reader = opened.enter_context(open_audio(file))
                reader.skip(at - clip.at + clip.source_from)
            block = reader.read(min(end - at, FRAMES - at % FRAMES))[:2]
            if not stays_open:
                opened.close()
                reader = None
            if file.format.encoding == "float":
                block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
            yield at, voice.gains @ block * _fades(clip, at - clip.at, block.shape[1], law)
            at += block.shape[1]


def _fades(clip: Clip, start: int, frames: int, law: Law) -> Floats:
    place = np.arange(start, start + frames)
    rise = fall = np.ones(frames)
    if start < clip.fade_in:
        rise = np.minimum(1.0, place / max(clip.fade_in - law.last, 1))
    if start + frames > clip.length - clip.fade_out and clip.fade_out > law.last:
        fall = np.minimum(1.0, (clip.length - law.last - place) / (clip.fade_out - law.last))
    crossing = law.adds & (place < clip.fade_in) & (place >= clip.length - clip.fade_out)
    return np.where(crossing, rise + fall, rise * fall)
