"""AAF for Pro Tools, Logic, Nuendo, Media Composer, Resolve, Ardour; modelled on what Pro Tools 2023.12 exports.

One top-level CompositionMob: slot 1 timecode, then one sound slot per track at edit rate = sample rate, markers in an
EventMobSlot. Every channel is a mono 24-bit essence of its own behind CompositionMob -> MasterMob -> SourceMob (file)
-> SourceMob (tape); the TimeReference of a source is its place on the tape. Stereo, 5.1 and 7.1 tracks combine their
essences in an "Audio Channel Combiner" (2, 6, 8 channels in the order of the file); a file with another number of
channels becomes one mono track per channel, because hosts know no other combination.

By default the essences are mono WAVs in `Audio Files/` beside the .aaf. Hosts expect an absolute file URL: it names
the place written to; moved together, the files are found again by folder and name. `embed=True` puts the audio into
the .aaf instead. Groups, colours, fades and tempo have no place in an AAF; mute and solo are Media Composer's tags,
which not every host reads; notes and track comments are user comments of the composition and of the clips. Pan laws
are the host's: Pro Tools takes 2.5 to 6 dB from mono tracks in the centre (Session Setup > Pan Depth, -3 dB at first),
so they play softer against stereo ones than they were summed.
"""

from __future__ import annotations

from stemwright.session.fields import FIELDS
from stemwright.session.formats.aaf.reader import read as read
from stemwright.session.formats.aaf.writer import write as write

NAME = "AAF"
SUFFIXES = (".aaf",)
EXPRESSES = frozenset(FIELDS) - {"tempo", "tempo_map", "meter", "key", "groups", "colours", "fades"}
OPTIONS = frozenset({"embed", "replace_media"})
COPIES_MEDIA = True
PROVED = (
    "Read back by our own reader and lint and by `otio-aaf-adapter`; by LibAAF's `aaftool` once, by hand: every "
    "track, clip, position, length and marker, embedded essence bit for bit; never opened in Pro Tools."
)

MOST_BYTES = 16 << 30
"""An AAF that holds its audio may be as large."""
