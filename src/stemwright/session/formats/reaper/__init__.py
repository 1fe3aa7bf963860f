"""REAPER project (.rpp), hand-written text in the keys that REAPER 7 itself writes.

Sources: ReaTeam's state chunk definitions and real projects. Items and markers stand in seconds with digits enough
that `round(seconds * rate)` is the frame again; tracks and items are time-based (`BEAT 0`, `TIMELOCKMODE 1`), so that
a tempo edit never moves a stem. Stems are referred to where they lie, relative to the project and with forward
slashes. REAPER has no field for the key: it stands in the notes and in a marker. Track comments are the notes of the
track's first item, of an empty one where it has none. A track name with all three kinds of quotes stands whole in a
chunk of its own, as REAPER 5 and later do it. How bar 1 gets onto the grid: `session.grid`; the second field of
PROJOFFS counts the bars of the lead-in off, so that the ruler calls it 1 (REAPER shows bar + 1 + this `projmeasoffs`:
Cockos' csurf_mcu). PANLAW 1 and PANMODE 3 (stereo balance) play the centre and the loud side at unity.
"""

from __future__ import annotations

from stemwright.session.fields import FIELDS
from stemwright.session.formats.reaper.filler import fill as fill
from stemwright.session.formats.reaper.reader import read as read
from stemwright.session.formats.reaper.writer import held as held
from stemwright.session.formats.reaper.writer import write as write

NAME = "REAPER"
SUFFIXES = (".rpp",)
EXPRESSES = frozenset(FIELDS) - {"key"}
OPTIONS: frozenset[str] = frozenset()
MIXED_RATES = True
PROVED = "Parsed the same by `rpp`, `reaproj` and `reaper-parser`; never opened in REAPER."
