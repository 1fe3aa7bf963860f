"""The wire to REAPER: the reapy client, quiet when it is imported and never waiting for ever.

reapy (0.10) reaches for REAPER while it is imported, warns when there is none, waits without limit for every answer,
and asks for its server's port again and again where that does not start. So the port is asked for here first, the
import is kept from the network, and its sockets have a limit. REAPER answers about 30 calls a second, unless they are
made while it is held (`Reaper.held`): then nothing else, not even the user, gets in between. A hold has to be ended by
a call: a client that only goes away ends reapy's server in REAPER.
Sources: reapy's own code; REAPER's `reaper_python.py` for what the calls return, and `main.js` of its web interface.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from stemwright.errors import HostError, MissingExtra
from stemwright.live import past_proxies

WEB_PORT = 2307
"""Of the web interface that `reapy.config` makes."""

ANSWER_S = 5.0
"""Longest wait for one answer, in seconds."""

START_S = 3.0
"""Longest wait for reapy's server in REAPER to start, in seconds."""

_SETUP = "in REAPER, run the action `activate_reapy_server`; `stemwright live reaper setup` tells how to get there"


class _Patient(socket.socket):
    """A socket that always has a limit: reapy takes it away from its own."""

    limit_s = ANSWER_S

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        super().settimeout(self.limit_s)

    def settimeout(self, value: float | None) -> None:
        super().settimeout(self.limit_s if value is None else value)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As asked for; with a limit set, the system itself returns less than MSG_WAITALL promises."""
        if not flags & getattr(socket, "MSG_WAITALL", 0):
            return super().recv(size, flags)
        parts = bytearray()
        while len(parts) < size:
            part = super().recv(min(size - len(parts), 1 << 20))
            if not part:
                raise ConnectionAbortedError
            parts += part
        return bytes(parts)


@contextmanager
def _quietly(module: Any, name: str, value: Any) -> Iterator[None]:
    """Another value for a name of a module, and no warnings, while the block runs."""
    was = getattr(module, name)
    setattr(module, name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        setattr(module, name, was)


def _no_network(*_: Any, **__: Any) -> None:
    raise urllib.error.URLError("not yet")


def reapy_config() -> Any:
    """`reapy.config`, imported without a warning or a look at the network. Raises MissingExtra."""
    try:
        with _quietly(urllib.request, "urlopen", _no_network):
            import reapy.config
    except ImportError as error:
        raise MissingExtra("reapy is not installed", "pip install 'stemwright[reaper]'") from error
    return reapy.config


def connected(port: int) -> tuple[Any, Any]:
    """Reapy's view of REAPER's functions, and its client, connected. Raises MissingExtra, HostError."""
    reapy_config()
    import reapy
    from reapy import reascript_api
    from reapy.tools.network import machines

    with past_proxies():
        server = _server_port(port)
        machines.CLIENTS.pop("localhost", None)
        opened: list[_Patient] = []

        def patient(*arguments: Any, **settings: Any) -> _Patient:
            opened.append(_Patient(*arguments, **settings))
            return opened[-1]

        try:
            with _quietly(reapy.config, "WEB_INTERFACE_PORT", port), _quietly(socket, "socket", patient):
                reapy.connect("localhost")
            return reascript_api, machines.CLIENTS["localhost"]
        except Exception as error:  # of any kind: reapy does not look at what it gets
            for one in opened:
                one.close()
            raise HostError(f"reapy's server in REAPER (port {server}) does not answer", _SETUP) from error


def marker_names(port: int) -> dict[tuple[bool, int], str]:
    """Names of the front project's regions (True) and markers by their numbers, which only its web interface gives.

    REAPER's Python functions hand the name argument of `EnumProjectMarkers3` back as it came. Raises HostError.
    """
    with past_proxies():
        rows = [line.split("\t") for line in _web(port, "MARKER;REGION").split("\n")]
    marks = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}
    return {
        (row[0] == "REGION", int(row[2])): re.sub(r"\\[nt\\]", lambda found: marks[found[0]], row[1])
        for row in rows
        if row[0] in ("MARKER", "REGION") and len(row) > 3 and row[2].isdecimal()
    }


def _server_port(port: int) -> int:
    """Where reapy's server listens in REAPER; it is started when it is not there yet. Raises HostError."""
    if not (server := _state(port, "server_port")):
        action = _state(port, "activate_reapy_server")
        if not action:
            raise HostError("REAPER is there, but not set up for other programs", _SETUP)
        with suppress(HostError):  # it may answer only when the server runs
            _web(port, str(action))
        until = time.monotonic() + START_S
        while not (server := _state(port, "server_port")):
            if time.monotonic() > until:
                raise HostError("reapy's server in REAPER did not start", _SETUP)
            time.sleep(0.1)
    return int(server)


def _state(port: int, key: str) -> Any:
    """A value that reapy left with REAPER; None when there is none. Raises HostError."""
    words = _web(port, f"GET/EXTSTATE/reapy/{key}").rstrip("\r\n").split("\t")
    if len(words) != 4 or words[:3] != ["EXTSTATE", "reapy", key]:
        raise HostError(
            f"what answers on port {port} is not REAPER", "give the port of REAPER's web interface as --port"
        )
    try:
        return json.loads(words[3]) if words[3] else None
    except ValueError:
        return None


def _web(port: int, command: str) -> str:
    """What REAPER's web interface answers. Raises HostError."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/_/{command}", timeout=2) as answer:
            return str(answer.read(1 << 22).decode("utf-8", "replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        hint = "start REAPER first; if it runs, `stemwright live reaper setup` tells what it needs, once"
        raise HostError(f"no REAPER answers on port {port}", hint) from error
