"""Ardour 7 session: a folder `NAME Ardour` that holds `NAME.ardour` and, in `interchange`, a copy of every stem.

The folder is Ardour's own layout and can be moved as a whole. Copies are exact: a WAV byte by byte, everything else
unpacked to WAV of the same samples, lossy files to 32-bit float. Ardour's pan law takes 3 dB from a mono track in the
centre; its fader makes up for it (`pan`), so that stems sum to the mix. Fades are linear, and added where they cross
inside a clip. The timecode of the session start is left out: Ardour 7.3 exports with silence of the length of that
offset before and after the audio.
"""

from __future__ import annotations

from stemwright.session.fields import FIELDS
from stemwright.session.formats.ardour.reader import read as read
from stemwright.session.formats.ardour.writer import held as held
from stemwright.session.formats.ardour.writer import write as write
from stemwright.session.render import Law, balanced

NAME = "Ardour"
SUFFIXES = (".ardour",)
EXPRESSES = frozenset(FIELDS) - {"key", "marker_colours", "start_timecode"}
COPIES_MEDIA = True
FOLDER = "{} Ardour"
OPTIONS: frozenset[str] = frozenset()
PROVED = "Rendered by Ardour 7.3 itself at 44.1, 48 and 96 kHz: what is left against our own sum lies below -120 dBFS."

PAN_LAW = Law(balanced, last=1, adds=True)
"""Gain and pan as in the Session; fades reach 0 and 1 in their first and last frame. Measured in Ardour 7.3."""
