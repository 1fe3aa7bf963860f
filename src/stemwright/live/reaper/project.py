"""The project that is open in REAPER, as REAPER tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from stemwright.live.reaper.link import Reaper, null
from stemwright.live.reaper.rendering import settings
from stemwright.model import DawSession, DawTrack, Marker, PlacedClip, Plugin, TrackKind


def state(link: Reaper) -> DawSession:
    """The project with its tracks, the master last, and its render settings. Raises HostError."""
    names = link.names()
    with link.held():
        rate = _rate(link)
        count = int(link.call("CountTracks", link.project))
        handles = [link.call("GetTrack", link.project, number) for number in range(count)]
        tracks: list[DawTrack] = []
        folders: list[str] = []
        for handle in handles:
            track = _track(link, handle, rate, folders[-1] if folders else None)
            tracks.append(track)
            step = int(link.call("GetMediaTrackInfo_Value", handle, "I_FOLDERDEPTH"))
            folders = [*folders, track.name] if step > 0 else folders[: max(len(folders) + step, 0)]
        master = link.call("GetMasterTrack", link.project)
        tracks.append(_bare(link, master, "MASTER", "master"))
        markers = tuple(_markers(link, rate, names))
        return DawSession(
            host=f"REAPER {link.version}".strip(),
            name=link.name,
            sample_rate=rate,
            tracks=tuple(tracks),
            markers=markers,
            length=round(link.call("GetProjectLength", link.project) * rate),
            render=settings(link, {marker.name for marker in markers if not marker.length}),
        )


def _rate(link: Reaper) -> int:
    """The project's own rate, or else that of the audio device."""
    own = int(link.number("PROJECT_SRATE"))
    if link.number("PROJECT_SRATE_USE"):
        return own
    known, _, text, _ = link.call("GetAudioDeviceInfo", "SRATE", "", 64)
    return int(float(text)) if known and text.replace(".", "", 1).isdigit() else own or 48_000


def _track(link: Reaper, handle: Any, rate: int, parent: str | None) -> DawTrack:
    items = int(link.call("CountTrackMediaItems", handle))
    clips = [_clip(link, link.call("GetTrackMediaItem", handle, number), rate) for number in range(items)]
    sounding = tuple(clip for clip in clips if clip)
    folder = link.call("GetMediaTrackInfo_Value", handle, "I_FOLDERDEPTH") > 0
    kind: TrackKind = "folder" if folder else "audio"
    if sounding and not folder and not any(clip.file for clip in sounding):
        kind = "midi"
    elif not items and not folder and int(link.call("GetTrackNumSends", handle, -1)) > 0:
        kind = "aux"
    name = str(link.call("GetTrackName", handle, "", 4096)[2])  # "Track 3" for one without
    return replace(_bare(link, handle, name, kind), clips=sounding, parent=parent)


def _bare(link: Reaper, handle: Any, name: str, kind: TrackKind) -> DawTrack:
    """A track without its clips."""

    def value(what: str) -> float:
        return float(link.call("GetMediaTrackInfo_Value", handle, what))

    running = value("I_FXEN")
    plugins = []
    for number in range(int(link.call("TrackFX_GetCount", handle))):
        effect = link.call("TrackFX_GetFXName", handle, number, "", 1024)[3]
        on, out = (link.call(f"TrackFX_Get{what}", handle, number) for what in ("Enabled", "Offline"))
        plugins.append(Plugin(effect, bool(out) or not on or not running))
    return DawTrack(
        name=name,
        kind=kind,
        plugins=tuple(plugins),
        channels=int(value("I_NCHAN")) or None,
        muted=bool(value("B_MUTE")),
        soloed=bool(value("I_SOLO")),
        hidden=None if kind == "master" else not value("B_SHOWINTCP"),
    )


def _clip(link: Reaper, item: Any, rate: int) -> PlacedClip | None:
    """None for an item without a take: with such, people write on the timeline."""
    take = link.call("GetActiveTake", item)
    if null(take):
        return None
    at = round(link.call("GetMediaItemInfo_Value", item, "D_POSITION") * rate)
    length = round(link.call("GetMediaItemInfo_Value", item, "D_LENGTH") * rate)
    name = link.text("GetSetMediaItemTakeInfo_String", take, "P_NAME")
    muted = bool(link.call("GetMediaItemInfo_Value", item, "B_MUTE"))
    source = link.call("GetMediaItemTake_Source", take)
    if link.call("TakeIsMIDI", take):
        return PlacedClip(name, at, length, muted=muted)
    file = link.call("GetMediaSourceFileName", source, "", 4096)[1]
    if not file and not null(whole := link.call("GetMediaSourceParent", source)):  # a section, or played backwards
        file = link.call("GetMediaSourceFileName", whole, "", 4096)[1]
    path = Path(file) if file else None
    other = int(link.call("GetMediaSourceSampleRate", source)) or None
    return PlacedClip(name, at, length, path, bool(path) and not Path(file).is_file(), muted, other)


def _markers(link: Reaper, rate: int, names: dict[tuple[bool, int], str]) -> Iterator[Marker]:
    count = 0
    while True:
        found = link.call("EnumProjectMarkers3", link.project, count, 0, 0.0, 0.0, 0, 0, 0)
        if not found[0]:
            return
        _, _, _, region, at, end, _, shown, _ = found
        name = names.get((bool(region), shown), f"{'region' if region else 'marker'} {shown}")
        yield Marker(round(at * rate), name, round((end - at) * rate) if region else 0)
        count += 1
