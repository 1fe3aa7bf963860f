"""The wire to Pro Tools: py-ptsl's client, with a limit to every wait and an error that names the next step.

Commands go out as `Client.run_command` sends them: with the fields that are meant and no others, since Pro Tools
refuses some commands that carry empty ones (SetTrackColor with both names and ids). Words are those that Pro Tools has
known from the start; newer ones have further names for the same values.
Sources: py-ptsl 601; the comments of Avid's PTSL headers for what came with which Pro Tools.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from stemwright.errors import HostError, MissingExtra
from stemwright.live import Asked, Calls, gone, past_proxies, silent

PORT = 31416
_NAME = "stemwright"
ANSWER_S = 15.0
"""Longest wait for a question."""
WORK_S = 300.0
"""Longest wait for a command that writes or reads files."""

SINCE = {
    **dict.fromkeys(("SetTimelineSelection", "GetTimelineSelection"), (2023, 9)),
    **dict.fromkeys(("SetTrackMuteState", "SetTrackSoloState"), (2023, 12)),
    **dict.fromkeys(("GetMainCounterFormat", "SetMainCounterFormat"), (2024, 6)),
    **dict.fromkeys(("GetExportMixSourceList", "BounceTrack"), (2025, 6)),
    **dict.fromkeys(("GetColorPalette", "SetTrackColor"), (2025, 10)),
}
"""Pro Tools that first knew a command; all others are older than RegisterConnection (2023.3), which all need."""

BITS = {16: "Bit16", 24: "Bit24", 32: "Bit32Float"}
"""Bit depths that Pro Tools has."""

_COUNTED = (2025, 5)
"""The newest that a Pro Tools can be whose PTSL has a small number for its version."""

_UNKNOWN = ("PT_UnsupportedCommand", "SDK_VersionMismatch", "SDK_NotImplemented")
_ASSUMED: dict[str, dict[str, Any]] = {
    "GetPTSLVersion": {"version": 2025, "version_minor": 10},
    "GetSessionName": {"session_name": "the open session"},
    "GetTrackList": {"track_list": [{"name": "a track", "type": "AudioTrack", "id": "its id"}]},
    "GetColorPalette": {"color_list": ["#ff808080"]},
    "GetMainCounterFormat": {"current_setting": "its format"},
    "GetTimelineSelection": {"in_time": "its start", "out_time": "its end"},
    "ExportSessionInfoAsText": {
        "session_info": "SAMPLE RATE:\t48000\nTIMECODE FORMAT:\t30 Frame\nSESSION START TIMECODE:\t00:00:00:00\n"
        "TRACK NAME:\ta track\nCHANNEL \n1\t1\ta clip\t0\t48000\t48000\tUnmuted\n"
    },
}
"""What a dry run takes for answers."""


class TooOldError(HostError):
    """A command that is newer than the Pro Tools that runs."""


class RefusedError(HostError):
    """Pro Tools answered that it cannot or will not; `reason` is its name for why."""

    def __init__(self, message: str, hint: str, reason: str) -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(slots=True)
class ProTools:
    """A Pro Tools that answers."""

    calls: Calls
    client: Any = None
    version: tuple[int, int] = (0, 0)
    """Year and month; before 2025.6 a small number that only PTSL counts."""
    asked: Asked = field(default_factory=Asked)

    def ask(self, command: str, limit_s: float = ANSWER_S, **body: Any) -> dict[str, Any]:
        """What Pro Tools answers to a command. Raises TooOldError, RefusedError, and HostError when it does not."""
        self.calls.note(command, *([body] if body else []))
        if self.calls.dry:
            return _ASSUMED.get(command, {})
        if not self.knows(command):
            raise self._too_old(command)
        import grpc
        from google.protobuf.json_format import ParseError
        from ptsl import PTSL_pb2
        from ptsl.errors import CommandError

        self.client.limit_s = limit_s
        try:
            return self.client.run_command(PTSL_pb2.CommandId.Value(f"CId_{command}"), body) or {}
        except CommandError as error:
            name = error.error_name or "an error without a name"
            if name in _UNKNOWN:
                raise self._too_old(command) from error
            told = f"Pro Tools refused {command} ({name})" + (f": {error.message}" if error.message else "")
            raise RefusedError(told, _HINTS.get(name, _SEE), name) from error
        except grpc.RpcError as error:
            raise _broken(error, limit_s) from error
        except AssertionError as error:  # py-ptsl's own, for a task that is not done
            hint = "is a dialog open in it? Close that first"
            raise HostError(f"Pro Tools did not finish {command}", hint) from error
        except (ParseError, ValueError) as error:
            raise HostError(f"Pro Tools answered {command} with something unreadable", _SEE) from error

    def knows(self, command: str) -> bool:
        """Whether this Pro Tools is new enough for a command, as far as its version tells."""
        year, month = self.version if self.version[0] >= 2000 else _COUNTED
        mine = (year, month or 12)  # a version without a month may be any of its year
        return self.calls.dry or mine >= SINCE.get(command, (0, 0))

    def told_version(self) -> str:
        """`PTSL 2025.10`, or `PTSL 5`."""
        return f"PTSL {self.version[0]}" + (f".{self.version[1]}" if self.version[0] >= 2000 else "")

    def _too_old(self, command: str) -> TooOldError:
        year, month = SINCE.get(command, (2023, 3))
        hint = f"it came with Pro Tools {year}.{month}; update Pro Tools"
        return TooOldError(f"this Pro Tools ({self.told_version()}) does not know {command}", hint)


@contextmanager
def pro_tools(asked: Asked) -> Iterator[ProTools]:
    """The Pro Tools that runs on this machine.

    Raises MissingExtra without py-ptsl; HostError with the next step when Pro Tools cannot be reached or is too old.
    """
    link = ProTools(Calls(asked.dry_run), asked=asked)
    link.calls.note("RegisterConnection", {"company_name": _NAME, "application_name": _NAME})
    if not asked.dry_run:
        link.client = _client(asked.port or PORT)
    try:
        told = link.ask("GetPTSLVersion")
        link.version = (int(told.get("version", 0)), int(told.get("version_minor", 0)))
        yield link
    finally:
        if link.client:
            link.client.close()


def opened(link: ProTools) -> str:
    """Name of the open session. Raises HostError when there is none, or another than the one that is asked for."""
    try:
        name = str(link.ask("GetSessionName").get("session_name", ""))
    except RefusedError as error:
        if error.reason != "PT_NoOpenedSession":
            raise
        raise HostError("no session is open in Pro Tools", "open the session first") from error
    if link.asked.project and not link.calls.dry and name.lower() != link.asked.project.lower():
        raise HostError(f"the open session is {name!r}, not {link.asked.project!r}", "open that one first")
    return name


def tracks(link: ProTools) -> list[dict[str, Any]]:
    """All tracks of the open session as PTSL describes them, in order."""
    found: list[dict[str, Any]] = []
    while True:
        page = {"limit": 500, "offset": len(found)}
        everything = [{"filter": "All", "is_inverted": False}]
        part = link.ask("GetTrackList", track_filter_list=everything, pagination_request=page).get("track_list")
        found += part or []  # an empty list comes as {}
        if len(part or ()) < page["limit"]:
            return found


def _client(port: int) -> Any:
    try:
        import grpc
        import ptsl
    except ImportError as error:
        raise MissingExtra("py-ptsl is not installed", "pip install 'stemwright[protools]'") from error

    class Client(ptsl.Client):  # type: ignore[misc]  # py-ptsl is untyped
        """The client, with a limit to each wait; its own has none."""

        limit_s = ANSWER_S

        def _send_sync_request(self, command_id: int, request_body_json: str, task_id: str = "") -> Any:
            send = self.raw_client.SendGrpcRequest
            self.raw_client.SendGrpcRequest = lambda request: send(request, timeout=self.limit_s)
            try:
                return super()._send_sync_request(command_id, request_body_json, task_id)
            finally:
                self.raw_client.SendGrpcRequest = send

    unheard = io.StringIO()  # the client prints what it then raises
    try:
        with redirect_stdout(unheard), redirect_stderr(unheard), past_proxies():
            client = Client(company_name=_NAME, application_name=_NAME, address=f"localhost:{port}")
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            hint = "start Pro Tools 2023.3 or newer on this machine and wait until it is ready"
            raise HostError(f"no Pro Tools answers on port {port}", hint) from error
        raise _broken(error, ANSWER_S) from error
    if not client.session_id:
        client.close()
        raise HostError("Pro Tools does not let stemwright in", "is it older than 2023.3, or still starting?")
    return client


_SEE = "see Pro Tools for what it says"
_HINTS = {
    "PT_NoOpenedSession": "open a session in Pro Tools first",
    "PT_HostIsBusy": "wait until Pro Tools has finished, or close its dialog, and give the command again",
    "PT_HostNotReady": "wait until Pro Tools has started",
    "PT_CommandTimeout": "is a dialog open in Pro Tools? Close that and give the command again",
    "PT_SampleRateMismatch": "bring all files to the session's sample rate first",
    "PT_ReadOnlySession": "save the session under another name first",
    "OS_DiskSpace": "make room on the disk",
    "OS_WritePermissions": "choose a folder that Pro Tools may write to",
}


def _broken(error: Any, limit_s: float) -> HostError:
    return silent("Pro Tools", limit_s) if error.code().name == "DEADLINE_EXCEEDED" else gone("Pro Tools")
