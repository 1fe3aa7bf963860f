"""Stems as a new Pro Tools session: a file is a track, copied into the session where the plan puts it.

PTSL has no command for tempo, clip gain and comments of tracks; faders and pan it sets as automation, and it imports to
tracks outside of folders. What of these a plan holds is told. Audio is imported by the plain command: py-ptsl's
`import_audio` sends the type for session data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from stemwright.errors import HostError, SessionError
from stemwright.live import Built
from stemwright.live.protools.new_session import new_session
from stemwright.live.protools.session import session_text
from stemwright.live.protools.wire import WORK_S, ProTools, RefusedError, TooOldError, tracks
from stemwright.model import Marker, Session, Track
from stemwright.naming import one_line, safe_name
from stemwright.session.opened import opened_otherwise
from stemwright.session.protools_info import told


def build(link: ProTools, session: Session) -> Built:
    """Make the session beside the folder of the stems. On failure nothing is left, or the HostError says what.

    Raises SessionError for a plan with cut clips, which cannot be imported, and as `new_session` does.
    """
    planned = [track for track in session.tracks if track.clips]
    for track in planned:
        clip = track.clips[0]
        if len(track.clips) > 1 or clip.source_from or clip.length != clip.file.frames:
            raise SessionError(f"{track.name} is cut into clips; PTSL imports whole files", "export an AAF instead")
    if not planned:
        raise SessionError("there are no stems to build a session from", "give the folder that holds the stems")
    media = planned[0].clips[0].file.path.resolve().parent
    folder = media.parent / safe_name(session.song.title)
    if folder.exists():
        folder = folder.with_name(f"{folder.name}_Pro_Tools")
    warnings = list(_left_out(session))
    with new_session(link, folder, session.sample_rate):
        for track in planned:
            _import(link, track)
        with _or_told(warnings, "no track is muted"):
            if muted := [track.name for track in planned if track.mute]:
                link.ask("SetTrackMuteState", track_names=muted, enabled=True)
        with _or_told(warnings, "the tracks have no colours"):
            _colours(link, planned)
        warnings += _markers(link, session.markers)
        with _or_told(warnings, "the new session could not be looked through"):
            made = told(session_text(link))
            otherwise = opened_otherwise(replace(session, tracks=tuple(planned)), made)
            warnings += [] if link.calls.dry else [f"look into Pro Tools: {one}" for one in otherwise]
    return Built(str(folder), len(planned), tuple(warnings))


@contextmanager
def _or_told(warnings: list[str], what: str) -> Iterator[None]:
    """A block of which a refusal ends no build."""
    try:
        yield
    except (TooOldError, RefusedError, SessionError) as error:
        warnings.append(f"{what}: {error.message}")


def _import(link: ProTools, track: Track) -> None:
    clip, before = track.clips[0], {one["id"] for one in tracks(link)}
    place = {"location_type": "Start", "location_options": "Samples", "location_value": str(clip.at)}
    audio = {
        "file_list": [str(clip.file.path.resolve())],
        "audio_operations": "CopyAudio",
        "audio_destination": "MD_NewTrack",
        "audio_location": "ML_Spot" if clip.at else "ML_SessionStart",
        "location_data": place,
    }
    link.ask("Import", WORK_S, import_type="Audio", audio_data=audio)
    new = [one["name"] for one in tracks(link) if one["id"] not in before] or ["its track"] * link.calls.dry
    if len(new) != 1:
        hint = "see in Pro Tools what became of it"
        raise HostError(f"Pro Tools made {len(new)} tracks of {clip.file.path.name}", hint)
    if new[0] != track.name:
        link.ask("RenameTargetTrack", current_name=new[0], new_name=track.name)


def _colours(link: ProTools, planned: list[Track]) -> None:
    """Give tracks the nearest colours of Pro Tools' palette; its first is number 0 or 1, which one look tells."""
    wanted: dict[str, list[str]] = {}
    for track in planned:
        if track.colour:
            wanted.setdefault(track.colour, []).append(track.name)
    palette, first = _palette(link, "CPTarget_Tracks") if wanted else [], 0
    for number, (colour, names) in enumerate(wanted.items() if palette else ()):
        index = _nearest(colour, palette)
        link.ask("SetTrackColor", track_names=names, color_index=index + first)
        if number == 0:
            shown = next((one.get("color") for one in tracks(link) if one["name"] == names[0]), None)
            if shown and shown != palette[index] and (index == 0 or shown == palette[index - 1]):
                first = 1
                link.ask("SetTrackColor", track_names=names, color_index=index + first)


def _markers(link: ProTools, markers: tuple[Marker, ...]) -> Iterator[str]:
    if not markers:
        return
    if any(marker.length for marker in markers):
        yield "regions are markers at their starts"
    colours: list[str] = []
    refused: list[str] = []
    with _or_told(refused, "the markers have no colours"):
        colours = _palette(link, "CPTarget_Markers") if any(marker.colour for marker in markers) else []
    yield from refused
    with _counting_samples(link):
        for number, marker in enumerate(markers, 1):
            more = {"color_index": _nearest(marker.colour, colours)} if marker.colour and colours else {}
            link.ask(
                "CreateMemoryLocation",
                number=number,
                name=one_line(marker.name),
                start_time=str(marker.at),
                end_time=str(marker.at),
                time_properties="TP_Marker",
                reference="MLR_Absolute",
                general_properties=dict.fromkeys(("zoom_settings", "track_visibility", "track_heights"), False),
                location="MLC_MainRuler",
                **more,
            )


@contextmanager
def _counting_samples(link: ProTools) -> Iterator[None]:
    """Places of memory locations are read in the format of the main counter."""
    try:
        before = link.ask("GetMainCounterFormat").get("current_setting")
        link.ask("SetMainCounterFormat", location_type="TLType_Samples")
    except TooOldError:  # `build` looks where they went
        before = None
    yield
    if before:
        link.ask("SetMainCounterFormat", location_type=before)


def _left_out(session: Session) -> Iterator[str]:
    tracks = session.tracks
    if session.song.bpm or session.song.tempo_map:
        yield "PTSL cannot set the tempo: import the MIDI file with its tempo map (File > Import > MIDI)"
    if any(track.is_group for track in tracks):
        yield "PTSL imports to tracks outside of folders: make these in Pro Tools"
    if any(track.gain_db or track.pan for track in tracks):
        yield "PTSL sets faders and pan as automation only, so they are left: set them in Pro Tools, or open the AAF"
    if any(clip.gain_db for track in tracks for clip in track.clips):
        yield "PTSL cannot set clip gain: set it in Pro Tools, or open the AAF"
    if any(track.comment for track in tracks):
        yield "PTSL cannot set comments: they stand in the notes"


def _palette(link: ProTools, target: str) -> list[str]:
    return list(link.ask("GetColorPalette", color_palette_target=target).get("color_list") or ())


def _nearest(colour: str, palette: list[str]) -> int:
    """Number of the nearest colour, #aarrggbb in the palette."""
    wanted = bytes.fromhex(colour.lstrip("#"))
    apart = [sum((a - b) ** 2 for a, b in zip(wanted, bytes.fromhex(one[-6:]), strict=True)) for one in palette]
    return apart.index(min(apart))
