"""REAPER, through reapy and its own API; never seen with a real REAPER by us, see `doctor`.

The project in front is meant unless another is named. REAPER runs on the same machine: it names files as we do.
"""

from __future__ import annotations

from stemwright.live._reaper_insert import build, open_session
from stemwright.live._reaper_link import reaper as connect
from stemwright.live._reaper_render import export
from stemwright.live._reaper_setup import doctor, setup
from stemwright.live._reaper_state import state

__all__ = ["NAME", "OPENS", "build", "connect", "doctor", "export", "open_session", "setup", "state"]

NAME = "REAPER"
OPENS = "reaper"
