"""A new session in Pro Tools that is there as a whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stemwright.errors import HostError, SessionError, StemwrightError
from stemwright.live.protools.wire import BITS, WORK_S, ProTools, RefusedError

_RATES = (44100, 48000, 88200, 96000, 176400, 192000)


@contextmanager
def new_session(link: ProTools, folder: Path, rate: int, aaf: Path | None = None, keep: bool = True) -> Iterator[None]:
    """Create a session, or make one of an AAF, in `folder`, which must not be there yet; 24-bit BWF, interleaved.

    After the block it is saved and stays open, or with `keep` off is closed and removed. When anything fails, the
    error says so too, or what is left. Raises SessionError for a rate that Pro Tools has not, HostError when a
    session is open: it is the user's.
    """
    if rate not in _RATES:
        raise SessionError(f"Pro Tools has no sessions at {rate} Hz", "use 44.1 or 48 kHz, or their multiples")
    if not link.calls.dry and folder.exists():
        raise SessionError(f"{folder}: is there already", "give another title, or move that folder away")
    if (name := _open(link)) and not link.calls.dry:
        raise HostError(f"the session {name!r} is open in Pro Tools", "save and close it first; nothing was changed")
    more: dict[str, Any] = {"create_from_aaf": True, "path_to_aaf": str(aaf)} if aaf else {}
    try:
        link.ask(
            "CreateSession",
            WORK_S,
            session_name=folder.name,
            session_location=f"{folder.parent}{os.sep}",
            file_type="FT_WAVE",
            sample_rate=f"SR_{rate}",
            bit_depth=BITS[24],
            input_output_settings="IO_StereoMix",
            is_interleaved=True,
            is_cloud_project=False,
            create_from_template=False,
            **more,
        )
        yield
        if keep:
            link.ask("SaveSession", WORK_S)
    except BaseException as error:
        removed = _removed(link, folder)
        if isinstance(error, StemwrightError):
            error.hint += f"; {'the unfinished session was closed and removed' if removed else _left(folder)}"
        raise
    if not keep and not _removed(link, folder):
        raise HostError("Pro Tools does not close the session that was made to look at", _left(folder))


def _open(link: ProTools) -> str:
    """Name of the open session; "" when there is none."""
    try:
        return str(link.ask("GetSessionName").get("session_name", ""))
    except RefusedError as error:
        if error.reason == "PT_NoOpenedSession":
            return ""
        raise


def _removed(link: ProTools, folder: Path) -> bool:
    """Close the session unsaved, if it is that of this folder, and remove it. Whether it is gone."""
    try:
        name = _open(link)
        if name == folder.name or link.calls.dry:
            link.ask("CloseSession", WORK_S, save_on_close=False)
        elif name and folder.exists():
            return False
    except HostError:
        return False
    if not link.calls.dry:
        shutil.rmtree(folder, ignore_errors=True)
    return link.calls.dry or not folder.exists()


def _left(folder: Path) -> str:
    return f"a session is left in {folder}: close it unsaved and delete that folder"
