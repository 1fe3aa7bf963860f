"""A session put into REAPER: its project file in a new tab, or its tracks into the open project in one undo step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stemwright.errors import HostError
from stemwright.live import Built
from stemwright.live.reaper.link import Handle, Reaper, null, projects
from stemwright.model import Clip, Session, Track
from stemwright.session.formats import folders, nested
from stemwright.session.grid import grid
from stemwright.units import linear

_STEP = "Insert stems (stemwright)"
_NEW_TAB, _CLOSE_TAB = 40859, 40860
"""Actions."""


def open_session(link: Reaper, path: Path) -> Built:
    """Open a project in a new tab. Raises HostError when REAPER has it open already or does not open it."""
    path = path.absolute()
    if any(_same(opened, path) for _, opened in projects(link)):
        raise HostError(f"{path.name} is open in REAPER already", "close its tab and give the command again")
    link.call("Main_OnCommandEx", _NEW_TAB, 0, 0)
    link.call("Main_openProject", f"noprompt:{path}", limit_s=60)
    project, _, opened, _ = link.call("EnumProjects", -1, "", 4096)
    if not (_same(opened, path) or link.calls.dry):
        link.call("Main_OnCommandEx", _CLOSE_TAB, 0, 0)
        raise HostError(f"REAPER did not open {path.name}", "see REAPER for what it says")
    return Built(path.name, int(link.call("CountTracks", project)))


def _same(opened: str, path: Path) -> bool:
    return bool(opened) and Path(opened).resolve() == path.resolve()


def build(link: Reaper, session: Session) -> Built:
    """Insert the tracks behind those of the open project; on any failure all of it is undone.

    Tempo and sample rate are set only in a project without items and tempo markers: elsewhere they would move what is
    there. Raises HostError.
    """
    rate, tracks = session.sample_rate, tuple(folders(nested(session.tracks)))
    empty = not link.call("CountMediaItems", link.project) and not link.call("CountTempoTimeSigMarkers", link.project)
    points = grid(session.song) if empty and session.song.bpm else ()
    warnings = () if empty else tuple(_differs(link, session))
    with link.held():
        was = {name: link.number(name) for name in ("PROJECT_SRATE", "PROJECT_SRATE_USE")}
        link.call("Undo_BeginBlock2", link.project)
        try:
            if empty:
                link.put({"PROJECT_SRATE": float(rate), "PROJECT_SRATE_USE": 1.0})
            for point in points:
                place = (float(point.at), -1, -1, float(point.bpm), *point.meter, False)
                link.call("SetTempoTimeSigMarker", link.project, -1, *place)
            first = int(link.call("CountTracks", link.project))
            for number, (track, step) in enumerate(tracks, first):
                _insert(link, rate, number, track, step)
            for marker in session.markers:
                at, end = marker.at / rate, marker.end / rate
                shown = (bool(marker.length), at, end, marker.name, -1, _colour(link, marker.colour))
                link.call("AddProjectMarker2", link.project, *shown)
        except BaseException as error:
            _undo(link, was, error)
            raise
        link.call("Undo_EndBlock2", link.project, _STEP, -1)
        link.call("TrackList_AdjustWindows", False)
        link.call("UpdateArrange")
    return Built(link.name, len(tracks), warnings)


def _undo(link: Reaper, was: dict[str, float], error: BaseException) -> None:
    """Take back what was inserted so far. Raises HostError when that fails, and in place of one that it explains."""
    why = error.message if isinstance(error, HostError) else "interrupted"
    try:
        if not link.settled():
            raise HostError("REAPER does not answer")
        link.call("Undo_EndBlock2", link.project, _STEP, -1)
        if link.call("Undo_CanUndo2", link.project) == _STEP:
            link.call("Undo_DoUndo2", link.project)
        link.put(was)
    except HostError as left:
        hint = f"if REAPER still runs, undo {_STEP!r} in it; close any dialog first"
        raise HostError(f"{why}; what was inserted so far could not be undone", hint) from left
    if isinstance(error, HostError):
        raise HostError(f"{why}; {link.name} is as it was", error.hint) from error


def _insert(link: Reaper, rate: int, number: int, track: Track, step: int) -> None:
    link.call("InsertTrackAtIndex", number, False)
    made = link.call("GetTrack", link.project, number)
    link.call("GetSetMediaTrackInfo_String", made, "P_NAME", track.name, True)
    for name, value in (
        ("I_CUSTOMCOLOR", _colour(link, track.colour)),
        ("I_FOLDERDEPTH", step),
        ("I_NCHAN", max(2, track.channels + track.channels % 2)),
        ("C_BEATATTACHMODE", 0),  # time, so that a tempo edit never moves a stem
        ("D_VOL", linear(track.gain_db)),
        ("D_PAN", track.pan),
        ("B_MUTE", track.mute),
        ("I_SOLO", track.solo),
    ):
        link.call("SetMediaTrackInfo_Value", made, name, value if isinstance(value, Handle) else float(value))
    for clip in track.clips:
        _place(link, rate, made, track, clip)


def _place(link: Reaper, rate: int, made: Any, track: Track, clip: Clip) -> None:
    source = link.call("PCM_Source_CreateFromFile", str(clip.file.path.absolute()))
    if null(source):
        raise HostError(f"REAPER cannot read {clip.file.path.name}", "`stemwright audit` tells what is wrong with it")
    item = link.call("AddMediaItemToTrack", made)
    take = link.call("AddTakeToMediaItem", item)
    link.call("SetMediaItemTake_Source", take, source)
    link.call("GetSetMediaItemTakeInfo_String", take, "P_NAME", track.name, True)
    for name, value in (("D_STARTOFFS", clip.source_from / rate), ("D_VOL", linear(clip.gain_db))):
        link.call("SetMediaItemTakeInfo_Value", take, name, float(value))
    for name, value in (
        ("D_POSITION", clip.at / rate),
        ("D_LENGTH", clip.length / rate),
        ("B_LOOPSRC", 0),
        ("D_FADEINLEN", clip.fade_in / rate),
        ("D_FADEOUTLEN", clip.fade_out / rate),
    ):
        link.call("SetMediaItemInfo_Value", item, name, float(value))
    if track.comment and clip is track.clips[0]:
        link.call("GetSetMediaItemInfo_String", item, "P_NOTES", track.comment, True)


def _colour(link: Reaper, colour: str | None) -> Any:
    native = link.call("ColorToNative", *bytes.fromhex(colour[1:])) if colour else 0
    return native if isinstance(native, Handle) else 0x1000000 | native if colour else 0


def _differs(link: Reaper, session: Session) -> Iterator[str]:
    """What a project that is not empty keeps, where the stems want another."""
    bpm, own = link.call("GetProjectTimeSignature2", link.project, 0, 0)[1], session.song.bpm
    if own and abs(bpm - own.value) > 0.01:
        yield f"{link.name} keeps its tempo, {bpm:g} BPM; the stems have {own.value:g}"
    rate = int(link.number("PROJECT_SRATE"))
    if link.number("PROJECT_SRATE_USE") and rate != session.sample_rate:
        yield f"{link.name} keeps its sample rate, {rate} Hz; the stems have {session.sample_rate} Hz"
