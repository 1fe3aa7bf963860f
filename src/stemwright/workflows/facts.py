"""What is known about a song: what the user says, what an earlier run recorded, what names say, what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from stemwright import serial
from stemwright.audio.said import Said, said_by, same_bpm
from stemwright.errors import SettingsError
from stemwright.handover import manifest
from stemwright.model import AudioFile, Estimate, Levels, Song, Stem, StemSet
from stemwright.naming import safe_name
from stemwright.units import parse_key, short_key
from stemwright.workflows.steps import Workflow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says about the song; wins over everything else."""

    bpm: float | None = None
    key: str | None = None
    title: str = ""
    artist: str = ""
    bpm_range: str = ""
    """`70-140`: between which a tempo that is not known otherwise is looked for."""

    def __post_init__(self) -> None:
        """Bring the key into the house spelling. Raises SettingsError when it is none."""
        if self.bpm is not None:
            if not 20 <= self.bpm <= 400:
                raise SettingsError(f"{self.bpm} is no tempo", "give quarter notes a minute, from 20 to 400")
            object.__setattr__(self, "bpm", float(self.bpm))
        if self.bpm_range:
            _range(self.bpm_range)
        if self.key:
            try:
                object.__setattr__(self, "key", parse_key(self.key))
            except ValueError:
                raise SettingsError(f"{self.key!r} is not a key", "write it like Am, 'F# minor', Bb or 8A") from None


def _range(text: str) -> tuple[float, float]:
    """Raises SettingsError for what is no range of tempi."""
    low, _, high = text.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise SettingsError(f"{text!r} is no range of tempi", "write it like 70-140") from None


def measure(
    files: tuple[AudioFile, ...], given: Given, title: str = "", drums: tuple[AudioFile, ...] = ()
) -> Workflow[Song]:
    """Tempo, key and names of a song from its mix, or from its stems heard together; the beat from its drums."""
    from stemwright.measure.song import measure_song
    from stemwright.measure.tempo import HEARD_BPM

    within, title = _range(given.bpm_range) if given.bpm_range else HEARD_BPM, given.title or title
    song = measure_song(
        files, drums=drums, bpm=given.bpm, within=within, key=given.key, title=title, artist=given.artist
    )
    return (yield from song)


def song_of(stems: StemSet, given: Given) -> Workflow[Song]:
    """The song of a folder of stems: given > recorded by an earlier run > tags > named > measured."""
    recorded = None if given.bpm_range and not given.bpm else recorded_song(stems.folder)
    song = recorded or stems.song
    said = Said() if recorded else said_by([stem.file for stem in stems.everything])
    bpm, key = surest(given.bpm, said.bpm, song.bpm), surest(given.key, said.key, song.key)
    if not recorded:
        heard = (stems.mix,) if stems.mix else stems.stems
        known = replace(given, bpm=bpm.value if bpm else None, key=key.value if key else None)
        drums = tuple(stem.file for stem in stems.stems if stem.role.partition(".")[0] == "drums")
        measured = yield from measure(tuple(stem.file for stem in heard), known, song.title, drums)
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


def surest(given: T | None, *known: Estimate[T] | None) -> Estimate[T] | None:
    """What the user says, else the surest of what is known from elsewhere, of equals the first."""
    if given:
        return Estimate(given, 1.0, "user")
    return max(filter(None, known), key=lambda estimate: estimate.confidence, default=None)


def told_by_tags(files: Sequence[AudioFile], song: Song) -> tuple[str, ...]:
    """Sentences about tags that are nonsense, contradict each other or say other than what is taken."""
    said = said_by(files)
    found = list(said.warnings)
    if said.bpm and song.bpm and song.bpm.source != "tag" and not same_bpm(said.bpm.value, song.bpm.value):
        found.append(f"the tags say {said.bpm.value:g} BPM, taken is {song.bpm.value:g} ({song.bpm.source})")
    if said.key and song.key and song.key.source != "tag" and said.key.value != song.key.value:
        found.append(
            f"the tags say {short_key(said.key.value)}, taken is {short_key(song.key.value)} ({song.key.source})"
        )
    return tuple(found)


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
