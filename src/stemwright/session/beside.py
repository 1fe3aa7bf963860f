"""What sessions and MIDI files that lie among the stems say of the song: tempo, its changes, metre, bar 1 and key.

A program that nobody told writes 120 BPM, 4/4 and C major, so these say nothing. Nor does a session of our own, which
repeats what was known when it was written, nor any that plays these stems: it was made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from stemwright.errors import InputError, StemwrightError
from stemwright.model import Session, Song, StemSet
from stemwright.session.arrange import SURE_NOTE
from stemwright.session.formats import read_session, readers
from stemwright.units import FASTEST_BPM, SLOWEST_BPM, many, rescale

SURE = 0.95
"""Of a tempo or key that a session states: more than a tag, less than the user's word."""
_UNTOLD_BPM, _UNTOLD_KEY = 120.0, "C major"
_APART_S = 0.04
"""The beats of a session and of the stems lie at most so far apart when it is the session of these stems."""
_ROUNDED = 0.01
"""BPM and quarters by which programs round tempi and where they change."""
_MOST_BYTES = 16 << 20
_NOTHING = Song("", 48_000)


@dataclass(frozen=True, slots=True)
class Planned:
    """What is said; `song` holds nothing but tempo, map, metre, bar 1 and key. `warnings` are sentences."""

    song: Song
    tempo_in: str = ""
    """The file that says the tempo, "" for none."""
    key_in: str = ""
    warnings: tuple[str, ...] = ()


def planned(stems: StemSet) -> Planned:
    """What the sessions among these stems say. Where two disagree neither counts, which is told."""
    tempi: dict[str, Song] = {}
    keys: dict[str, Song] = {}
    warnings: list[str] = []
    for name, song in _told(stems, warnings):
        if song.tempo_map and any(stem.file.start_frame for stem in stems.everything):
            warnings.append(f"{name} changes its tempo, and where in it the stems begin is not known; give --bpm")
        elif song.bpm and (song.bpm.value != _UNTOLD_BPM or song.tempo_map):
            tempi[name] = song
        if song.key and song.key.value != _UNTOLD_KEY:
            keys[name] = song
    found = Planned(_NOTHING)
    if tempi and _agreed("tempo", {name: _tempo(song) for name, song in tempi.items()}, _alike(tempi), warnings):
        name, song = next(iter(tempi.items()))
        bpm = replace(song.bpm, confidence=SURE) if song.bpm else None
        found = Planned(replace(song, title="", artist="", bpm=bpm, key=None, markers=()), name)
    named = {name: song.key.value for name, song in keys.items() if song.key}
    if keys and _agreed("key", named, len(set(named.values())) == 1, warnings):
        name, song = next(iter(keys.items()))
        key = replace(song.key, confidence=SURE) if song.key else None
        found = replace(found, song=replace(found.song, key=key), key_in=name)
    return replace(found, warnings=tuple(warnings))


def on_grid(heard: Song, plan: Song) -> Song:
    """A song that was heard at the tempo of a session, with its changes, metre and bars if these are its beats.

    A session that was bounced from its start begins with the stems; one with other beats tells the tempo alone.
    """
    first = rescale(plan.downbeat_frame, plan.sample_rate, heard.sample_rate)
    told = plan.meter_map if plan.meter_map != _NOTHING.meter_map else heard.meter_map
    if plan.tempo_map or len(plan.meter_map) > 1:
        return replace(heard, tempo_map=plan.tempo_map, meter_map=plan.meter_map, downbeat_frame=first)
    assert plan.bpm
    beat = 60 * heard.sample_rate / plan.bpm.value
    apart = (first - heard.downbeat_frame) % beat
    if min(apart, beat - apart) > _APART_S * heard.sample_rate:
        return heard
    return replace(heard, meter_map=told, downbeat_frame=first)


def unexplained(heard: tuple[float, ...], plan: Song) -> tuple[float, ...]:
    """Of tempi that were heard those that none of the session's changes passes through, octaves aside."""
    if not plan.tempo_map:
        return heard
    low, high = (most(bpm for _, bpm in _tempi(plan)) for most in (min, max))
    octaves = (0.5, 1, 2)
    return tuple(bpm for bpm in heard if not any(0.98 * low <= bpm * octave <= 1.02 * high for octave in octaves))


def _told(stems: StemSet, warnings: list[str]) -> Iterator[tuple[str, Song]]:
    known = {suffix for module in readers().values() if "tempo" in module.EXPRESSES for suffix in module.SUFFIXES}
    own = {stem.file.path.name for stem in stems.everything}
    for path in stems.other_files:
        if path.suffix.lower() in known and not path.name.startswith("."):
            try:
                status = path.stat()
                session = _session(path, status.st_size, status.st_mtime_ns)
                played = {file.path.name for file in session.files}
                if not own & played and not any(line.endswith(SURE_NOTE) for line in session.notes):
                    yield path.name, session.song
            except (OSError, StemwrightError) as error:
                why = error.message if isinstance(error, StemwrightError) else str(error.strerror)
                warnings.append(f"{path.name} says nothing about the song: {why.removeprefix(f'{path}: ')}")


@lru_cache(maxsize=16)
def _session(path: Path, size: int, mtime_ns: int) -> Session:
    """What is in a file that has not changed since. Raises StemwrightError for one that tells no tempo."""
    if size > _MOST_BYTES:
        raise InputError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB", "give --bpm and --key")
    session = read_session(path, search=False).session
    absurd = next((bpm for _, bpm in _tempi(session.song) if not SLOWEST_BPM <= bpm <= FASTEST_BPM), None)
    if absurd is not None:
        raise InputError(f"{path}: {absurd:g} BPM is no tempo", "give --bpm")
    return session


def _tempi(song: Song) -> list[tuple[float, float]]:
    """(quarters, quarters a minute) of the first tempo and of each change."""
    first = [(0.0, song.bpm.value)] if song.bpm else []
    return first + [(float(change.at), change.bpm) for change in song.tempo_map]


def _tempo(song: Song) -> str:
    assert song.bpm
    changes = f" with {many(len(song.tempo_map), 'change')}" if song.tempo_map else ""
    return f"{round(song.bpm.value, 2):g} BPM{changes}"


def _alike(songs: dict[str, Song]) -> bool:
    """Whether all have one tempo with the same changes; MIDI rounds both."""
    first, *others = map(_tempi, songs.values())
    same_count = all(len(other) == len(first) for other in others)
    return same_count and all(
        abs(a - b) < _ROUNDED
        for other in others
        for one, two in zip(first, other, strict=True)
        for a, b in zip(one, two, strict=True)
    )


def _agreed(what: str, said: dict[str, str], alike: bool, warnings: list[str]) -> bool:
    if alike:
        return True
    told = ", ".join(f"{value} ({name})" for name, value in list(said.items())[:4])
    warnings.append(f"the sessions beside the stems disagree about the {what}: {told}; none is taken")
    return False
