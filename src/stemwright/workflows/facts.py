"""What is known about a song: what the user says, what an earlier run recorded, what names say, what is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stemwright import serial
from stemwright.errors import SettingsError
from stemwright.handover import manifest
from stemwright.model import AudioFile, Estimate, Levels, Song, Stem, StemSet
from stemwright.naming import safe_name
from stemwright.units import parse_key, short_key
from stemwright.workflows.steps import Workflow


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says about the song; wins over everything else."""

    bpm: float | None = None
    key: str | None = None
    title: str = ""
    artist: str = ""

    def __post_init__(self) -> None:
        """Bring the key into the house spelling. Raises SettingsError when it is none."""
        if self.bpm is not None:
            if not 20 <= self.bpm <= 400:
                raise SettingsError(f"{self.bpm} is no tempo", "give quarter notes a minute, from 20 to 400")
            object.__setattr__(self, "bpm", float(self.bpm))
        if self.key:
            try:
                object.__setattr__(self, "key", parse_key(self.key))
            except ValueError:
                raise SettingsError(f"{self.key!r} is not a key", "write it like Am, 'F# minor', Bb or 8A") from None


def measure(files: tuple[AudioFile, ...], given: Given, title: str = "") -> Workflow[Song]:
    """Tempo, key and names of a song from its mix, or from its stems heard together."""
    from stemwright.measure.song import measure_song

    return (
        yield from measure_song(files, bpm=given.bpm, key=given.key, title=given.title or title, artist=given.artist)
    )


def song_of(stems: StemSet, given: Given) -> Workflow[Song]:
    """The song of a folder of stems: given > recorded by an earlier run > named > measured."""
    recorded = recorded_song(stems.folder)
    song = recorded or stems.song
    bpm = Estimate(given.bpm, 1.0, "user") if given.bpm else song.bpm
    key = Estimate(given.key, 1.0, "user") if given.key else song.key
    if not recorded:
        heard = (stems.mix,) if stems.mix else stems.stems
        known = replace(given, bpm=bpm.value if bpm else None, key=key.value if key else None)
        measured = yield from measure(tuple(stem.file for stem in heard), known, song.title)
        bpm, key = bpm or measured.bpm, key or measured.key
        song = replace(measured, title=song.title, artist=song.artist or measured.artist)
    return replace(song, bpm=bpm, key=key, title=given.title or song.title, artist=given.artist or song.artist)


def recorded_song(folder: Path | None) -> Song | None:
    """The song facts that an earlier run left in the folder's manifest."""
    found = manifest.read(folder / manifest.NAME) if folder else None
    step = next((step for step in found.steps if step.name == "song"), None) if found else None
    try:
        return serial.build(Song, step.result) if step else None
    except (TypeError, ValueError, AttributeError, KeyError):
        return None  # another version's or someone's edit: measured anew


def with_effects(stems: StemSet, effects: tuple[str, ...]) -> StemSet:
    """The set with printed effects stated as `Vocals=plate`. Raises SettingsError for a stem that is not there."""
    known = {stem.name.casefold() for stem in stems.stems}
    told: dict[str, str] = {}
    for text in effects:
        name, equals, said = text.partition("=")
        if not equals or name.strip().casefold() not in known:
            names = ", ".join(stem.name for stem in stems.stems)
            raise SettingsError(f"--effects {text!r} names no stem", f"write NAME=TEXT; the stems are: {names}")
        told[name.strip().casefold()] = said.strip()
    return replace(
        stems,
        stems=tuple(
            replace(stem, printed_effects=told.get(stem.name.casefold(), stem.printed_effects)) for stem in stems.stems
        ),
    )


def folder_name(song: Song) -> str:
    """`Song_120_Am`; a fact that is not known is left out."""
    parts = [safe_name(song.title)]
    if song.bpm:
        parts.append(f"{round(song.bpm.value, 2):g}")
    if song.key:
        parts.append(safe_name(short_key(song.key.value)))
    return "_".join(parts)


def with_levels(stems: StemSet, levels: dict[str, Any]) -> StemSet:
    """The set with levels that an earlier run measured, by file name."""

    def put(stem: Stem) -> Stem:
        found = levels.get(stem.file.path.name)
        return replace(stem, levels=serial.build(Levels, found)) if found else stem

    return replace(stems, stems=tuple(map(put, stems.stems)), mix=put(stems.mix) if stems.mix else None)
