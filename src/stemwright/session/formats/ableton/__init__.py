"""Ableton Live 12.1 set (.als): gzip of XML, in a project folder `NAME Project` of its own as Live makes one.

There is no public specification. Element names, order and values are those of sets that Live 11 and 12 saved (see
`parts`); the set itself is our own from its first to its last element. Media stay where they are: Live finds them
relative to the set (`RelativePathType` 1, `../` for outside of the folder), so set and stems move together.

Live has a palette of 70 colours, one clip at a time on a track, and faders that end at +6 dB: `held` says what of a
session remains. A region becomes a locator at its start. Live pans with constant power, mono and stereo alike: unity in
the centre, so that stems sum to the mix, and +3 dB at the sides.
"""

from __future__ import annotations

import numpy as np

from stemwright.session.fields import FIELDS
from stemwright.session.formats.ableton.filler import fill as fill
from stemwright.session.formats.ableton.reader import read as read
from stemwright.session.formats.ableton.writer import held as held
from stemwright.session.formats.ableton.writer import write as write
from stemwright.session.render import Floats, Law

NAME = "Ableton Live"
SUFFIXES = (".als",)
EXPRESSES = frozenset(FIELDS) - {"regions", "marker_colours", "start_timecode", "frame_rate"}
OPTIONS: frozenset[str] = frozenset()
MIXED_RATES = True
FOLDER = "{} Project"
PROVED = (
    "Read by `logic2ableton` (tracks, clip times, locators) and `buildable` (tracks, groups), element order "
    "compared with sets saved by Live 12.1 and 12.2; never opened in Live."
)


def _pan(pan: float, channels: int) -> Floats:
    """Sinusoidal constant power, 0 dB at the centre and +3 dB at the sides (manual, Audio Fact Sheet)."""
    angle = (pan + 1) * np.pi / 4
    sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)]) if pan else np.ones(2)
    return sides[:, None] if channels == 1 else np.diag(sides)


PAN_LAW = Law(_pan)
