"""Where each format keeps a fact about a song: the one table that tags are read and written by.

Sources: ID3v2.3 and 2.4 (id3.org), Vorbis comments as Picard and the DJ programs write them (INITIALKEY and KEY), MP4
atoms of iTunes, LIST INFO (RIFF, IBM and Microsoft, 1991; IBPM is TagLib's), AIFF 1.3. Two traps: INFO's IKEY means
keywords and its ISRC the supplier, so neither is written; in a WAV the ISRC stands in `axml` (EBU Tech 3352) and ID3.
"""

from __future__ import annotations

from dataclasses import dataclass

_APPLE = "----:com.apple.iTunes:"


@dataclass(frozen=True, slots=True)
class Places:
    """The keys of one fact, as they are written; `also` are others that mean it and are only read."""

    id3: str
    """A frame, or TXXX:description."""
    vorbis: tuple[str, ...]
    mp4: str
    info: str = ""
    aiff: str = ""
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that means the fact in ID3, Vorbis comments and MP4, in lower case, the best one first."""
        return tuple(key.lower() for key in (self.id3, *self.vorbis, self.mp4, *self.also))


PLACES = {
    "title": Places("TIT2", ("TITLE",), "\xa9nam", "INAM", "NAME"),
    "artist": Places("TPE1", ("ARTIST",), "\xa9ART", "IART", "AUTH"),
    "album": Places("TALB", ("ALBUM",), "\xa9alb", "IPRD"),
    "bpm": Places("TBPM", ("BPM",), f"{_APPLE}BPM", "IBPM", also=("txxx:bpm", "tempo", "tmpo")),
    "key": Places(
        *("TKEY", ("INITIALKEY", "KEY"), f"{_APPLE}initialkey"), also=(f"{_APPLE}key", "txxx:initialkey", "txxx:key")
    ),
    "comment": Places("COMM", ("COMMENT",), "\xa9cmt", "ICMT", "ANNO", also=("txxx:comment", "description")),
    "composer": Places("TCOM", ("COMPOSER",), "\xa9wrt", "IMUS"),
    "date": Places("TDRC", ("DATE",), "\xa9day", "ICRD", also=("year",)),
    "genre": Places("TCON", ("GENRE",), "\xa9gen", "IGNR"),
    "isrc": Places("TSRC", ("ISRC",), f"{_APPLE}ISRC"),
    "track": Places("TRCK", ("TRACKNUMBER",), "trkn", "ITRK"),
    "stem": Places("TXXX:STEM", ("STEM",), f"{_APPLE}STEM", "ISBJ"),
    "session_rate": Places("TXXX:SESSION_RATE", ("SESSION_RATE",), f"{_APPLE}SESSION_RATE"),
}
"""Our name of a fact -> where it stands."""

INFO = {place.info.encode(): name for name, place in PLACES.items() if place.info and name != "stem"}
"""LIST INFO entries that are read; ISBJ of others may be anything."""
AIFF = {place.aiff.encode(): name for name, place in PLACES.items() if place.aiff}
