"""A Pro Tools of our own: PTSL over a real socket, in the real schema of the installed py-ptsl, with a session in it.

Requests are taken apart by PTSL's own messages, so that a wrong field or word is refused. Peculiarities that others met
with real hosts are kept: an empty list comes as {}, SetTrackColor takes names or ids but not both, numbers of memory
locations must be free and their places are read in the format of the main counter. Bounces write real WAV files.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import soundfile
from google.protobuf import json_format
from ptsl import PTSL_pb2 as pt
from ptsl import PTSL_pb2_grpc

_COMMANDS = {number: name[4:] for name, number in pt.CommandId.items() if name.startswith("CId_")}
_BOUNDARY = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_COLUMNS = ("CHANNEL ", "EVENT   ", "CLIP NAME  ", "START TIME    ", "END TIME      ", "DURATION      ", "STATE")

PALETTE = ["#ff101010", "#ffd02020", "#ff20c020", "#ff2020d0"]
OUTPUT = "Out 1-2"
NEWER = {  # command -> (year, month) of the Pro Tools that brought it
    **dict.fromkeys(("GetExportMixSourceList", "BounceTrack"), (2025, 6)),
    **dict.fromkeys(("GetColorPalette", "SetTrackColor"), (2025, 10)),
    **dict.fromkeys(("GetMainCounterFormat", "SetMainCounterFormat"), (2024, 6)),
}


@dataclass
class FakeClip:
    name: str
    at: int
    length: int
    file: Path
    muted: bool = False


@dataclass
class FakeTrack:
    name: str
    id: str
    channels: int = 1
    kind: str = "AudioTrack"
    clips: list[FakeClip] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    color: str = PALETTE[0]
    on: set[str] = field(default_factory=set)
    """Of muted, soloed, inactive, hidden, selected."""

    def described(self) -> dict[str, Any]:
        three = {
            f"is_{state}": "SetExplicitly" if state in self.on else "None"
            for state in ("inactive", "hidden", "selected")
        }
        two = {f"is_{state}": state in self.on for state in ("muted", "soloed")}
        form = "TF_Mono" if self.channels == 1 else "TF_Stereo"
        told = {"name": self.name, "id": self.id, "type": self.kind, "format": form, "color": self.color}
        return told | {"track_attributes": three | two}


@dataclass
class FakeSession:
    name: str
    folder: Path
    rate: int = 48_000
    bits: str = "Bit24"
    interleaved: bool = True
    tracks: list[FakeTrack] = field(default_factory=list)
    markers: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    counter: str = "TLType_BarsBeats"
    selection: tuple[str, str] = ("0", "0")
    saved: int = 0

    def track(self, name: str) -> FakeTrack:
        found = next((track for track in self.tracks if track.name == name), None)
        return found or refuse("PT_NoTrackFound", f"there is no track {name}")

    def add(self, path: Path, at: int = 0, name: str = "") -> FakeTrack:
        info = soundfile.info(path)
        track = FakeTrack(name or path.stem, f"id-{len(self.tracks)}-{path.stem}", info.channels)
        track.clips.append(FakeClip(path.stem, at, info.frames, path))
        self.tracks.append(track)
        return track


class Refused(Exception):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def refuse(name: str, message: str = "Unable to complete the command.") -> Any:
    raise Refused(name, message)


class FakeProTools(PTSL_pb2_grpc.PTSLServicer):
    """The host. `trouble` says what goes wrong at a command: an error's name, `hang`, `dialog`, `quit` or `garbage`."""

    def __init__(self, version: tuple[int, int] = (2025, 10)) -> None:
        self.version = version
        self.session: FakeSession | None = None
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.trouble: dict[str, str] = {}
        self.first_color = 0
        self.aaf_works = True
        self.longest = 1 << 22
        self.gone = threading.Event()
        self.server: Any = None

    def commands(self) -> list[str]:
        return [name for name, _ in self.log]

    def SendGrpcRequest(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's own name)
        command = request.header.command
        name = _COMMANDS[command]
        body = json.loads(request.request_body_json) if request.request_body_json else {}
        self.log.append((name, body))
        trouble = self.trouble.get(name)
        header = pt.ResponseHeader(
            task_id="1", command=command, status=pt.Completed, progress=100, version=self.version[0]
        )
        if trouble == "hang":
            self.gone.wait(20)
        if trouble == "quit":
            threading.Thread(target=self.server.stop, args=(0,)).start()
            self.gone.wait(20)
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        if trouble == "dialog":
            header.status = pt.WaitingForUserInput
            return pt.Response(header=header)
        if trouble == "garbage":
            return pt.Response(header=header, response_body_json="{not json")
        try:
            if trouble:
                refuse(trouble)
            if name not in ("HostReadyCheck", "RegisterConnection") and request.header.session_id != "ours":
                refuse("SDK_SessionIdParseError")
            if (self.version[0] < 2000 and name in NEWER) or self.version < NEWER.get(name, (0, 0)):
                refuse("PT_UnsupportedCommand", f"{name} is not supported")
            form = getattr(pt, f"{name}RequestBody", None)
            if form:
                try:
                    json_format.ParseDict(body, form())
                except json_format.ParseError as error:
                    refuse("PT_InvalidParameter", str(error))
            answer = getattr(self, f"on_{_BOUNDARY.sub('_', name).lower()}")(body)
        except Refused as error:
            header.status = pt.Failed
            one = {"command_error_type": error.name, "command_error_message": str(error), "is_warning": False}
            return pt.Response(header=header, response_error_json=json.dumps({"errors": [one]}))
        return pt.Response(header=header, response_body_json=json.dumps(answer) if answer else "")

    @property
    def open(self) -> FakeSession:
        return self.session or refuse("PT_NoOpenedSession", "There is no opened session.")

    # ---- the host and its session -----------------------------------------------------------------------------

    def on_host_ready_check(self, body: Any) -> Any:
        return {"is_host_ready": True}

    def on_register_connection(self, body: Any) -> Any:
        return {"session_id": "ours"} if body["company_name"] else refuse("PT_InvalidParameter")

    def on_get_ptsl_version(self, body: Any) -> Any:
        year, month = self.version
        return {"version": year, "version_minor": month} if year >= 2000 else {"version": year}

    def on_create_session(self, body: Any) -> Any:
        if self.session:
            refuse("PT_CannotBeDone", "A session is open.")
        folder = Path(body["session_location"]) / body["session_name"]
        if folder.exists():
            refuse("OS_DuplicateName", "The session is there already.")
        (folder / "Audio Files").mkdir(parents=True)
        (folder / f"{body['session_name']}.ptx").write_bytes(b"\x03fake")
        rate = int(body["sample_rate"].removeprefix("SR_"))
        self.session = FakeSession(body["session_name"], folder, rate, body["bit_depth"], body["is_interleaved"])
        if body.get("create_from_aaf") and self.aaf_works:
            self._from_aaf(self.session, Path(body["path_to_aaf"]))

    def _from_aaf(self, session: FakeSession, path: Path) -> None:
        import aaf2

        with aaf2.open(str(path)) as file:
            (composition,) = file.content.toplevel()
            for slot in composition.slots:
                if type(slot).__name__ == "EventMobSlot":
                    for number, event in enumerate(slot.segment.components, 1):
                        session.markers[number] = (event["Comment"].value, event["Position"].value, 0)
                if slot.media_kind != "Sound":
                    continue
                track = FakeTrack(slot.name, f"id-{slot.slot_id}", 1)
                at = 0
                for part in getattr(slot.segment, "components", [slot.segment]):
                    if type(part).__name__ != "Filler":
                        inner = part
                        while type(inner).__name__ == "OperationGroup":
                            if inner.operation.name == "Audio Channel Combiner":
                                track.channels = 2
                            inner = inner.segments[0]
                        track.clips.append(FakeClip(inner.mob.name, at, part.length, Path(f"{inner.mob.name}.wav")))
                    at += part.length
                session.tracks.append(track)

    def on_close_session(self, body: Any) -> Any:
        assert self.open
        self.session = None

    def on_save_session(self, body: Any) -> Any:
        self.open.saved += 1

    def on_get_session_name(self, body: Any) -> Any:
        return {"session_name": self.open.name}

    def on_get_session_bit_depth(self, body: Any) -> Any:
        return {"current_setting": self.open.bits, "possible_settings": ["Bit16", "Bit24", "Bit32Float"]}

    def on_get_session_interleaved_state(self, body: Any) -> Any:
        return {"current_setting": self.open.interleaved, "possible_settings": ["true", "false"]}

    def on_get_file_location(self, body: Any) -> Any:
        files = dict.fromkeys(clip.file for track in self.open.tracks for clip in track.clips)
        wanted = [file for file in files if file.exists() == (body["file_filters"] == ["Online_Files"])]
        return {"file_locations": [{"path": str(file), "info": {"is_online": file.exists()}} for file in wanted]}

    # ---- tracks -----------------------------------------------------------------------------------------------

    def on_get_track_list(self, body: Any) -> Any:
        page = body["pagination_request"]
        found = [track.described() for track in self.open.tracks][page["offset"] : page["offset"] + page["limit"]]
        return {"track_list": found or {}}

    def on_import(self, body: Any) -> Any:
        session, audio = self.open, body.get("audio_data", {})
        if body["import_type"] not in ("Audio", "IType_Audio") or audio["audio_destination"] != "MD_NewTrack":
            refuse("PT_InvalidParameter", "Unable to complete the command due to an unknown error.")
        for file in map(Path, audio["file_list"]):
            if not file.is_file():
                refuse("OS_NoFilePathFound", f"{file.name} is not there")
            if soundfile.info(file).samplerate != session.rate:
                refuse("PT_SampleRateMismatch", "The sample rate of the file differs.")
            place = audio["location_data"]
            spot = audio["audio_location"] == "ML_Spot" and place["location_options"] == "Samples"
            copy = Path(shutil.copy(file, session.folder / "Audio Files"))
            session.add(copy, int(place["location_value"]) if spot else 0)

    def on_rename_target_track(self, body: Any) -> Any:
        if any(track.name == body["new_name"] for track in self.open.tracks):
            refuse("OS_DuplicateName")
        self.open.track(body["current_name"]).name = body["new_name"]

    def _switch(self, body: Any, state: str) -> None:
        for name in body["track_names"]:
            states = self.open.track(name).on
            (states.add if body["enabled"] else states.discard)(state)

    def on_set_track_mute_state(self, body: Any) -> Any:
        self._switch(body, "muted")

    def on_set_track_solo_state(self, body: Any) -> Any:
        self._switch(body, "soloed")

    def on_get_color_palette(self, body: Any) -> Any:
        return {"color_list": PALETTE}

    def on_set_track_color(self, body: Any) -> Any:
        if "track_names" in body and "track_ids" in body:
            refuse("PT_InvalidParameter", "Both names and ids.")
        for name in body["track_names"]:
            self.open.track(name).color = PALETTE[body["color_index"] - self.first_color]

    # ---- places -----------------------------------------------------------------------------------------------

    def on_get_main_counter_format(self, body: Any) -> Any:
        return {"current_setting": self.open.counter, "possible_settings": []}

    def on_set_main_counter_format(self, body: Any) -> Any:
        self.open.counter = body["location_type"]

    def on_create_memory_location(self, body: Any) -> Any:
        if body["number"] in self.open.markers:
            refuse("PT_InvalidParameter", "Such a memory location number is already used.")
        bar = 1 if self.open.counter == "TLType_Samples" else 2 * self.open.rate
        self.open.markers[body["number"]] = (body["name"], int(body["start_time"]) * bar, body.get("color_index", 0))

    def on_get_timeline_selection(self, body: Any) -> Any:
        return dict(zip(("in_time", "out_time"), self.open.selection, strict=True))

    def on_set_timeline_selection(self, body: Any) -> Any:
        self.open.selection = (body["in_time"], body["out_time"])

    # ---- what leaves it ---------------------------------------------------------------------------------------

    def on_export_session_info_as_text(self, body: Any) -> Any:
        text = "\n".join(self._text(self.open))
        if body["track_offset_options"] != "Samples":
            refuse("PT_InvalidParameter")
        if body["output_type"] == "ESI_File":
            Path(body["output_path"]).write_text(text, encoding="utf-8")
            return {}
        return {"session_info": text} if len(text) < self.longest else refuse("PT_ResponseLengthExceeded")

    def _text(self, session: FakeSession) -> Iterator[str]:
        clips = [clip for track in session.tracks for clip in track.clips]
        yield f"SESSION NAME:\t{session.name}"
        yield f"SAMPLE RATE:\t{session.rate}.000000"
        yield f"BIT DEPTH:\t{ {'Bit16': '16-bit', 'Bit24': '24-bit', 'Bit32Float': '32-bit float'}[session.bits] }"
        yield "SESSION START TIMECODE:\t00:00:00:00.00"
        yield "TIMECODE FORMAT:\t30 Frame"
        yield f"# OF AUDIO TRACKS:\t{sum(track.kind == 'AudioTrack' for track in session.tracks)}"
        yield from (f"# OF AUDIO CLIPS:\t{len(clips)}", f"# OF AUDIO FILES:\t{len(clips)}", "", "")
        yield from ("O N L I N E  C L I P S  I N  S E S S I O N", "CLIP NAME       \tSource File")
        yield from (f"{clip.name}\t{clip.file.name}" for clip in clips)
        yield from ("", "", "P L U G - I N S  L I S T I N G")
        yield "MANUFACTURER\tPLUG-IN NAME            \tVERSION\tFORMAT\tSTEMS\tNUMBER OF INSTANCES"
        yield from (
            f"Avid\t{name}\t1.0\tAAX Native\tMono / Mono\t1 active" for t in session.tracks for name in t.plugins
        )
        yield from ("", "", "T R A C K  L I S T I N G")
        for track in session.tracks:
            words = [word.title() for word in ("inactive", "hidden", "muted") if word in track.on]
            words += ["Solo"] if "soloed" in track.on else []
            yield f"TRACK NAME:\t{track.name}{' (Stereo)' if track.channels == 2 else ''}"
            yield from ("COMMENTS:\t", "USER DELAY:\t0 Samples", f"STATE: {' '.join(words)} ")
            yield "\t".join(("PLUG-INS: ", *track.plugins))
            yield "\t".join(_COLUMNS)
            for channel in range(1, track.channels + 1):
                for number, clip in enumerate(track.clips, 1):
                    end, state = clip.at + clip.length, "Muted" if clip.muted else "Unmuted"
                    yield f"{channel}\t{number}\t{clip.name}\t{clip.at}\t{end}\t{clip.length}\t{state}"
            yield from ("", "")
        yield "M A R K E R S  L I S T I N G"
        yield "#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tCOMMENTS"
        yield from (f"{n}   \t{at}  \t{at}  \tSamples  \t{name}\t" for n, (name, at, _) in session.markers.items())

    def _mix(self, some: list[FakeTrack], start: int, end: int, channels: int) -> np.ndarray:
        mix = np.zeros((end - start, channels))
        for track in some:
            for clip in track.clips:
                sound = soundfile.read(clip.file, always_2d=True)[0][: max(0, end - clip.at)]
                mix[clip.at - start : clip.at - start + len(sound)] += sound
        return mix

    def _write(self, body: Any, name: str, mix: np.ndarray) -> str:
        audio, place = body["audio_info"], body["location_info"]
        if place["import_after_bounce"] != "TB_False" or body["file_type"] != "EMFType_WAV":
            refuse("PT_InvalidParameter")
        path = Path(place["directory"]) / f"{name}.wav"
        kind = {"Bit16": "PCM_16", "Bit24": "PCM_24", "Bit32Float": "FLOAT"}[audio["bit_depth"]]
        soundfile.write(path, mix, int(audio["sample_rate"].removeprefix("SR_")), kind)
        return str(path)

    def on_bounce_track(self, body: Any) -> Any:
        track = next(track for track in self.open.tracks if track.id == body["src_track_id"])
        start, end = map(int, self.open.selection)
        if "in_location" in body or start == end:  # places of its own are as good as none
            refuse("PT_CannotBeDone", "There is no content on the timeline.")
        name = f"{body.get('file_name_prefix', '')}{track.name}"
        return {"file_paths": [self._write(body, name, self._mix([track], start, end, track.channels))]}

    def on_get_export_mix_source_list(self, body: Any) -> Any:
        return {"source_list": [OUTPUT]}

    def on_export_mix(self, body: Any) -> Any:
        if [source["name"] for source in body["mix_source_list"]] != [OUTPUT]:
            refuse("PT_InvalidParameter", "There is no such source.")
        soloed = [track for track in self.open.tracks if "soloed" in track.on]
        heard = soloed or [track for track in self.open.tracks if "muted" not in track.on]
        start, end = map(int, self.open.selection)
        self._write(body, body["file_name"], self._mix(heard, start, end, 2))


@contextmanager
def running(fake: FakeProTools) -> Iterator[int]:
    """The port on which a fake answers."""
    fake.server = grpc.server(futures.ThreadPoolExecutor(4))
    PTSL_pb2_grpc.add_PTSLServicer_to_server(fake, fake.server)
    port = fake.server.add_insecure_port("localhost:0")
    fake.server.start()
    try:
        yield port
    finally:
        fake.gone.set()
        fake.server.stop(0).wait()
