"""DAWproject 1.0 (.dawproject) for Bitwig, Studio One, Cubase, n-Track: a zip of two XML files and the audio itself.

Source: Project.xsd, MetaData.xsd and the sample project of the format's authors (bitwig/dawproject). Beats are quarter
notes. Everything lies on one timeline in beats; by default a clip has the form that Bitwig exports and most readers
keep: Clips > Clip > Clips > Clip > Warps > Audio, with a warp point at each tempo change, so that audio runs at its own
speed. `style="raw"` is the authors' plain form, Clip > Audio in seconds, without warps.

Audio is stored uncompressed under `audio/`, every file as it is, bit for bit. A group is a track that contains its
members, its bus a channel of role "master" (readers refuse "submix"); the master track comes last. Clip gain has no
attribute: one that all clips of a track share goes into the track's volume, where a comment of the clips tells it,
others become a gain expression. The key stands in the comment of the metadata. Pan laws are the host's: Cubase takes
3 dB from mono tracks in the centre unless Project Setup > Stereo Pan Law says 0 dB.
"""

from __future__ import annotations

from stemwright.session.fields import FIELDS
from stemwright.session.formats.dawproject.filler import fill as fill
from stemwright.session.formats.dawproject.reader import read as read
from stemwright.session.formats.dawproject.writer import write as write

NAME = "DAWproject"
SUFFIXES = (".dawproject",)
EXPRESSES = frozenset(FIELDS) - {"regions", "key", "clip_gain", "start_timecode", "frame_rate"}
OPTIONS = frozenset({"style"})
MIXED_RATES = True
COPIES_MEDIA = True
MOST_BYTES = 1 << 40
PROVED = "Valid by the format's schemas; read by two independent libraries once, by hand; never opened in a DAW."
