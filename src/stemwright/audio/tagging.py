"""What is known of a song and its stem, written where each format keeps it; samples and all other metadata stay.

| format | where |
|---|---|
| WAV, RF64 | description of our own bext, iXML (project, note, speed, tracks, tempo), LIST INFO, ID3; `acid` if asked |
| AIFF | ID3, NAME, AUTH |
| MP3 | ID3v2.3 |
| FLAC, Ogg, Opus | Vorbis comments |
| M4A | atoms: `tmpo` as a whole number, the exact tempo, the key and the rest as iTunes' free-form ones |

Which key says what is in `places.py`. The `acid` chunk is off by default: hosts stretch a file that has one.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.audio import chunks, riff
from stemwright.audio.places import PLACES
from stemwright.audio.probe import probe
from stemwright.audio.tags import Cover, picture_of, put_id3, stem_id3
from stemwright.audio.wav import replace_chunks
from stemwright.errors import OutputError
from stemwright.model import AudioFormat, Song
from stemwright.safety import atomic
from stemwright.units import PITCH_CLASSES, seconds, short_key, spell_key

NOTE = re.compile(
    r"(?=.)(?:(?P<bpm>[\d.]+) BPM)?(?:(?:^|, )key (?P<key>[A-G][#b]? \w+))?(?:(?:^|, )stem (?P<stem>[\w.]+))?"
)
"""How `note` is written, for `fullmatch`."""

_INFO_ORDER = ("title", "artist", "album", "date", "genre", "track", "composer", "bpm", "stem", "comment")
_MOST = 1 << 26
"""Bytes of an old chunk that we are willing to take up; a larger one is given up."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file is to say. Nothing is written of what is empty."""

    title: str = ""
    """Of the song; a stem's file is called `<title> - <name>`."""
    name: str = ""
    """Of the stem."""
    role: str = ""
    artist: str = ""
    bpm: float | None = None
    key: str = ""
    """As in the model: `F# minor`."""
    meter: tuple[int, int] = (4, 4)
    session_rate: int = 0
    """Hz."""
    tags: tuple[tuple[str, str], ...] = ()
    """Of the source: album, date, ..., by the names of `places.py`; an ISRC, too, where the file is the recording."""
    cover: Cover | None = None

    def pairs(self) -> dict[str, str]:
        """(name, text) of all that tags say."""
        ours = {
            "title": " - ".join(filter(None, (self.title, self.name))),
            "artist": self.artist,
            "bpm": "" if self.bpm is None else plain_bpm(self.bpm),
            "key": short_key(self.key) if self.key else "",
            "stem": self.role,
            "session_rate": str(self.session_rate or ""),
        }
        return {
            name: text for name, text in {**dict(self.tags), **{k: v for k, v in ours.items() if v}}.items() if text
        }

    @property
    def note(self) -> str:
        """`93.5 BPM, key F# minor, stem vocals.lead`, as far as it is known."""
        parts = (f"{plain_bpm(self.bpm)} BPM" if self.bpm else "", f"key {spell_key(self.key)}" if self.key else "")
        return ", ".join(filter(None, (*parts, f"stem {self.role}" if self.role else "")))


def plain_bpm(bpm: float) -> str:
    """A tempo as tags have it, to a thousandth, which is 2 ms after four minutes: `93.5`."""
    return f"{round(bpm, 3):g}"


def facts_of(
    song: Song, name: str, role: str, tags: Iterable[tuple[str, str]] = (), cover: Cover | None = None
) -> Facts:
    """The facts of a stem, or of the mix (role `mix`), with the `tags` of what it was made from.

    Tempo and key are those of the song alone: a source's own were judged when the song was made. An ISRC names a
    recording, so only the mix keeps it.
    """
    ours = {"bpm", "key", *(() if role == "mix" else ("isrc",))}
    return Facts(
        title=song.title,
        name=name,
        role=role,
        artist=song.artist,
        bpm=song.bpm.value if song.bpm else None,
        key=song.key.value if song.key else "",
        meter=(song.meter_map[0].numerator, song.meter_map[0].denominator) if song.meter_map else (4, 4),
        session_rate=song.sample_rate,
        tags=tuple((tag, text) for tag, text in tags if tag not in ours and not NOTE.fullmatch(text)),
        cover=cover,
    )


def tag_file(path: Path, facts: Facts, *, acid: bool = False) -> None:
    """Write facts into a file, atomically; samples and whatever else it says stay as they are.

    Raises OutputError for a format that keeps no tags or a file that is too damaged to take some, DiskFull, and what
    `probe` raises.
    """
    file = probe(path)
    kind = file.format.container
    try:
        if file.format.riff:
            replace_chunks(path, wav_chunks(facts, file.format, file.frames, _old(path), acid))
        elif kind == "aiff":
            replace_chunks(path, _aiff_chunks(facts, _old(path)))
        else:
            with atomic(path) as part:
                shutil.copyfile(path, part)
                _put(part, kind, facts)
    except ValueError as error:
        hint = "it is damaged, byte-swapped or of a kind that keeps none; make a WAV of it"
        raise OutputError(f"{path}: cannot take tags: {error}", hint) from error


def wav_chunks(
    facts: Facts, form: AudioFormat, frames: int, old: Mapping[bytes, bytes] | None = None, acid: bool = False
) -> dict[bytes, bytes | None]:
    """The chunks of a WAV that say all this, by name as `replace_chunks` takes them; `old` are those it has."""
    old, pairs = old or {}, facts.pairs()
    made: dict[bytes, bytes | None] = {
        b"iXML": chunks.build_ixml(
            project=facts.title,
            track=facts.name,
            channels=form.channels,
            sample_rate=form.sample_rate,
            bits=form.bits,
            tempo=facts.bpm,
            note=_note(old.get(b"iXML", b""), facts.note),
            old=old.get(b"iXML", b""),
        ),
        b"LISTINFO": _info(old.get(b"LISTINFO", b""), pairs, facts.note),
        b"id3 ": stem_id3(pairs.items(), facts.cover, old.get(b"id3 ") or old.get(b"ID3 ", b"")) or None,
    }
    if b"ID3 " in old:
        made[b"ID3 "] = None
    bext = chunks.parse_bext(old.get(b"bext", b""))
    if bext and bext.originator == chunks.Bext().originator:
        made[b"bext"] = description(facts).encode("ascii", "replace")[:256].ljust(256, b"\0") + old[b"bext"][256:]
    isrc = re.sub(r"[\s-]", "", pairs.get("isrc", "")).upper()
    axml = chunks.build_axml(isrc) if chunks.ISRC.fullmatch(isrc) else b""
    if axml and old.get(b"axml", axml) == axml:
        made[b"axml"] = axml
    if acid and facts.bpm:
        beats = round(seconds(frames, form.sample_rate) / 60 * round(facts.bpm * 1000) / 1000)
        root = 60 + PITCH_CLASSES.index(facts.key.split()[0]) if facts.key else None
        made[b"acid"] = chunks.build_acid(chunks.Acid(facts.bpm, beats, root, facts.meter))
    return made


def description(facts: Facts) -> str:
    """For the bext chunk: `Song - Vocals, 93.5 BPM, key F# minor`."""
    return ", ".join(filter(None, (facts.pairs().get("title", ""), facts.note.partition("stem ")[0].strip(", "))))


def _note(ixml: bytes, note: str) -> str:
    """The note of an iXML body without what we said before, and with what we say now."""
    there = (chunks.parse_ixml(ixml) or {}).get("note", "") if ixml else ""
    return "\n".join(filter(None, (*(line for line in there.splitlines() if not NOTE.fullmatch(line)), note)))


def _info(old: bytes, pairs: Mapping[str, str], note: str) -> bytes:
    """A LIST INFO body with our entries behind those that stay; the comment is ours only where nobody else's stands."""
    there = list(chunks.info_entries(old))
    comments = [body.split(b"\0")[0].decode("utf-8", "replace") for name, body in there if name == b"ICMT"]
    told = {
        **pairs,
        "comment": "" if any(not NOTE.fullmatch(text) for text in comments) else pairs.get("comment", note),
    }
    texts = {PLACES[name].info.encode(): told.get(name, "").replace("\0", " ").strip() for name in _INFO_ORDER}
    ours = [(name, text.encode("utf-8", "replace") + b"\0") for name, text in texts.items() if text]
    return chunks.build_info([*(entry for entry in there if not texts.get(entry[0])), *ours])


def _aiff_chunks(facts: Facts, old: Mapping[bytes, bytes]) -> dict[bytes, bytes | None]:
    pairs = facts.pairs()
    made: dict[bytes, bytes | None] = {
        PLACES[name].aiff.encode(): pairs[name].encode("utf-8", "replace")
        for name in ("title", "artist")
        if name in pairs
    }
    made[b"ID3 "] = stem_id3(pairs.items(), facts.cover, old.get(b"ID3 ") or old.get(b"id3 ", b"")) or None
    return {**made, **({b"id3 ": None} if b"id3 " in old else {})}


def _old(path: Path) -> dict[bytes, bytes]:
    """The chunks of a file that we take up or look at, by name; a repeated LIST INFO as one."""
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        for chunk in riff.walk(file, path.stat().st_size):
            if chunk.name == b"LIST" and chunk.size <= _MOST:
                body = riff.body(file, chunk, _MOST)
                name = chunk.name + body[:4]
                found[name] = found.get(name, b"") + body[4:] + b"\0" * (len(body) % 2)
            elif chunk.name in (b"bext", b"iXML", b"axml", b"id3 ", b"ID3 ") and chunk.size <= _MOST:
                found.setdefault(chunk.name, riff.body(file, chunk, _MOST))
    return found


def _put(path: Path, kind: str, facts: Facts) -> None:
    """Write the tags of a compressed file in place, through mutagen. Raises ValueError, OSError."""
    from mutagen import flac, mp3, mp4, oggopus, oggvorbis

    kinds = {"mp3": mp3.MP3, "flac": flac.FLAC, "ogg": oggvorbis.OggVorbis, "opus": oggopus.OggOpus, "m4a": mp4.MP4}
    if kind not in kinds:
        raise ValueError(f"{kind} files keep none that others read")
    try:
        file: Any = kinds[kind](path)
        if file.tags is None:
            file.add_tags()
        pairs = facts.pairs()
        if kind == "mp3":
            put_id3(file.tags, pairs.items(), facts.cover)
            file.tags.update_to_v23()
        else:
            stale = {key for name in ("bpm", "key") if name in pairs for key in PLACES[name].keys}
            for key in {key for key in file.tags.keys() if key.lower() in stale}:  # noqa: SIM118  it iterates over pairs
                del file.tags[key]
            file.tags.update(_atoms(pairs) if kind == "m4a" else _comments(pairs))
            _put_cover(file, kind, facts.cover)
        file.save(path, **({"v2_version": 3} if kind == "mp3" else {}))
    except Exception as error:  # mutagen raises whatever its parsers meet, and hides an OSError in one of its own
        hidden = next((each for each in (error, *error.args) if isinstance(each, OSError)), None)
        raise hidden or ValueError(error) from error


def _put_cover(file: Any, kind: str, cover: Cover | None) -> None:
    from mutagen.mp4 import MP4Cover

    place = {"m4a": "covr", "flac": ""}.get(kind, "metadata_block_picture")
    if cover is None or (file.tags.get(place) if place else file.pictures):
        return
    if kind == "m4a" and cover.mime in ("image/png", "image/jpeg"):  # it has no type for others
        png = cover.mime == "image/png"
        file.tags[place] = [MP4Cover(cover.data, MP4Cover.FORMAT_PNG if png else MP4Cover.FORMAT_JPEG)]
    elif kind == "flac":
        file.add_picture(picture_of(cover))
    elif kind != "m4a":
        file.tags[place] = [base64.b64encode(picture_of(cover).write()).decode()]


def _comments(pairs: Mapping[str, str]) -> dict[str, str]:
    return {key: text for name, text in pairs.items() if name in PLACES for key in PLACES[name].vorbis}


def _atoms(pairs: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, text in pairs.items():
        key = PLACES[name].mp4 if name in PLACES else ""
        if key == "trkn":
            numbers = [int(part) if part.isdecimal() else 0 for part in text.split("/")[:2]]
            made[key] = [(numbers[0], *numbers[1:], 0)[:2]]
        elif key:
            made[key] = [text.encode() if key.startswith("----") else text]
    if "bpm" in pairs:
        made["tmpo"] = [round(float(pairs["bpm"]))]
    return made
