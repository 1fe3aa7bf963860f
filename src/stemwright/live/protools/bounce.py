"""Stems out of Pro Tools with the settings of the export guide: WAV, interleaved, offline, no import after bounce.

From 2025.6 on Pro Tools bounces a track by itself, without the master fader. Before, each track is soloed and the mix
bounced, which goes through the master fader and its inserts. Either bounces what is selected on the timeline: who tried
it on a Pro Tools reports that BounceTrack with places of its own finds nothing there. Solo and selection are put back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stemwright.errors import HostError, SessionError
from stemwright.live import Rendered, Wanted, picked
from stemwright.live.protools.session import is_set, kind_of, state
from stemwright.live.protools.wire import BITS, ProTools, RefusedError, TooOldError, tracks
from stemwright.model import DawSession, RenderSettings
from stemwright.naming import safe_name, unused

_USUAL = ("1-2", "A 1-2", "Out 1-2", "Main Output L/R")
"""What the main output is called where Pro Tools does not list its outputs."""


def export(link: ProTools, wanted: Wanted) -> Rendered:
    """Bounce every wanted track from the session's start to its end into the folder, each into a file of its name.

    Raises HostError when Pro Tools fails, in the middle too: files that are there by then are whole.
    """
    session = state(link)
    rate = session.sample_rate or 48_000
    end = (session.length or 0) + round(wanted.tail_s * rate)
    if not session.length and not link.calls.dry:
        raise HostError(f"there are no clips in the session {session.name!r}", "open the session that is meant")
    there, used = tracks(link), set[str]()
    chosen = _chosen(there, wanted, session, link.calls.dry)
    named = [(track, unused(safe_name(track["name"]), used)) for track in chosen]
    limit_s = 120 + 2 * end / rate  # faster than the music, unless hardware inserts hold it to that
    made: list[Path] = []

    def bounce(command: str, name: str, mono: bool = False, **more: Any) -> None:
        before = set(wanted.folder.glob("*"))
        link.ask(command, limit_s, **_settings(wanted, rate, mono), **more)
        new = set(wanted.folder.glob("*")) - before
        if len(new) != 1 and not link.calls.dry:
            raise HostError(f"Pro Tools wrote {len(new)} files for {name}, not one", f"look into {wanted.folder}")
        made.extend(file.rename(wanted.folder / f"{name}.wav") for file in new)

    with _selected(link, end):
        try:
            automation = dict.fromkeys(("render_volume_automation", "render_pan_automation"), True)
            for track, name in named:
                mono = str(track.get("format", "")).endswith("Mono")
                bounce("BounceTrack", name, mono, src_track_id=track["id"], automation_options=automation)
        except TooOldError:
            outputs = _outputs(link)
            with _soloing(link, [track["name"] for track in there if is_set(track, "is_soloed")]) as solo:
                for track, name in named:
                    solo(track["name"])
                    _mix(bounce, outputs, name)
            return Rendered(tuple(made), RenderSettings(via_master=True))
    return Rendered(tuple(made), RenderSettings(via_master=False))


def _chosen(there: list[dict[str, Any]], wanted: Wanted, session: DawSession, dry: bool) -> list[dict[str, Any]]:
    """The tracks that are asked for, or else selected, or else all that sound."""
    if wanted.tracks:
        return picked(wanted, {track["name"]: track for track in there}, session.name, dry)
    with_clips = {track.name for track in session.tracks if track.clips}
    heard = [track for track in there if not is_set(track, "is_muted") and not is_set(track, "is_inactive")]
    sound = [track for track in heard if track["name"] in with_clips or kind_of(track) == "instrument"]
    chosen = [track for track in sound if is_set(track, "is_selected")] or sound
    if not chosen:
        raise SessionError(f"{session.name}: no track plays anything", "unmute what is to be exported, or name it")
    return chosen


def _settings(wanted: Wanted, rate: int, mono: bool) -> dict[str, Any]:
    return {
        "file_type": "EMFType_WAV",
        "offline_bounce": "TB_True",
        "audio_info": {
            "compression_type": "CT_PCM",
            "export_format": "EF_Mono" if mono else "EF_Interleaved",
            "bit_depth": BITS[min((bits for bits in BITS if bits >= wanted.bits), default=32)],
            "sample_rate": f"SR_{rate}",
            "pad_to_frame_boundary": "TB_False",
            "delivery_format": "EM_DF_SingleFile",
        },
        "location_info": {
            "import_after_bounce": "TB_False",
            "file_destination": "EM_FD_Directory",
            "directory": f"{wanted.folder.resolve()}{os.sep}",
        },
    }


def _outputs(link: ProTools) -> list[str]:
    """Names that the main output may have, the likeliest first."""
    try:
        names = link.ask("GetExportMixSourceList", type="EMSType_Output").get("source_list") or []
    except TooOldError:
        return list(_USUAL)
    if not names:
        raise HostError("Pro Tools lists no outputs to bounce", "Setup > I/O, Output: make a path")
    return list(names)


def _mix(bounce: Callable[..., None], outputs: list[str], name: str) -> None:
    """Bounce the first of the outputs that Pro Tools takes; those that it refuses are left out from then on."""
    while True:
        try:
            bounce("ExportMix", name, file_name=name, mix_source_list=[{"source_type": "Output", "name": outputs[0]}])
            return
        except RefusedError as error:
            if len(outputs) == 1 or error.reason not in ("PT_InvalidParameter", "PT_UnknownError"):
                raise
            del outputs[0]


@contextmanager
def _selected(link: ProTools, end: int) -> Iterator[None]:
    """A block in which all up to a frame is selected on the timeline; afterwards the selection is as it was."""
    before = link.ask("GetTimelineSelection", location_type="TLType_Samples")
    edges = {edge: before[edge] for edge in ("in_time", "out_time") if edge in before}
    try:
        link.ask("SetTimelineSelection", in_time="0", out_time=str(end), location_type="TLType_Samples")
        yield
    finally:
        with suppress(HostError):
            link.ask("SetTimelineSelection", **edges, location_type="TLType_Samples")


@contextmanager
def _soloing(link: ProTools, before: list[str]) -> Iterator[Callable[[str], None]]:
    """Solo one track after the other; afterwards those are soloed that were."""
    now = list(before)

    def turn(names: list[str], on: bool) -> None:
        if names:
            link.ask("SetTrackSoloState", track_names=names, enabled=on)

    def solo(name: str) -> None:
        turn(now, False)
        now[:] = [name]
        turn(now, True)

    try:
        yield solo
    except HostError as error:
        if now and not isinstance(error, RefusedError | TooOldError):
            error.hint += f"; {', '.join(now)} may still be soloed"
        raise
    finally:
        with suppress(HostError):
            if now != before:
                turn(now, False)
                turn(before, True)
