"""`notes.toml`: what the producer states about a song and its stems, in a file that lies with them.

A delivery's holds everything that is known of the song; one that `notes --edit` made, only what was answered. What
stands there wins over names, tags and measurement. A fact is a plain value (`bpm = 93.5`), which counts as stated by
the producer, or a table that says how sure it is and where it comes from::

    title = "Night Train"
    bpm = { value = 93.5, confidence = 0.8, source = "measured", alternatives = [187.0] }
    key = "F# minor"
    sample_rate = 48000          # Hz: from here on a whole record; frames count in it
    downbeat_frame = 24000

    [release]
    isrc = "DEXX12600001"

    [stems."Night_Train_Vocals.wav"]      # a file's name, or a stem's
    printed_effects = "plate reverb"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from stemwright import serial, toml
from stemwright.errors import SettingsError
from stemwright.model import Estimate, Song, Stem, StemSet
from stemwright.safety import read_bytes, write_text
from stemwright.units import FASTEST_BPM, SLOWEST_BPM, parse_key

NAME = "notes.toml"
MAX_BYTES = 1 << 20

_HEAD = """\
# What is known about this song. Change what is wrong: what stands here wins over names, tags and measurement.
# A plain value is a fact that you state:  bpm = 93.5  or  key = "F#m".  Frames count at sample_rate, `at` in quarters.

"""


_NOTHING = Song("", 0)


@dataclass(frozen=True, slots=True)
class Release:
    """What labels, publishers and libraries ask for; all in the producer's words."""

    album: str = ""
    label: str = ""
    isrc: str = ""
    iswc: str = ""
    writers: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    """Who owns how much: `Anna Berg 50 %`."""
    explicit: bool | None = None
    versions: tuple[str, ...] = ()
    """Main, Instrumental, A cappella, TV mix, ..."""


@dataclass(frozen=True, slots=True)
class StemWords:
    """What is said of one stem."""

    printed_effects: str = ""
    comments: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """Everything in a `notes.toml`. The song is a whole record when its sample rate is not 0, else some facts of it."""

    song: Song = _NOTHING
    click: str = ""
    """Whether the song was played to a click, and what there is of it."""
    comments: str = ""
    """On the song as a whole."""
    release: Release = Release()
    stems: Mapping[str, StemWords] = field(default_factory=dict)

    @property
    def is_record(self) -> bool:
        """Whether nothing of the song needs to be measured."""
        return self.song.sample_rate > 0


def read(folder: Path | None) -> Stated:
    """What the folder's `notes.toml` states; nothing when there is none.

    Raises SettingsError naming the line of what is no TOML, no known name or no sensible value, and InputError.
    """
    path, there = folder / NAME if folder else Path(NAME), False
    with suppress(OSError):  # a folder that may not be entered: of its audio that is told
        there = path.is_file()
    if not folder or not there:
        return Stated()
    data = read_bytes(path, MAX_BYTES + 1)
    hint = "mend that line, or remove the file: names, tags and measurement tell the facts then"
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES >> 20} MiB")
        return parse(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        why: object = "is nested too deep" if isinstance(error, RecursionError) else error
        why = "is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else why
        raise SettingsError(f"{path}: {why}", hint) from error


def parse(text: str) -> Stated:
    """The contents of a `notes.toml`. Raises ValueError naming the line."""
    document = tomllib.loads(text.replace("\r\n", "\n"))
    about = {name: document.pop(name) for name in list(document) if name in _SONG}
    stems = document.pop("stems", {})
    if not isinstance(stems, dict):
        raise ValueError(f'{_line(text, "stems")}stems: one table per file is wanted, as [stems."Vocals.wav"]')
    made = {
        str(name): _build(StemWords, table, text, ("stems", str(name)), f"[stems.{name}] ")
        for name, table in stems.items()
    }
    release = _build(Release, document.pop("release", {}), text, ("release",), "[release] ")
    song = _song(about, text)
    rest: Stated = _build(Stated, document, text, (), "", only=(*_FACTS, "click", "comments", "release", "stems"))
    return replace(rest, song=song, release=release, stems=made)


def write(folder: Path, stated: Stated) -> Path:
    """Write it atomically; `read` gives the same again. Raises OutputError."""
    path = folder / NAME
    write_text(path, dump(stated))
    return path


def dump(stated: Stated) -> str:
    """The text of a `notes.toml`, without what is not known."""
    song: dict[str, Any] = serial.plain(stated.song)
    if not stated.is_record:
        song = {name: song[name] for name in _FACTS}
    stems: dict[tuple[str, ...], dict[str, Any]] = {
        ("stems", name): serial.plain(words) for name, words in stated.stems.items()
    }
    tables = {("release",): serial.plain(stated.release), **stems}
    return _HEAD + toml.document({**song, "click": stated.click, "comments": stated.comments}, tables)


def told(song: Song, stated: Stated) -> Song:
    """The song with what is stated of it; a whole record takes its place, but for what that leaves open."""
    base = stated.song if stated.is_record else song
    known = {name: getattr(stated.song, name) for name in _FACTS}
    kept = {name: value if value not in ("", None) else getattr(song, name) for name, value in known.items()}
    if not stated.is_record and song.bpm and replace(song.bpm, alternatives=()) == stated.song.bpm:
        kept["bpm"] = song.bpm  # the same, with what is heard
    return replace(base, **kept)


def entry_of(stem: Stem, names: Iterable[str]) -> str | None:
    """That of the names which means a stem: its file's name, that without suffix, or its own; case does not count."""
    known = {_folded(name): name for name in names}
    path = stem.file.path
    return next((known[key] for key in map(_folded, (path.name, path.stem, stem.name)) if key in known), None)


def spoken_of(stems: StemSet, stated: Stated) -> StemSet:
    """The set with what is said of each stem and of the mix."""

    def put(stem: Stem) -> Stem:
        words = stated.stems.get(entry_of(stem, stated.stems) or "", StemWords())
        effects, comments = words.printed_effects or stem.printed_effects, words.comments or stem.comments
        return replace(stem, printed_effects=effects, comments=comments)

    return stems.each(put)


_SONG = tuple(field.name for field in fields(Song))
_LONGEST_S = 24 * 3600
"""Beyond which no file goes on; whoever counts the beats up to a place would not end."""
_FACTS = ("title", "artist", "bpm", "key", "tuning_cents")
"""What can be stated of a song without the rest."""


def _song(about: dict[str, Any], text: str) -> Song:
    for name in ("bpm", "key"):
        value = about.get(name)
        table = dict(value) if isinstance(value, dict) else {"value": value}
        _refuse_unknown(Estimate, table, text, (name,), f"{name}: ")
        if value is not None:
            about[name] = {"confidence": 1.0, "source": "user", **table}
    for name in ("tempo_map", "meter_map"):
        for change in about.get(name, ()) if isinstance(about.get(name), list) else ():
            if isinstance(change, dict) and type(change.get("at")) is int:
                change["at"] = str(change["at"])
    if "sample_rate" not in about and (frames := [name for name in about if name not in _FACTS]):
        raise ValueError(f"{_line(text, frames[0])}{frames[0]} needs sample_rate, the unit of what lies on the grid")
    song: Song = _build(Song, {"title": "", "sample_rate": 0, **about}, text, ())
    for name, wrong in _nonsense(song):
        raise ValueError(f"{_line(text, name)}{name}: {wrong}")
    if song.key:
        keys = [_key(key, text) for key in (song.key.value, *song.key.alternatives)]
        song = replace(song, key=replace(song.key, value=keys[0], alternatives=tuple(keys[1:])))
    return song


def _key(key: str, text: str) -> str:
    try:
        return parse_key(key)
    except ValueError:
        raise ValueError(f"{_line(text, 'key')}key: {key!r} is none; write it like Am, 'F# minor', Bb or 8A") from None


def _nonsense(song: Song) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of values that no song has."""
    bpm = song.bpm
    if bpm and bpm.source == "user" and not SLOWEST_BPM <= bpm.value <= FASTEST_BPM:
        yield "bpm", f"{bpm.value} is no tempo; give quarter notes a minute, from 20 to 400"
    for value in (bpm.value, *bpm.alternatives) if bpm else ():
        if not 0 < value < 1000:
            yield "bpm", f"{value} is no tempo in quarter notes a minute"
    for change in song.tempo_map:
        if not 0 < change.bpm < 1000:
            yield "tempo_map", f"{change.bpm} is no tempo in quarter notes a minute"
    for name, estimate in (("bpm", bpm), ("key", song.key)):
        if estimate and not 0 <= estimate.confidence <= 1:
            yield name, f"a confidence of {estimate.confidence} is not from 0 to 1"
    for meter in song.meter_map:
        if not (0 < meter.numerator < 100 and meter.denominator in (1, 2, 4, 8, 16, 32, 64)):
            yield "meter_map", f"{meter.numerator}/{meter.denominator} is no metre"
    for name, changes in (("tempo_map", song.tempo_map), ("meter_map", song.meter_map)):
        at = [change.at for change in changes]
        if at != sorted(set(at)) or any(not 0 <= place < 1_000_000 for place in at):
            yield name, "the places must ascend from 0"
    if not song.meter_map or song.meter_map[0].at:
        yield "meter_map", "the first metre must be at 0"
    if song.tuning_cents is not None and not -100 <= song.tuning_cents <= 100:
        yield "tuning_cents", f"{song.tuning_cents} is not from -100 to 100"
    if not 0 <= song.sample_rate < 10_000_000:
        yield "sample_rate", f"{song.sample_rate} Hz is none"
    end = _LONGEST_S * song.sample_rate
    if abs(song.downbeat_frame) > end:
        yield "downbeat_frame", f"{song.downbeat_frame} is beyond all files"
    if any(max(abs(mark.at), abs(mark.length)) > end for mark in song.markers):
        yield "markers", "a place is beyond all files"


def _build(
    kind: type, table: Any, text: str, place: tuple[str, ...], about: str = "", only: tuple[str, ...] = ()
) -> Any:
    """A dataclass of a table. Raises ValueError naming the line of a name or value that does not fit."""
    if not isinstance(table, dict):
        raise ValueError(f"{_line(text, *place)}{about}a table is wanted")
    _refuse_unknown(kind, table, text, place, about, only)
    needed = {name: table[name] for name in ("title", "sample_rate") if name in table}
    for name, value in table.items():
        try:
            serial.build(kind, needed | {name: value})
        except (TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"{_line(text, *place, name)}{about}{name}: {error}") from None
    return serial.build(kind, table)


def _refuse_unknown(
    kind: type, table: Mapping[str, Any], text: str, place: tuple[str, ...], about: str, only: tuple[str, ...] = ()
) -> None:
    known = only or tuple(field.name for field in fields(kind))
    for name in table:
        if name not in known:
            raise ValueError(f"{_line(text, *place, name)}{about}{name!r} is not known here; known: {', '.join(known)}")


def _line(text: str, *place: str) -> str:
    """`line 3: `, where a value stands as well as it can be told; empty when it cannot."""
    inside: tuple[str, ...] = ()
    best = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+(.*?)\]+\s*(#.*)?$", line):
            inside = tuple(part.strip("\"' ") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[^."\']+', header[1]))
            if inside and inside == place[: len(inside)]:
                best = f"line {number}: "
        elif place[: len(inside)] == inside and (name := re.match(r"\s*[\"']?([^\"'=.]*?)[\"']?\s*[=.]", line)):
            best = f"line {number}: " if name[1] in place[len(inside) :][:1] else best
    return best


def _folded(name: str) -> str:
    return name.casefold().encode("utf-8", "replace").decode()
