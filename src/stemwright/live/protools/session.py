"""The session that is open in Pro Tools: its list of tracks, and its own session text for what lies on them.

Which plug-ins are bypassed and what the bounce dialog is set to, PTSL does not tell.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

from stemwright.live.protools.wire import BITS, WORK_S, ProTools, RefusedError, opened, tracks
from stemwright.model import DawSession, DawTrack, PlacedClip, TrackKind
from stemwright.session.protools_info import told

TEXT = {
    **dict.fromkeys(("include_file_list", "include_clip_list", "include_markers", "include_plugin_list"), True),
    "include_track_edls": True,
    "show_sub_frames": True,
    "include_user_timestamps": False,
    "track_list_type": "AllTracks",
    "fade_handling_type": "DontShowCrossfades",
    "track_offset_options": "Samples",
    "text_as_file_format": "UTF8",
    "output_type": "ESI_String",
}
"""All of the text, in samples."""

_BITS = {word.removeprefix(prefix): bits for bits, word in BITS.items() for prefix in ("Bit", "")}


def state(link: ProTools) -> DawSession:
    """The open session. Raises HostError when there is none, SessionError when its text cannot be read."""
    name = opened(link)
    text = told(session_text(link))
    listed = tracks(link)
    lost, files = _files(link)
    by_name = {track.name: track for track in text.tracks}
    bits = _last(link.ask("GetSessionBitDepth").get("current_setting", ""))
    return replace(
        text,
        host=f"Pro Tools ({link.told_version()})",
        name=name,
        bits=_BITS.get(bits, text.bits),
        interleaved=link.ask("GetSessionInterleavedState").get("current_setting"),
        tracks=tuple(_track(track, by_name.get(track["name"]), lost, files) for track in listed),
    )


def session_text(link: ProTools) -> str:
    """The open session as text; a long one goes through a file."""
    try:
        return str(link.ask("ExportSessionInfoAsText", WORK_S, **TEXT).get("session_info", ""))
    except RefusedError as error:
        if error.reason != "PT_ResponseLengthExceeded":
            raise
    with TemporaryDirectory() as folder:
        path = Path(folder) / "session.txt"
        link.ask("ExportSessionInfoAsText", WORK_S, **TEXT | {"output_type": "ESI_File", "output_path": str(path)})
        return path.read_text("utf-8", "replace") if path.is_file() else ""


def kind_of(track: dict[str, Any]) -> TrackKind:
    """What a track of PTSL's is."""
    word = _last(track.get("type", "")).lower().removesuffix("track")
    word = "folder" if word.endswith("folder") else word
    return cast(TrackKind, word) if word in get_args(TrackKind) else "other"


def is_set(track: dict[str, Any], attribute: str) -> bool:
    """Whether a track of PTSL's is muted, soloed, hidden, ... by itself or by its folder."""
    value = track.get("track_attributes", {}).get(attribute, False)
    return value if isinstance(value, bool) else "Set" in str(value)


def _track(track: dict[str, Any], text: DawTrack | None, lost: set[str], files: dict[str, Path]) -> DawTrack:
    return replace(
        text or DawTrack(track["name"]),
        kind=kind_of(track),
        clips=tuple(_clip(clip, lost, files) for clip in text.clips) if text else (),
        parent=track.get("parent_folder_name") or None,
        muted=is_set(track, "is_muted"),
        soloed=is_set(track, "is_soloed"),
        inactive=is_set(track, "is_inactive"),
        hidden=is_set(track, "is_hidden"),
    )


def _clip(clip: PlacedClip, lost: set[str], files: dict[str, Path]) -> PlacedClip:
    name, missing = (clip.file.name, clip.missing or clip.file.name in lost) if clip.file else ("", clip.missing)
    return replace(clip, file=clip.file if missing else files.get(name), missing=missing)


def _files(link: ProTools) -> tuple[set[str], dict[str, Path]]:
    """Names of the audio files that are offline, and the places of the others by name."""
    found = []
    for word in ("Offline_Files", "Online_Files"):
        page = {"limit": 10000, "offset": 0}
        try:
            answer = link.ask("GetFileLocation", file_filters=[word], pagination_request=page)
        except RefusedError:  # there are none of that kind
            answer = {}
        found.append([_path(str(one["path"])) for one in answer.get("file_locations") or ()])
    return {path.name for path in found[0]}, {path.name: path for path in found[1]}


def _path(text: str) -> Path:
    """A path as PTSL writes it: of the system, or with colons behind the name of the Mac's volume."""
    return Path(text) if re.search(r"[\\/]", text) else Path("/", *text.split(":")[1:])


def _last(word: str) -> str:
    """The value of PTSL's enumerations without its prefix: TT_Audio and TType_Audio are Audio."""
    return str(word).rpartition("_")[2]
