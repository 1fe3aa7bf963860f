"""What the tags of files say about tempo and key: every place is asked, nonsense passed over, contradictions told.

Asked are ID3, Vorbis comments and MP4 atoms, iXML (tempo and note), LIST INFO and the `acid` chunk, whose root note
has no mode and so is no key. Nothing that stands in a file can raise an error here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from stemwright.audio.chunks import Acid, parse_acid
from stemwright.audio.tagging import NOTE
from stemwright.audio.tags import every
from stemwright.model import AudioFile, Estimate
from stemwright.naming import one_line
from stemwright.units import FASTEST_BPM, SLOWEST_BPM, parse_key, short_key

AGREED, DISPUTED = 0.9, 0.6
"""Confidence of what all tags say, and of the first where they disagree."""

T = TypeVar("T", float, str)
_NUMBER = re.compile(r"(\d{1,3}(?:[.,]\d{1,6})?)\s*(?:bpm)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """What the tags of a song's files say; `warnings` are sentences about nonsense and contradictions."""

    bpm: Estimate[float] | None = None
    key: Estimate[str] | None = None
    warnings: tuple[str, ...] = ()


def said_by(files: Sequence[AudioFile]) -> Said:
    """Tempo and key as the tags of these files have them, the first file's first.

    Where others disagree they are the alternatives, and the estimate is less sure. A rounded tempo agrees with the
    exact one.
    """
    claims = [(name, place, text, file.path.name) for file in files for name, place, text in _claims(file)]
    tempo, no_tempo = _judged((c[1:] for c in claims if c[0] == "bpm"), parse_bpm, same_bpm, lambda bpm: f"{bpm:g}")
    key, no_key = _judged((c[1:] for c in claims if c[0] == "key"), parse_key, str.__eq__, short_key)
    warnings = [
        *(f"{sentence} is no tempo and is passed over" for sentence in no_tempo),
        *(f"{sentence} is no key and is passed over" for sentence in no_key),
        *(
            f"the iXML of {file.path.name} is passed over: it is too large or no XML"
            for file in files
            if file.metadata.ixml == "broken"
        ),
        *tempo.disputes("tempo"),
        *key.disputes("key"),
    ]
    return Said(tempo.estimate, key.estimate, tuple(warnings))


def parse_bpm(text: str) -> float:
    """A tempo as people write it: `128`, `128.5`, `128,5 BPM`. Raises ValueError for what is none from 20 to 400."""
    found = _NUMBER.fullmatch(text.strip())
    bpm = float(found[1].replace(",", ".")) if found else math.nan
    if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise ValueError(f"{text!r} is no tempo")
    return bpm


def acid_of(file: AudioFile) -> Acid | None:
    """The `acid` chunk of a WAV; None when there is none, or none that can be read."""
    chunk = next((chunk for chunk in file.chunks if chunk.name == "acid"), None)
    if chunk is None or file.format.container == "aiff":
        return None
    try:
        with file.path.open("rb") as opened:
            opened.seek(chunk.offset)
            return parse_acid(opened.read(min(chunk.bytes, 24)))
    except OSError:
        return None


def _claims(file: AudioFile) -> Iterator[tuple[str, str, str]]:
    """(bpm or key, place, text) of everything a file says, the best place first; what is not filled in is left out."""
    ixml, info = dict(file.metadata.ixml_facts), dict(file.metadata.info_facts)
    note = NOTE.fullmatch((ixml.get("note") or "\n").splitlines()[-1])
    for name in ("bpm", "key"):
        places = [(key.rpartition(":")[2].upper(), text) for key, text in every(file.path, name)]
        places += [("iXML", ixml.get(name, "")), ("iXML note", note[name] or "" if note else "")]
        places += [("LIST INFO", info.get(name, ""))]
        if all(text != file.tag(name) for _, text in places):
            places.insert(0, ("tag", file.tag(name)))
        yield from ((name, place, text) for place, text in places if text and (place, text) != ("TMPO", "0"))
    acid = acid_of(file)
    if acid and acid.bpm:
        yield "bpm", "acid", f"{acid.bpm:g}" if math.isfinite(acid.bpm) else str(acid.bpm)


@dataclass(frozen=True, slots=True)
class _Verdict(Generic[T]):
    claims: tuple[tuple[T, str], ...]
    """Every value that differs from those before, and where it stands."""
    written: Callable[[T], str]

    @property
    def estimate(self) -> Estimate[T] | None:
        values = [value for value, _ in self.claims]
        sure = AGREED if len(values) == 1 else DISPUTED
        return Estimate(values[0], sure, "tag", tuple(values[1:])) if values else None

    def disputes(self, what: str) -> Iterator[str]:
        if len(self.claims) > 1:
            told = ", ".join(f"{self.written(value)} ({where})" for value, where in self.claims[:4])
            yield f"the tags disagree about the {what}: {told}; the first is taken"


def _judged(
    claims: Iterable[tuple[str, str, str]],
    parse: Callable[[str], T],
    same: Callable[[T, T], bool],
    written: Callable[[T], str],
) -> tuple[_Verdict[T], list[str]]:
    """The verdict on (place, text, file name), and what is nonsense: `the TBPM 'fast' of Kick.wav`."""
    found: list[tuple[T, str]] = []
    nonsense: dict[tuple[str, str], list[str]] = {}
    for place, text, name in claims:
        try:
            value = parse(text)
        except ValueError:
            nonsense.setdefault((place, one_line(text[:40])), []).append(name)
            continue
        if not any(same(value, other) for other, _ in found):
            found.append((value, f"{place} of {name}"))
    told = [
        f"the {place} {text!r} of {names[0]}{f' and {len(names) - 1} more files' if names[1:] else ''}"
        for (place, text), names in nonsense.items()
    ]
    return _Verdict(tuple(found), written), told


def same_bpm(one: float, other: float) -> bool:
    """Whether two tempos are one, written more or less exactly."""
    rounded = one.is_integer() or other.is_integer()
    return abs(one - other) <= (0.5 if rounded else 0.05)
