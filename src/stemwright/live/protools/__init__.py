"""Pro Tools, through PTSL, its own interface for programs; never seen with a real Pro Tools by us, see `doctor`.

Pro Tools has one session open at a time and runs on the same machine: it names files as we do. A session of the user's
is never closed: what makes one (`build`, `verify`) asks for it to be closed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stemwright.errors import HostError
from stemwright.live import Check, packages
from stemwright.live.protools.bounce import export
from stemwright.live.protools.new_session import new_session
from stemwright.live.protools.session import state
from stemwright.live.protools.stems import build
from stemwright.live.protools.wire import SINCE, ProTools
from stemwright.live.protools.wire import pro_tools as connect
from stemwright.model import DawSession, Session
from stemwright.naming import safe_name
from stemwright.units import many

__all__ = ["NAME", "build", "connect", "doctor", "export", "state", "verify"]

NAME = "Pro Tools"


def verify(link: ProTools, path: Path, session: Session) -> DawSession:
    """What Pro Tools makes of an AAF of ours: a session of it is made, read, closed and removed.

    Raises HostError, when Pro Tools makes nothing of it too.
    """
    path = path.resolve()
    folder = path.with_name(f"{safe_name(path.stem)}_Pro_Tools")
    with new_session(link, folder, session.sample_rate, path, keep=False):
        made = state(link)
        if not made.tracks and not link.calls.dry:
            hint = "reported of 2025.6 for every AAF: open it by hand, and give its session info as --session-info"
            raise HostError("Pro Tools made an empty session of the AAF", hint)
    return made


def doctor(link: ProTools) -> Iterator[Check]:
    """What works here."""
    yield Check("py-ptsl", True, ", ".join(packages("ptsl")))
    yield Check("Pro Tools answers", True, link.told_version())
    missing = ", ".join(command for command in SINCE if not link.knows(command))
    yield Check("knows all commands", not missing, missing and f"missing: {missing}")
    made = state(link)
    yield Check("the open session can be read", True, f"{many(len(made.tracks), 'track')} at {made.sample_rate} Hz")
