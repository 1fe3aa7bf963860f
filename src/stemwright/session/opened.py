"""A session that is open in a DAW as a plan, so that it can be compared with the one that it was made of.

A plan that was read from an AAF has a track for each side of what is one track in a host: two such count as one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stemwright.model import AudioFile, AudioFormat, Clip, DawSession, DawTrack, Session, Song, Track
from stemwright.naming import half
from stemwright.session.compare import Difference, differences

EXPRESSES = frozenset({"audio", "markers"})
"""What hosts tell of an open session as exactly as a session file does."""


def opened_otherwise(planned: Session, made: DawSession) -> tuple[Difference, ...]:
    """What a host made otherwise of a plan: tracks, their order and clips, markers, the sample rate."""
    whole = _one_track_a_pair(planned.tracks)
    twins = {track.name: track for track in (*planned.tracks, *whole)}
    rate = made.sample_rate or planned.sample_rate
    tracks = tuple(_track(track, twins, rate) for track in made.tracks if track.kind in ("audio", "folder"))
    session = Session(
        song=Song(made.name, rate),
        tracks=_one_track_a_pair(tracks),
        sample_rate=rate,
        frames=made.length or 0,
        markers=made.markers or (),
        frame_rate=planned.frame_rate,
        drop_frame=planned.drop_frame,
    )
    expresses = EXPRESSES - ({"markers"} if made.markers is None else set())
    return differences(replace(planned, tracks=whole), session, expresses)


def _one_track_a_pair(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """A left and a right side, one after the other with clips in the same places, as one track of their base name."""
    kept: list[Track] = []
    for track in tracks:
        last, side = (half(kept[-1].name) if kept else None), half(track.name)
        pair = last and side and last.left and not side.left and last.base == side.base
        if pair and last and [(c.at, c.length) for c in kept[-1].clips] == [(c.at, c.length) for c in track.clips]:
            kept[-1] = replace(kept[-1], name=last.base)
        else:
            kept.append(track)
    return tuple(kept)


def _track(track: DawTrack, twins: dict[str, Track], rate: int) -> Track:
    twin = twins.get(track.name, Track(track.name))
    clips = []
    for number, clip in enumerate(sorted(track.clips, key=lambda clip: clip.at)):
        if number < len(twin.clips):  # hosts copy media, and do not tell where in its file a clip begins
            planned_clip = twin.clips[number]
            clips.append(Clip(planned_clip.file, clip.at, clip.length, planned_clip.source_from))
        else:
            form = AudioFormat("wav", "pcm", 24, rate, track.channels or 1)
            clips.append(Clip(AudioFile(clip.file or Path(clip.name), form, clip.length), clip.at, clip.length))
    return Track(track.name, clips=tuple(clips), group=track.parent, is_group=track.kind == "folder")
