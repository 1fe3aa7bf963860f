"""The DAW that is open on the user's screen: one module or package per host, found here, listed nowhere.

A host module imports its client library only in `connect`. It has

- `NAME`, as people call it;
- `connect(asked) -> AbstractContextManager[link]`: within the block the host answers, after it the host is as free as
  before. Raises MissingExtra, and HostError with the exact next step within a few seconds. With `asked.dry_run` nothing
  is sent: `link.calls` fills with what would be;

and, as far as the host can, these functions, each an action of `stemwright live HOST`; what they are given first is
that link. A host that fails in the middle is left as it was, or the HostError says what is left:

- `build(link, session) -> Built`: the tracks, clips, tempo and markers of a `model.Session` in the host;
- `open_session(link, path) -> Built`, where the host opens files of the session format `OPENS`: `build` without
  `--into` then goes this way;
- `state(link) -> DawSession`: the session that is open, for `audit`;
- `export(link, wanted) -> Rendered`: every stem rendered into the empty folder `wanted.folder`, the user's own settings
  put back whatever happens;
- `verify(link, path, session) -> DawSession`: what the host makes of a session file of ours;
- `doctor(link) -> Iterator[Check]`: what works here, without a path or a name of the user's;
- `setup(confirmed, folder) -> Setup` needs no link: how the host is made reachable, done as far as it was confirmed.

What a host says itself stands in a HostError's message behind a colon: it may name what is the user's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from stemwright.errors import HostError, SessionError, UnknownName
from stemwright.model import Output, RenderSettings
from stemwright.registry import module_names

T = TypeVar("T")

ACTIONS = ("build", "audit", "export", "verify", "doctor", "setup")
"""What hosts may do; the function for an audit is `state`, the others are called like their actions."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which host is meant, and how."""

    port: int = 0
    """Of its interface; 0 for the usual one."""
    project: str = ""
    """Name of the open session that is meant; "" for the one in front."""
    dry_run: bool = False


@dataclass(slots=True)
class Calls:
    """What a host is asked, in order; `dry` notes only."""

    dry: bool = False
    made: list[str] = field(default_factory=list)

    def note(self, name: str, *arguments: Any) -> None:
        """Remember one call as it would be written."""
        self.made.append(f"{name}({', '.join(map(repr, arguments))})")


@dataclass(frozen=True, slots=True)
class Built:
    """What stands in the host now."""

    session: str
    """Its name there; its folder where it is a new one."""
    tracks: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is to be, at the session's own sample rate."""

    folder: Path
    """Empty, absolute."""
    bits: int = 24
    tail_s: float = 0.0
    """Seconds that ring out after the end."""
    tracks: tuple[str, ...] = ()
    """Names; none means those that are selected, or else all that sound."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came out of an export."""

    files: tuple[Path, ...]
    settings: RenderSettings
    """What matters of those that were used."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a doctor's report."""

    what: str
    ok: bool
    told: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a host is made reachable: what was done, and the steps that are left to the user."""

    done: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()


def hosts() -> tuple[str, ...]:
    """The names of all hosts."""
    return module_names(__name__)


def host(name: str) -> ModuleType:
    """One host. Raises UnknownName."""
    import importlib

    if name not in hosts():
        raise UnknownName(f"there is no live host {name!r}", f"known: {', '.join(hosts())}", name, hosts())
    return importlib.import_module(f"{__name__}.{name}")


def actions(name: str) -> tuple[str, ...]:
    """What a host can do."""
    module = host(name)
    return tuple(action for action in ACTIONS if hasattr(module, "state" if action == "audit" else action))


def picked(wanted: Wanted, there: Mapping[str, T], session: str, dry: bool) -> list[T]:
    """The tracks that are asked for by name; in a dry run, which knows no names, all. Raises SessionError."""
    strange = [name for name in wanted.tracks if name not in there]
    if strange and not dry:
        raise SessionError(f"{session}: has no track called {strange[0]!r}", f"it has: {', '.join(there)}")
    return list(there.values()) if strange else [there[name] for name in wanted.tracks]


def packages(module: str) -> list[str]:
    """The installed packages that give a module, with their versions."""
    from importlib import metadata

    given = sorted(set(metadata.packages_distributions().get(module, ())))
    return [f"{name} {metadata.version(name)}" for name in given]


def silent(host_name: str, limit_s: float) -> HostError:
    """A host that does not answer in time."""
    hint = "is a dialog open in it? Close that and give the command again"
    return HostError(f"{host_name} did not answer within {limit_s:g} s", hint)


def gone(host_name: str) -> HostError:
    """A host that went away in the middle."""
    return HostError(f"{host_name} closed the connection", "was it quit? Start it and give the command again")


@contextmanager
def past_proxies() -> Iterator[None]:
    """A block in which this machine is reached directly, whatever proxy its system is set to."""
    was = os.environ.get("no_proxy")
    os.environ["no_proxy"] = "localhost,127.0.0.1"
    try:
        yield
    finally:
        if was is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = was
