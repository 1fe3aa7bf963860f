"""What rules over an open session share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stemwright.model import DawSession, DawTrack, PlacedClip, Plugin


def sounding(session: DawSession) -> Iterator[tuple[DawTrack, tuple[PlacedClip, ...]]]:
    """The tracks that are neither muted nor inactive and hold clips that sound, with those, by time."""
    for track in session.tracks:
        clips = sorted((clip for clip in track.clips if not clip.muted and clip.length > 0), key=lambda clip: clip.at)
        if clips and not track.muted and not track.inactive:
            yield track, tuple(clips)


def whole(session: DawSession) -> list[tuple[DawTrack, PlacedClip]]:
    """The sounding tracks of one clip, with it: all others have to be consolidated first."""
    return [(track, clips[0]) for track, clips in sounding(session) if len(clips) == 1]


def on(plugins: Iterable[Plugin] | None) -> list[Plugin]:
    """The plug-ins that are not bypassed, or of which the host does not say so."""
    return [plugin for plugin in plugins or () if plugin.bypassed is not True]


def named(track: DawTrack) -> Path:
    """How a finding names a track."""
    return Path(track.name)
