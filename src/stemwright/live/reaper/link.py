"""A REAPER that answers: its calls, held together, with one open project that is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from stemwright.errors import HostError
from stemwright.live import Asked, Calls, gone, silent
from stemwright.live.reaper.wire import ANSWER_S, WEB_PORT, connected, marker_names

LATE_S = 20.0
"""Longest wait, in seconds, for an answer that did not come in time, before what was begun is undone."""

OLDEST = (6, 0)
"""The REAPER in which all render settings can be read and set."""

NONE = "(void*)0x0"


class Handle(str):
    """What a dry run has instead of an answer; written without quotes."""

    __repr__ = str.__str__


@dataclass(slots=True)
class Reaper:
    """A REAPER that answers, and the open project that is meant."""

    calls: Calls
    port: int = WEB_PORT
    client: Any = None
    api: Any = None
    version: str = ""
    project: Any = None
    path: str = ""
    """Of the project's file; "" for one never saved."""
    pending: bool = False
    """Whether an answer is still to come."""
    lost: bool = False
    """Whether it did not even come late."""

    @property
    def name(self) -> str:
        """The project's."""
        return _name(self.path)

    def knows(self, function: str) -> bool:
        """Whether this REAPER has a function."""
        return self.calls.dry or function in self.api.__all__

    def call(self, function: str, *arguments: Any, limit_s: float = 0.0) -> Any:
        """What one function of REAPER returns, within `ANSWER_S` or another limit.

        Raises HostError when it fails, is missing, or does not answer.
        """
        self.calls.note(function, *arguments)
        if self.calls.dry:
            answer = _ASSUMED.get(function, _written if function.endswith("_String") else None)
            if callable(answer):
                return answer(*arguments)
            number = sum(call.startswith(f"{function}(") for call in self.calls.made)
            return Handle(f"<{function} {number}>") if answer is None else answer
        if not self.knows(function):
            raise HostError(f"REAPER {self.version} knows no {function}", "install a newer REAPER")
        self.client._socket.limit_s = limit_s = limit_s or ANSWER_S
        self.pending = True
        try:
            answer = getattr(self.api, function)(*arguments)
        except (OSError, ValueError) as error:
            raise _broken(error, limit_s) from error
        except Exception as error:
            self.pending = False
            if type(error).__name__ != "DistError":
                raise
            reason = str(error).strip().splitlines()[-1]
            raise HostError(f"REAPER refused {function}: {reason}", "see REAPER for what it says") from error
        self.pending = False
        return answer

    def text(self, function: str, *arguments: Any) -> str:
        """The text that a function ...Info_String of REAPER gives."""
        told: str = self.call(function, *arguments, "", False)[3]
        return told

    def number(self, name: str) -> float:
        """A number of the project's."""
        return float(self.call("GetSetProjectInfo", self.project, name, 0.0, False))

    def put(self, values: Mapping[str, float | str]) -> None:
        """Set numbers and texts of the project's."""
        for name, value in values.items():
            function = "GetSetProjectInfo_String" if isinstance(value, str) else "GetSetProjectInfo"
            self.call(function, self.project, name, value, True)

    def names(self) -> dict[tuple[bool, int], str]:
        """Names of the project's regions (True) and markers by their numbers. REAPER must not be held."""
        self.calls.note("GET", "/_/MARKER;REGION")
        return {} if self.calls.dry else marker_names(self.port)

    def settled(self) -> bool:
        """Wait for an answer that is still to come. Whether the wire can be used."""
        if self.pending and not self.lost:
            self.client._socket.limit_s = LATE_S
            try:
                self.client._get_result()
                self.pending = False
            except (OSError, ValueError):
                self.lost = True
        return not self.pending

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block of calls that REAPER answers at once, with nothing in between."""
        if self.calls.dry:
            yield
            return
        try:
            self.client.request("HOLD")
        except (OSError, ValueError) as error:
            raise _broken(error, ANSWER_S) from error
        try:
            yield
        finally:
            if self.settled():
                with suppress(OSError, ValueError):
                    self.client.request("RELEASE")


@contextmanager
def reaper(asked: Asked) -> Iterator[Reaper]:
    """The REAPER that runs here, with its front project or the one that is asked for.

    A dry run is told of one project with one track. Raises MissingExtra without reapy; HostError with the next step
    when REAPER cannot be reached or is too old, or has no such project.
    """
    link = Reaper(Calls(asked.dry_run), asked.port or WEB_PORT)
    if not asked.dry_run:
        link.api, link.client = connected(link.port)
    try:
        link.version = str(link.call("GetAppVersion"))
        found = re.match(r"(\d+)\.(\d+)", link.version)
        if not found or (int(found[1]), int(found[2])) < OLDEST:
            needed = ".".join(map(str, OLDEST))
            raise HostError(f"REAPER {link.version} is too old", f"install REAPER {needed} or newer")
        front = link.call("EnumProjects", -1, "", 4096)[0]
        link.project, link.path = _project(link, front, asked.project)
        if link.project != front:
            link.call("SelectProjectInstance", link.project)
        try:
            yield link
        finally:
            if link.project != front and link.settled():
                with suppress(HostError):
                    link.call("SelectProjectInstance", front)
    finally:
        if link.client:
            link.client.close()


def _written(thing: Any, what: str, value: str, is_set: bool) -> tuple[Any, ...]:
    return True, thing, what, value if is_set else Handle(f"<{what}>"), is_set


_ASSUMED: dict[str, Any | Callable[..., Any]] = {
    "GetAppVersion": "7.0",
    "EnumProjects": lambda number, *_: (Handle("project") if number < 1 else NONE, number, "", 4096),
    "GetProjectTimeSignature2": ("project", 120.0, 4.0),
    "GetSetProjectInfo": 0.0,
    "CountTracks": 1,
    "CountTrackMediaItems": 1,
    "GetTrackName": (True, "track", "track", 4096),
    "CountMediaItems": 0,
    "CountTempoTimeSigMarkers": 0,
    "TakeIsMIDI": 0,
    "TrackFX_GetCount": 1,
    "TrackFX_GetFXName": (True, "track", 0, "effect", 1024),
    "GetMediaSourceFileName": ("source", "file.wav", 4096),
    "GetMediaTrackInfo_Value": 0.0,
    "GetMediaItemInfo_Value": 0.0,
    "GetMediaSourceSampleRate": 0,
    "EnumProjectMarkers3": (0,),
    "GetProjectLength": 1.0,
    "GetAudioDeviceInfo": (False, "SRATE", "", 64),
    "Undo_CanUndo2": "",
}
"""What a dry run takes for answers."""


def projects(link: Reaper) -> list[tuple[Any, str]]:
    """All open projects and the paths of their files; "" for one never saved."""
    found: list[tuple[Any, str]] = []
    while len(found) < 256:
        handle, _, path, _ = link.call("EnumProjects", len(found), "", 4096)
        if null(handle):
            break
        found.append((handle, path))
    return found


def null(handle: Any) -> bool:
    """Whether a handle is REAPER's "none"."""
    return not re.search("0x0*[1-9A-Fa-f]", str(handle)) and not isinstance(handle, Handle)


def _name(path: str) -> str:
    return re.split(r"[\\/]", path)[-1] or "unsaved project"


def _project(link: Reaper, front: Any, wanted: str) -> tuple[Any, str]:
    there = projects(link)
    if not wanted:
        return next((one for one in there if one[0] == front), (front, ""))
    if link.calls.dry:
        return Handle(wanted), wanted
    meant = [one for one in there if _name(one[1]).lower() in (wanted.lower(), f"{wanted.lower()}.rpp")]
    if len(meant) != 1:
        known = ", ".join(_name(path) for _, path in there)
        raise HostError(f"{'no' if not meant else 'more than one'} open project is called {wanted!r}", f"open: {known}")
    return meant[0]


def _broken(error: Exception, limit_s: float) -> HostError:
    return silent("REAPER", limit_s) if isinstance(error, TimeoutError | BlockingIOError) else gone("REAPER")
