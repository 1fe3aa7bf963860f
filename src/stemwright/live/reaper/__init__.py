"""REAPER, through reapy and its own API; never seen with a real REAPER by us, see `doctor`.

The project in front is meant unless another is named. REAPER runs on the same machine: it names files as we do.
"""

from __future__ import annotations

from stemwright.live.reaper.insert import build, open_session
from stemwright.live.reaper.link import reaper as connect
from stemwright.live.reaper.project import state
from stemwright.live.reaper.reach import doctor, setup
from stemwright.live.reaper.rendering import export

__all__ = ["NAME", "OPENS", "build", "connect", "doctor", "export", "open_session", "setup", "state"]

NAME = "REAPER"
OPENS = "reaper"
